#!/usr/bin/env python3
"""What a start does and refuses on a real file system: help and version, fresh roots, the lock, ha-state.json in
every state it can be found in, its repair, and the end by signals.

    start_up.py DAEMON CLI

Covers CFG-02, CFG-13, CFG-15, CFG-17, CFG-18, HST-01, HST-02, HST-04, HST-07, HST-08, HST-12, HST-15, HST-28,
HST-29, PRE-17, WAL-10 and C-03 for one node.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
import warnings

from harness import USER, Workplace, client_context, wait_for

KEYS = {"ActiveUri": str, "ApiUrl": str, "ConsensusAddr": str, "ConsensusEnabled": bool, "ConsensusID": str,
        "ConsensusJoin": str, "Enabled": bool, "HaID": str, "LoadBalanced": bool, "Observer": bool, "Passive": bool,
        "Roots": list, "Token": str, "Valid": bool, "VirtAddr": str, "VirtInterface": str,
        "VirtInterfaceScript": str}
LOCKED, DAMAGED, USAGE = 73, 71, 64


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, **options)


def listing(root):
    return sorted(str(path.relative_to(root)) for path in pathlib.Path(root).rglob("*"))


def stop_and(node, change):
    """Stops the node, lets `change` at its files, and returns what ha-state.json said before."""
    before = node.state_file()
    assert node.terminate() == 0, node.log_tail()
    change(node.root / "ha-state.json")
    return before


def refused(node, code, *words):
    """A start that must be refused with this exit code and a last word that says these words."""
    node.start(wait=False)
    assert node.wait_end(20) == code, (node.process.returncode, node.log_tail())
    last = node.log_tail(3)
    for word in words:
        assert word in last, (word, last)


def help_touches_nothing(place, daemon):
    """CFG-18: also below a folder that nobody may write to, and with settings that would be refused."""
    closed = place.path / "closed"
    closed.mkdir(mode=0o500)
    for flag, word in (("--help", "--base-root"), ("--version", "holdfastd ")):
        shown = run(daemon, flag, "--base-root", closed / "root", cwd=closed)
        assert shown.returncode == 0 and word in shown.stdout and not shown.stderr, shown
        assert listing(closed) == []
    help_text = run(daemon, "--help").stdout
    for name in ("RS_BASE_ROOT", "RS_STATIC_IP", "RS_HA_CONSENSUS_ADDR", "--ha-load-balanced", "--load-balanced"):
        assert name in help_text, name
    for bad, word in ((["--api-port", "0"], "--api-port"), (["--no-such-flag"], "no-such-flag"),
                      (["--ha-consensus-addr", "host:8093"], "--ha-consensus-addr"), (["stray"], "stray")):
        answer = run(daemon, *bad, "--base-root", closed / "root", cwd=closed)
        assert answer.returncode == USAGE and word in answer.stderr, (bad, answer)
        assert listing(closed) == []


def fresh(place):
    """CFG-02, HST-01, HST-08, HST-29: no HA flag, a stand-alone node, exactly the seventeen keys, closed to others."""
    os.umask(0)
    try:
        node = place.node("fresh").start()
    finally:
        os.umask(0o022)
    path = node.root / "ha-state.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600, oct(path.stat().st_mode)
    state = node.state_file()
    assert set(state) == set(KEYS), set(state) ^ set(KEYS)
    assert all(isinstance(state[key], kind) for key, kind in KEYS.items()), state
    assert not state["Enabled"] and not state["ConsensusEnabled"] and state["Valid"]
    for name in ("wal/base.0", "server.crt", "server.key", "tftpboot/files", "tftpboot/isos", "job-logs", "plugins",
                 "replace", "runner", "saas-content", "ux"):
        assert (node.root / name).exists(), name
    info = node.client().call("GET", "info")
    assert info["ha_enabled"] is False and info["ha_is_active"] is True and info["ha_status"] == "Up"
    consensus = node.client()
    assert consensus.call("GET", "system/consensus/id") == state["ConsensusID"]
    assert [peer["ConsensusID"] for peer in consensus.call("GET", "system/consensus/peers")] == [state["ConsensusID"]]
    assert consensus.call("POST", "system/consensus/failOverSafe") is False  # STA-12
    wait_for(lambda: "default_password" in node.log_text(), 20, "a word that the well-known password stands")
    return node


def one_process(place, node):
    """PRE-17, WAL-10: a second process is turned away at once, also through a bind mount and through hard links, and the
    first goes on."""
    second = place.node("second")
    roots = [node.root]
    linked = place.path / "linked"
    linked.mkdir()
    os.link(node.root / "instance.lock", linked / "instance.lock")
    roots.append(linked)
    symlink = place.path / "symlink"
    symlink.symlink_to(node.root)
    roots.append(symlink)
    bound = place.path / "bound"
    bound.mkdir()
    mounted = os.geteuid() == 0 and run("mount", "--bind", node.root, bound).returncode == 0
    if mounted:
        roots.append(bound)
    else:
        print("not shown here: the bind mount (needs root)", file=sys.stderr)
    try:
        for root in roots:
            second.root = root
            refused(second, LOCKED, "in use by another process", str(node.process.pid))
    finally:
        if mounted:
            run("umount", bound)
    node.client().call("POST", "profiles", {"Name": "unharmed"})
    assert node.process.poll() is None


def precedence(node):
    """HST-02, HST-12, CFG-15, CFG-17: a valid file stands against flags and environment, with one warning each."""
    before = stop_and(node, lambda path: None)
    node.extra = ["--ha-id", "other", "--ha-enabled"]
    os.environ["RS_HA_ADDRESS"] = "192.0.2.77/24"
    try:
        node.start()
    finally:
        del os.environ["RS_HA_ADDRESS"]
    assert node.state_file() == before
    log = node.log_text()
    for name in ("--ha-id", "--ha-enabled", "RS_HA_ADDRESS"):
        assert sum(name in line and "no effect" in line for line in log.splitlines()) == 1, name
    node.extra = []


def broken_files(place, node, cli):
    """HST-04, HST-28, C-03: an invalid file is filled from flags, keeps the identity and the old bytes."""
    identity = node.state_file()["ConsensusID"]
    for number, content in enumerate(("not json", "{\"Valid\":", "[]", "\0" * 512)):
        stop_and(node, lambda path: path.write_text(content))
        node.start()
        assert node.state_file()["ConsensusID"] == identity
        kept = sorted(node.root.glob("ha-state.json.damaged-*"))
        assert len(kept) == number + 1 and any(path.read_text() == content for path in kept), kept
        assert "was damaged" in node.log_text()
    for content in (None, json.dumps({"Passive": True}), json.dumps({"Valid": False})):
        stop_and(node, lambda path: path.write_text(content) if content else path.unlink())
        node.start()
        state = node.state_file()
        assert state["ConsensusID"] == identity and set(state) == set(KEYS), state
        assert state["Passive"] is (content is not None and "Passive" in content), state
    assert node.client().call("GET", "profiles/unharmed")["Name"] == "unharmed"

    # HST-07: another identity in the file is refused with the way out, and the way out works.
    before = stop_and(node, lambda path: path.write_text(
        json.dumps({**json.loads(path.read_text()), "ConsensusID": "11111111-2222-4333-8444-555555555555"})))
    refused(node, DAMAGED, "ConsensusID", "repair-state")
    repaired = run(cli, "ha", "repair-state", "--base-root", node.root)
    assert repaired.returncode == 0 and "rebuilt" in repaired.stdout, repaired
    node.start()
    assert node.state_file() == before


def repair(place, node, cli):
    """C-03: the verb against a running daemon, a whole file, a missing one, both copies lost, and no node at all."""
    before = node.state_file()
    running = run(cli, "ha", "repair-state", "--base-root", node.root)
    assert running.returncode == 1 and "in use by another process" in running.stderr, running
    assert node.terminate() == 0
    whole = run(cli, "system", "ha", "repair-state", "--base-root", node.root)
    assert whole.returncode == 0 and "nothing to repair" in whole.stdout, whole
    assert json.loads((node.root / "ha-state.json").read_text()) == before
    (node.root / "ha-state.json").unlink()
    again = run(cli, "ha", "repair-state", env={**os.environ, "RS_BASE_ROOT": str(node.root)})
    assert again.returncode == 0 and "from its copy" in again.stdout, again
    assert json.loads((node.root / "ha-state.json").read_text()) == before
    assert stat.S_IMODE((node.root / "ha-state.json").stat().st_mode) == 0o600
    (node.root / "ha-state.json").write_text("x")
    (node.root / "raft" / "ha-state.copy").unlink()
    around = run(cli, "ha", "repair-state", "--base-root", node.root)
    assert around.returncode == 0 and "around the identity" in around.stdout, around
    node.start()
    assert node.state_file()["ConsensusID"] == before["ConsensusID"]
    empty = run(cli, "ha", "repair-state", "--base-root", place.path / "nowhere")
    assert empty.returncode == 1 and "not the base root of a node" in empty.stderr, empty


def copied_root(place, node):
    """PRE-17: a copy of a base root starts, since the original may be gone, but says that it is a copy."""
    assert node.terminate() == 0
    copy = place.node("copy")
    shutil.copytree(node.root, copy.root)
    copy.start()
    assert "base_root_copied" in copy.log_text()
    assert copy.terminate() == 0
    node.start()


def notifications(place):
    """systemd hears when the node serves and when it stops, and the watchdog is fed meanwhile."""
    node = place.node("notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        path = str(place.path / "notify.sock")
        listener.bind(path)
        listener.settimeout(20)
        os.environ.update(NOTIFY_SOCKET=path, WATCHDOG_USEC="200000")
        try:
            node.start(wait=False)
        finally:
            del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
        heard = []

        def hears(word, times=1):
            while sum(word in said for said in heard) < times:
                heard.extend(listener.recv(4096).decode().splitlines())

        try:
            hears("READY=1")
            hears("WATCHDOG=1", 3)
            assert node.terminate() == 0
            hears("STOPPING=1")
        except TimeoutError:
            if not heard:
                print("not shown here: built without libsystemd", file=sys.stderr)
            else:
                raise AssertionError(f"systemd heard only {heard}") from None
    if node.process.poll() is None:
        node.kill()


def listeners(place):
    """With a loopback --static-ip that address alone is listened on, so that nodes can share a port number; TLS 1.2
    and 1.3 are spoken and nothing older."""
    node = place.node("alone", address="127.90.0.1").start()
    other = place.node("beside", address="127.90.0.2", api_port=node.api_port,
                       consensus_port=node.consensus_port).start()
    try:
        socket.create_connection(("127.0.0.1", node.api_port), timeout=2).close()
        raise AssertionError("a node with --static-ip 127.90.0.1 listens on 127.0.0.1 too")
    except OSError:
        pass
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = client_context()
        context.minimum_version = context.maximum_version = version
        with socket.create_connection((node.address, node.api_port), timeout=10) as raw:
            assert context.wrap_socket(raw).version() == version.name.replace("_", ".")
    old = client_context()
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    try:
        with socket.create_connection((node.address, node.api_port), timeout=10) as raw:
            raise AssertionError(f"{old.wrap_socket(raw).version()} is spoken")
    except OSError:
        pass
    taken = place.node("taken", address="127.90.0.1", api_port=node.api_port)
    refused(taken, 1, str(node.api_port))
    for one in (node, other):
        assert one.terminate() == 0


def signals(node):
    for number in (signal.SIGTERM, signal.SIGINT):
        client = node.client()
        client.call("POST", "profiles", {"Name": f"before-{number.name}"})
        node.process.send_signal(number)
        assert node.wait_end(20) == 0, node.log_tail()
        assert "event=stopped" in node.log_tail() or "stopped" in node.log_tail()
        node.start()
        assert node.client().call("GET", f"profiles/before-{number.name}")
    assert USER in json.dumps(node.client().call("GET", "users"))
    # At every moment of a start, above all while a password is being hashed. Before it can know of signals the
    # process may also just die of one.
    for number in range(20):
        assert node.terminate(30) in (0, -signal.SIGTERM), node.log_tail()
        node.start(wait=number % 2 == 0)
        if number % 2 == 1:
            time.sleep(0.02 * number)  # the moment of the signal, not a wait for anything
    wait_for(node.ready, 20, "the node to serve")


def main():
    daemon, cli = (os.path.abspath(path) for path in sys.argv[1:3])
    warnings.simplefilter("ignore", DeprecationWarning)  # old TLS is asked for on purpose
    with Workplace(daemon) as place:
        help_touches_nothing(place, daemon)
        node = fresh(place)
        one_process(place, node)
        precedence(node)
        broken_files(place, node, cli)
        repair(place, node, cli)
        copied_root(place, node)
        signals(node)
        notifications(place)
        listeners(place)
        assert node.terminate() == 0
        wait_for(lambda: node.process.poll() is not None, 5, "the end")
        print("start-up: help, fresh root, lock, precedence, damaged files, repair, copy, signals, systemd, listeners")


if __name__ == "__main__":
    main()
