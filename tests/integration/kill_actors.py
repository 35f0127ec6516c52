#!/usr/bin/env python3
"""Kills every restartable actor of the live tree by the superuser's call, again and again under load: service
goes on, nothing acknowledged is lost, the tree counts the restarts and says why, and only the group of the
killed actor is restarted.

    kill_actors.py DAEMON [--writers N] [--rounds N]
"""
import argparse
import threading

from harness import Workplace, wait_for
from kill9 import TRANSPORT, Writer

# Who is restarted together (architecture §2); every other actor stands for itself.
TOGETHER = [{"consensus", "replay", "log_writer"}]
ROOT = "node"


def rows(client):
    return {row["Name"]: row for row in client.call("GET", "system/actors")}


def group_of(name):
    return next((group for group in TOGETHER if name in group), {name})


def acknowledged(crew):
    return sum(len(writer.acknowledged) for writer in crew)


def kill(client, victim, crew):
    before = rows(client)
    status, _, body = client.request("POST", f"/api/v3/system/actors/{victim}/kill")
    assert status < 300 or victim == "api", (victim, status, body)
    client.close()

    def restarted():
        try:
            now = rows(client)
        except (AssertionError, *TRANSPORT):
            return None  # the API itself was the victim
        row = now.get(victim)
        return row and row["Restarts"] > before[victim]["Restarts"] and row["State"] == "running" and now

    after = wait_for(restarted, 20, f"{victim} to run again")
    assert after[victim]["LastError"], f"{victim} does not say why it was restarted: {after[victim]}"
    seen = acknowledged(crew)
    wait_for(lambda: acknowledged(crew) > seen + 10, 20, f"writes to go on after {victim} was killed")
    after = rows(client)
    for name, row in after.items():
        grew = row["Restarts"] > before[name]["Restarts"]
        assert grew == (name in group_of(victim)), f"killing {victim} restarted {name}: {grew}"


def check_tree(tree):
    """What the introspection promises of every actor (architecture §9)."""
    assert ROOT in tree, tree.keys()
    for group in TOGETHER:
        assert group <= tree.keys(), tree.keys()
    for name, row in tree.items():
        missing = {"Name", "Parent", "State", "Mailbox", "Messages", "BusyNs", "Restarts", "LastError"} - row.keys()
        assert not missing, f"{name} does not tell {missing}: {row}"
        assert row["State"] == "running", row
    assert tree["replay"]["Messages"] > 0 and tree["replay"]["BusyNs"] > 0, tree["replay"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("daemon")
    parser.add_argument("--writers", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    with Workplace(options.daemon) as work:
        node = work.node().start()
        client = node.client()
        stop = threading.Event()
        crew = [Writer(node, f"w-0-{i}", stop) for i in range(options.writers)]
        for writer in crew:
            writer.start()
        wait_for(lambda: acknowledged(crew) > 20, 20, "the load to begin")
        tree = rows(client)
        check_tree(tree)
        victims = sorted(name for name in tree if name != ROOT)
        assert {"api", "cluster", "links", "consensus", "replay", "log_writer"} <= set(victims), victims
        for _ in range(options.rounds):
            for victim in victims:
                kill(client, victim, crew)
        status, _, body = client.request("POST", f"/api/v3/system/actors/{ROOT}/kill")
        assert status == 409, (status, body)

        stop.set()
        for writer in crew:
            writer.join(10)
        assert node.process.poll() is None, "the daemon itself ended"
        stored = {profile["Name"] for profile in client.call("GET", "profiles")}
        lost = [key for writer in crew for key in writer.acknowledged if key not in stored]
        assert not lost, f"{len(lost)} acknowledged writes are gone, first {lost[:3]}"
        client.close()
        assert node.terminate() == 0, node.log_tail()
        print(f"{acknowledged(crew)} writes acknowledged, none lost, over {len(victims) * options.rounds} kills "
              f"of {', '.join(victims)}")


if __name__ == "__main__":
    main()
