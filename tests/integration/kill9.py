#!/usr/bin/env python3
"""kill -9 at any moment: under load, while the daemon starts, while it writes ha-state.json. After each restart
every acknowledged write is there, none is half there, and ha-state.json parses and names the same node.

    kill9.py DAEMON [--rounds N] [--for SECONDS] [--fresh N] [--writers N] [--seed N]

Covers PRE-08, WAL-08, HST-06, HST-15 and CON-05 for one node.

Each writer owns its keys and creates, changes and deletes them. For every key the test knows what it may hold:
after an acknowledged write exactly that, after a write of unknown outcome the old or the new. What a restart
shows must be among these, and from then on it is the only one.
"""
import argparse
import http.client
import json
import random
import threading
import time

from harness import USER, Workplace

ABSENT = None
# A sole voter that restarts waits for the lease it may have given: a short one spares most of that wait.
TIMING = ("--heartbeat", "50ms", "--lease", "60ms", "--election-timeout", "250ms")
START_KILLS = 5  # one round in so many kills the daemon while it starts
TRANSPORT = (OSError, http.client.HTTPException)


class Writer(threading.Thread):
    """Writes to keys of its own until the node dies; `may_hold` maps each key to the set of what it may hold.
    Also counts keys that were acknowledged, for tests that only create."""

    def __init__(self, node, name, stop, may_hold=None, rng=None):
        super().__init__(daemon=True)
        self.node, self.name_, self.stop = node, name, stop
        self.may_hold = {} if may_hold is None else may_hold
        self.rng = rng
        self.acknowledged, self.unknown = [], []
        self.number = 0

    def next_write(self):
        """Method, path, body, key and what the key holds once the write took effect."""
        self.number += 1
        known = [key for key, values in self.may_hold.items() if len(values) == 1 and ABSENT not in values]
        choice = self.rng.random() if self.rng and known else 0.0
        if choice < 0.35:
            key = f"{self.name_}-{self.number}"
            return "POST", "profiles", {"Name": key, "Description": key}, key, key
        key = self.rng.choice(known)
        if choice < 0.7:
            return "DELETE", f"profiles/{key}", None, key, ABSENT
        text = f"{key} {self.number}"
        patch = [{"op": "replace", "path": "/Description", "value": text}]
        return "PATCH", f"profiles/{key}", patch, key, text

    def run(self):
        client = self.node.client(timeout=2.0)
        while not self.stop.is_set():
            method, path, body, key, after = self.next_write()
            try:
                status, _, _ = client.request(method, "/api/v3/" + path, body)
            except TRANSPORT:
                status = 0
            if status in (200, 201):
                self.acknowledged.append(key)
                self.may_hold[key] = {after}
            else:
                self.unknown.append(key)
                self.may_hold.setdefault(key, {ABSENT}).add(after)
            if status == 0:
                # The node is dead or dying; whoever only creates may go on, its keys are new ones.
                if self.rng:
                    break
        client.close()


def check_state_file(node, identity):
    state = json.loads((node.root / "ha-state.json").read_text())
    assert state["Valid"] is True and len(state) == 17, state
    assert identity in (None, state["ConsensusID"]), f"the identity changed from {identity}"
    return state["ConsensusID"]


def check_store(node, number, writers):
    client = node.client(timeout=30)
    found = {p["Name"]: p["Description"] for p in client.call("GET", "profiles") if p["Name"].startswith("w")}
    client.close()
    for may_hold in writers:
        for key, values in list(may_hold.items()):
            now = found.pop(key, ABSENT)
            assert now in values, f"round {number}: {key} holds {now!r}, which must be one of {values}"
            if now is ABSENT:
                del may_hold[key]
            else:
                may_hold[key] = {now}
    assert not found, f"round {number}: objects nobody wrote: {list(found)[:3]}"


def kill_while_starting(node, rng):
    """Another API port changes ApiUrl, so each such start writes ha-state.json; the kill falls anywhere in it."""
    node.api_port, node.other_port = node.other_port, node.api_port
    node.start(wait=False)
    time.sleep(rng.uniform(0.0, 0.1))  # the moment of the crash, not a wait for anything
    node.kill()


def kill_first_starts(place, count, rng):
    """A base root whose very first start was cut short becomes a node all the same, and keeps an identity that
    was already written."""
    for number in range(count):
        node = place.node(f"fresh{number}", extra=TIMING)
        node.start(wait=False)
        time.sleep(rng.uniform(0.0, 0.1))
        node.kill()
        written = (node.root / "ha-state.json").exists()
        identity = check_state_file(node, None) if written else None
        node.start()
        check_state_file(node, identity)
        node.kill()


def kill_under_load(node, number, writers, rng):
    stop = threading.Event()
    crew = [Writer(node, f"w{i}-{number}", stop, may_hold, random.Random(rng.random()))
            for i, may_hold in enumerate(writers)]
    for writer in crew:
        writer.start()
    time.sleep(rng.uniform(0.0, 0.15))  # the moment of the crash, not a wait for anything
    node.kill()
    stop.set()
    for writer in crew:
        writer.join(10)
        assert not writer.is_alive(), "a writer hangs"
    return sum(len(writer.acknowledged) for writer in crew), sum(len(writer.unknown) for writer in crew)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("daemon")
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--for", type=float, default=float("inf"), dest="seconds", metavar="SECONDS",
                        help="begin no further round after this time")
    parser.add_argument("--fresh", type=int, default=10, help="first starts that are cut short")
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    writers = [{} for _ in range(options.writers)]
    acknowledged = unknown = 0
    with Workplace(options.daemon) as place:
        node = place.node(extra=TIMING)
        node.other_port = place.node("unused").api_port
        began = time.monotonic()
        kill_first_starts(place, options.fresh, rng)
        # A token outlives restarts, and spares each of them the work of hashing a password.
        node.start()
        node.authorization = "Bearer " + node.client().call("GET", f"users/{USER}/token?ttl=1d")["Token"]
        node.kill()
        identity = None
        rounds = 0
        for number in range(options.rounds):
            if number > 0 and time.monotonic() - began > options.seconds:
                break
            rounds += 1
            if number > 0 and number % START_KILLS == 0:
                kill_while_starting(node, rng)
            else:
                node.start()
                identity = check_state_file(node, identity)
                check_store(node, number, writers)
                more = kill_under_load(node, number, writers, rng)
                acknowledged, unknown = acknowledged + more[0], unknown + more[1]
            identity = check_state_file(node, identity)
        node.start()
        check_store(node, rounds, writers)
        assert node.terminate() == 0
        print(f"{rounds} kills, {acknowledged} acknowledged writes, none lost, "
              f"{unknown} of unknown outcome, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
