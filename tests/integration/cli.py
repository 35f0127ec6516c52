#!/usr/bin/env python3
"""The CLI against a real daemon, as an operator uses it: log-in and its cache, objects, params, jobs and their logs,
users, contents, events, formats, exit codes, the live tree. Nothing secret reaches the daemon's log.

    cli.py DAEMON CLI

Covers STA-13, TOK-06, TOK-08 and the parts of contract §9 that need a server.
"""
import base64
import json
import os
import pathlib
import select
import subprocess
import sys

from harness import Workplace, wait_for

YEARS_3 = 3 * 365 * 86400


class Cli:
    def __init__(self, program, node, home):
        self.program, self.home = program, home
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home),
                    "RS_ENDPOINT": f"https://{node.address}:{node.api_port}"}

    def run(self, *words, code=0, stdin=None, **more):
        done = subprocess.run([self.program, *words], env={**self.env, **more}, capture_output=True, text=True,
                              input=stdin, timeout=60)
        assert done.returncode == code, (words, done)
        assert (code == 0) == (done.stderr == ""), (words, done.stderr)
        assert code == 0 or done.stderr.startswith("Error: "), done.stderr
        return done.stdout if code == 0 else done.stderr

    def json(self, *words, **more):
        return json.loads(self.run(*words, **more))


def log_in(cli, node):
    """The first command stores a token that the next one uses; a stale one is replaced, a wrong password told."""
    cli.run("info", "check")
    cache = cli.home / ".cache/drpcli/tokens/.rocketskates.token"
    first = cache.read_text()
    assert oct(cache.stat().st_mode)[-3:] == "600"
    cli.run("info", "get")
    assert cache.read_text() == first
    cache.write_text("stale")
    cli.run("info", "get")
    assert cache.read_text() not in ("stale", "")
    assert "users: Access Denied" in cli.run("info", "get", code=1, RS_KEY="rocketskates:wrong-pass", HOME="/nonexistent")
    assert "Invalid token" in cli.run("info", "get", code=1, RS_TOKEN="nonsense")
    assert "127.0.0.1" in cli.run("info", "get", code=1, RS_ENDPOINT="https://127.0.0.1:1")
    token = cli.json("users", "token", "rocketskates", "ttl", "3y")["Token"]
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["e"] - claims["i"] == YEARS_3, claims  # TOK-06
    cli.run("info", "get", RS_TOKEN=token)
    return [first.strip(), token]


def objects(cli):
    made = cli.json("profiles", "create", "greeting")
    assert made["Name"] == "greeting" and made["Available"] is True
    assert "CREATE: profiles/greeting: already exists" in cli.run("profiles", "create", "greeting", code=1)
    assert cli.run("profiles", "exists", "greeting") == ""
    assert "profiles:none does not exist" in cli.run("profiles", "exists", "none", code=1)
    assert cli.json("profiles", "update", "greeting", "Description: hello")["Description"] == "hello"
    assert cli.json("profiles", "set", "greeting", "param", "a/b", "to", "[1, 2]") == [1, 2]
    assert cli.json("profiles", "get", "greeting", "param", "a/b") == [1, 2]
    assert cli.json("profiles", "get", "greeting", "param", "none") is None
    assert cli.json("profiles", "remove", "greeting", "param", "a/b") == [1, 2]
    assert "params/a/b: Not Found" in cli.run("profiles", "remove", "greeting", "param", "a/b", code=1)
    assert cli.run("profiles", "count", "Name=greeting") == "1\n"
    assert cli.run("-F", "table", "-J", "Name,Description", "profiles", "list", "Name=greeting") == (
        "Name     | Description\ngreeting | hello\n")
    assert "Name: greeting\n" in cli.run("-F", "yaml", "profiles", "show", "greeting")
    assert cli.run("-F", "text", "-H", "-J", "Name", "profiles", "list", "Name=greeting") == "greeting\n"
    assert "Unknown pretty format xml" in cli.run("-F", "xml", "profiles", "list", code=1)
    tag = cli.run("profiles", "etag", "greeting").strip()
    assert cli.run("profiles", "etag", "greeting", tag, "50ms") == "Timeout: no change\n"
    assert cli.run("profiles", "etag", "greeting", '"0"', "30s").strip() == tag
    assert cli.run("profiles", "wait", "greeting", "Description", "hello", "5") == "complete\n"
    assert cli.json("profiles", "meta", "set", "greeting", "key", "color", "to", "red")["color"] == "red"
    before = cli.run("profiles", "show", "greeting")
    cli.run("profiles", "update", "greeting", "Description: again")
    assert "Test op failed" in cli.run("--ref", before, "profiles", "update", "greeting", "Description: x", code=1)
    assert cli.run("profiles", "destroy", "greeting") == "Deleted profile greeting\n"
    assert "GET: profiles/greeting: Not Found" in cli.run("profiles", "show", "greeting", code=1)
    assert "has errors" in cli.run("-X", "stages", "create", '{"Name":"broken","BootEnv":"none-such"}', code=1)
    assert cli.json("objects", "list")[0] == "bootenvs" and "lo" in cli.run("interfaces", "list")
    assert cli.json("prefs", "set", "logLevel", "info")["logLevel"] == "info"
    assert "Unknown Preference greg" in cli.run("prefs", "set", "greg", "x", code=1)


