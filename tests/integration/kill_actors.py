#!/usr/bin/env python3
"""Kills every restartable actor by the superuser's call, again and again under load: service goes on, nothing
acknowledged is lost, and the live tree counts the restarts.

    kill_actors.py DAEMON [--writers N]
"""
import argparse
import threading

from harness import Workplace, wait_for
from kill9 import Writer

GROUPS = {"consensus": ("consensus", "replay", "log_writer"), "api": ("api",)}


def rows(client):
    return {row["Name"]: row for row in client.call("GET", "system/actors")}


def acknowledged(crew):
    return sum(len(writer.acknowledged) for writer in crew)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("daemon")
    parser.add_argument("--writers", type=int, default=3)
    options = parser.parse_args()
    with Workplace(options.daemon) as work:
        node = work.node().start()
        client = node.client()
        stop = threading.Event()
        crew = [Writer(node, f"w-0-{i}", stop) for i in range(options.writers)]
        for writer in crew:
            writer.start()
        wait_for(lambda: acknowledged(crew) > 20, 20, "the load to begin")

        for victim in ("log_writer", "replay", "consensus", "api"):
            before = rows(client)
            status, _, body = client.request("POST", f"/api/v3/system/actors/{victim}/kill")
            assert status < 300 or victim == "api", (victim, status, body)
            client.close()

            def restarted():
                try:
                    now = rows(client)
                except (AssertionError, OSError):
                    return None  # the API itself was the victim
                return now[victim]["Restarts"] > before[victim]["Restarts"] and now[victim]["State"] == "running"

            wait_for(restarted, 10, f"{victim} to run again")
            seen = acknowledged(crew)
            wait_for(lambda: acknowledged(crew) > seen + 10, 10, f"writes to go on after {victim} was killed")
            after = rows(client)
            group = next(members for members in GROUPS.values() if victim in members)
            for name, row in after.items():
                grew = row["Restarts"] > before[name]["Restarts"]
                assert grew == (name in group), f"killing {victim} restarted {name}: {grew}"

        stop.set()
        for writer in crew:
            writer.join(10)
        assert node.process.poll() is None, "the daemon itself ended"
        stored = {profile["Name"] for profile in client.call("GET", "profiles")}
        lost = [key for writer in crew for key in writer.acknowledged if key not in stored]
        assert not lost, f"{len(lost)} acknowledged writes are gone, first {lost[:3]}"
        client.close()
        assert node.terminate() == 0, node.log_tail()
        print(f"{acknowledged(crew)} writes acknowledged, none lost, over 4 kills")


if __name__ == "__main__":
    main()
