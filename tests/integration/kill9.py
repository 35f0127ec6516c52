#!/usr/bin/env python3
"""kill -9 at any moment under load: every acknowledged write is there after the restart, ha-state.json parses.

    kill9.py DAEMON [--rounds N] [--writers N] [--seed N]

Covers PRE-08, WAL-08, HST-06 and CON-05 for one node.
"""
import argparse
import http.client
import json
import random
import threading
import time

from harness import Workplace


class Writer(threading.Thread):
    """Creates objects with keys of its own and remembers what was acknowledged and what is unknown."""

    def __init__(self, node, name, stop):
        super().__init__(daemon=True)
        self.node, self.name_, self.stop = node, name, stop
        self.acknowledged, self.unknown = [], []

    def run(self):
        client = self.node.client(timeout=2.0)
        number = 0
        while not self.stop.is_set():
            key = f"{self.name_}-{number}"
            number += 1
            try:
                status, _, _ = client.request("POST", "/api/v3/profiles", {"Name": key, "Description": key})
            except (OSError, http.client.HTTPException):
                self.unknown.append(key)
                continue
            if status in (200, 201):
                self.acknowledged.append(key)
            else:
                self.unknown.append(key)
        client.close()


def round_of(node, number, writers, rng, expected, unknown):
    node.start()
    state = node.state_file()
    assert state["Valid"] is True and len(state) == 17, state
    client = node.client()
    found = {}
    for profile in client.call("GET", "profiles"):
        found[profile["Name"]] = profile["Description"]
    client.close()
    lost = [key for key in expected if key not in found]
    assert not lost, f"round {number}: {len(lost)} acknowledged writes are gone, first {lost[:3]}"
    torn = [key for key in found if key.startswith("w-") and found[key] != key]
    assert not torn, f"round {number}: half written objects {torn[:3]}"
    invented = [key for key in found if key.startswith("w-") and key not in expected and key not in unknown]
    assert not invented, f"round {number}: objects nobody wrote {invented[:3]}"
    stop = threading.Event()
    crew = [Writer(node, f"w-{number}-{i}", stop) for i in range(writers)]
    for writer in crew:
        writer.start()
    time.sleep(rng.uniform(0.0, 0.15))  # the moment of the crash, not a wait for anything
    node.kill()
    stop.set()
    for writer in crew:
        writer.join(10)
        expected.update(writer.acknowledged)
        unknown.update(writer.unknown)
    json.loads((node.root / "ha-state.json").read_text())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("daemon")
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    expected, unknown = set(), set()
    with Workplace(options.daemon) as place:
        node = place.node()
        began = time.monotonic()
        for number in range(options.rounds):
            round_of(node, number, options.writers, rng, expected, unknown)
        node.start()
        assert node.terminate() == 0
        print(f"{options.rounds} kills, {len(expected)} acknowledged writes, none lost, "
              f"{len(unknown)} of unknown outcome, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