def jobs(cli, place):
    cli.run("tasks", "create", '{"Name":"one","Templates":[{"Name":"t","Contents":"echo hi"}]}')
    machine = cli.json("machines", "create", '{"Name":"m1","Tasks":["one"]}')["Uuid"]
    job = cli.json("jobs", "create", json.dumps({"Machine": machine}))["Uuid"]
    assert cli.json("jobs", "actions", job) == [{"Name": "t", "Path": "", "Content": "echo hi", "Meta": {}}]
    text = place.path / "job.txt"
    text.write_bytes(b"first line\n\xff\x00second\n")
    assert cli.run("jobs", "log", job, str(text)) == "Success\n"
    shown = subprocess.run([cli.program, "jobs", "log", job], env=cli.env, capture_output=True, timeout=60)
    assert shown.stdout == f"Log for Job: {job}\n".encode() + text.read_bytes(), shown
    cli.run("jobs", "update", job, "State: failed")
    assert cli.json("machines", "show", "Name:m1")["Runnable"] is False
    assert "Deleted" in cli.json("jobs", "purge")
    return job, text.read_bytes()


def contents_and_events(cli, place):
    pack = place.path / "pack.yaml"
    pack.write_text("meta: {Name: pack, Version: 1.0.0}\nsections:\n  profiles:\n    packed: {Name: packed}\n")
    assert cli.json("contents", "upload", str(pack))["Counts"] == {"profiles": 1}
    assert cli.json("contents", "upload", str(pack))["Counts"] == {"profiles": 1}
    assert cli.json("profiles", "show", "packed")["Bundle"] == "pack"
    assert "ReadOnly" in cli.run("profiles", "destroy", "packed", code=1)
    assert cli.run("contents", "destroy", "pack") == "Deleted content pack"
    watcher = subprocess.Popen([cli.program, "events", "watch", "profiles.*.*"], env=cli.env, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    try:
        output = watcher.stdout.fileno()
        numbers = iter(range(1000))

        def seen():
            # The watcher says nothing when it is ready, so something happens until it has seen one.
            cli.run("profiles", "create", f"watched-{next(numbers)}")
            ready, _, _ = select.select([output], [], [], 0.1)
            return ready and b"watched-" in os.read(output, 65536)

        wait_for(seen, 30, "an event to be printed")
    finally:
        watcher.kill()
        watcher.communicate()
    assert "does not store files yet" in cli.run("files", "upload", str(pack), code=1)
    assert cli.json("files", "list") == []
    cli.run("events", "post", '{"Type":"custom","Action":"a","Key":"k"}')
    assert cli.json("logs", "get")


def users(cli):
    cli.run("users", "create", "anna")
    cli.run("users", "password", "anna", "annas-own-password")
    assert cli.json("profiles", "list", RS_KEY="anna:annas-own-password", HOME="/nonexistent") == []
    assert "AUTH" in cli.run("users", "show", "rocketskates", code=1, RS_KEY="anna:annas-own-password",
                             HOME="/nonexistent")
    cli.run("users", "password", "rocketskates", "something-better")
    assert "Access Denied" in cli.run("info", "get", code=1, HOME="/nonexistent")
    cli.env["RS_KEY"] = "rocketskates:something-better"
    cli.run("info", "get")


def introspection(cli):
    table = cli.run("-F", "table", "actors")
    assert table.splitlines()[0].split() == ["Name", "|", "State", "|", "Mailbox", "|", "Messages", "|", "PerSecond",
                                             "|", "MeanNs", "|", "Restarts", "|", "LastError"], table
    assert "replay" in table and "running" in table
    cli.run("actors", "kill", "links")

    def back():
        row = next(row for row in cli.json("actors") if row["Name"] == "links")
        return row["Restarts"] == 1 and row["State"] == "running" and row["LastError"]

    wait_for(back, 20, "links to be started again")
    state = cli.json("ha", "state")
    assert cli.json("system", "ha", "id") == state["ConsensusID"] == cli.json("ha", "leader") == cli.json("ha", "active")
    assert [peer["ConsensusID"] for peer in cli.json("ha", "peers")] == [state["ConsensusID"]]
    assert cli.json("ha", "failOverSafe") is False
    assert cli.run("completion", "bash").startswith("_holdfast()")


def main():
    daemon, program = sys.argv[1:3]
    with Workplace(daemon) as place:
        node = place.node().start()
        home = place.path / "home"
        home.mkdir()
        cli = Cli(program, node, home)
        secrets = log_in(cli, node)
        objects(cli)
        job, logged = jobs(cli, place)
        contents_and_events(cli, place)
        users(cli)
        introspection(cli)
        node.kill()
        node.start()
        shown = subprocess.run([program, "jobs", "log", job], env=cli.env, capture_output=True, timeout=60)
        assert shown.stdout.endswith(logged), "a job's log was lost by kill -9"
        assert node.terminate() == 0
        log = node.log_text()
        for secret in (*secrets, "annas-own-password", "something-better", "wrong-pass"):
            assert secret not in log, "a secret stands in the daemon's log"
        check = subprocess.run([program, "wal", "check", str(pathlib.Path(node.root) / "wal")], capture_output=True,
                               text=True, timeout=60)
        assert check.returncode == 0 and json.loads(check.stdout)["Sound"] is True, check
        print("cli: log-in, objects, jobs, contents, events, users, introspection, wal check")


if __name__ == "__main__":
    main()
