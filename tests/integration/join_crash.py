"""ENR-11: a join that is cut short by kill -9 of the target or of the active, at many moments. Afterwards the
target stands alone with its old data or is a member, nobody is counted that is not there, and a retry completes.

usage: join_crash.py HOLDFASTD POINTS [SEED]
"""
import json
import random
import sys
import threading
import time

from cluster_harness import Cluster, node_serves
from cluster_tools import expect, own_id, peer_ids, peers, post_enroll, quietly, wait_member
from harness import Workplace, wait_for


def begin(cluster, target, via):
    """The enrolment in the background; its answer does not matter."""
    body = cluster.join_body(target, via)

    def run():
        try:
            post_enroll(target, body)
        except Exception:  # the daemon at the other end was killed
            pass
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def standing(cluster, target, members):
    """"member", "alone", or None while it is not decided yet."""
    state = target.client(timeout=2).call("GET", "system/consensus/state")
    health = target.client(timeout=2).call("GET", "system/consensus/health")
    if health["Joining"]:
        return None
    listed = own_id(target) in peer_ids(cluster.active(without=(target,)))
    if state["ConsensusEnabled"]:
        return "member" if listed and health["Role"] in ("follower", "leader") else None
    if listed or health["Role"] != "leader":
        return None
    return "alone" if cluster.local(target, "old-data") == "x" else None


def no_ghosts(cluster, target, members, outcome):
    active = cluster.active(without=(target,))
    expected = sorted(members + ([own_id(target)] if outcome == "member" else []))
    health = active.client().call("GET", "system/consensus/health")
    return peer_ids(active) == expected and health["Voters"] == len(expected)


def cut_short(cluster, number, rng, seen):
    members = peer_ids(cluster.active())
    target = cluster.replace_target(number)
    target.client().call("POST", "profiles", {"Name": "old-data", "Description": "x"})
    active = cluster.active(without=(target,))
    victim = target if number % 2 == 0 else active
    delay = rng.uniform(0.0, cluster.join_time * 1.1)
    enrolment = begin(cluster, target, active)
    time.sleep(delay)  # the moment is the point of the test, not a wait for something
    victim.kill()
    enrolment.join(120)
    victim.start(wait=False)
    what = f"point {number}: {'target' if victim is target else 'active'} killed {delay * 1000:.0f} ms after the start"
    aftermath(cluster, target, members, what, seen)


def phase(target):
    try:
        return json.loads((target.root / "raft" / "join.json").read_text())["Phase"]
    except (OSError, ValueError, KeyError):
        return None


def cut_before_the_disk_is_opened(cluster, seen):
    """The old log stands in the backup and the new one was not begun: a start must not begin one of its own."""
    members = peer_ids(cluster.active())
    target = cluster.replace_target("unopened")
    target.client().call("POST", "profiles", {"Name": "old-data", "Description": "x"})
    enrolment = begin(cluster, target, cluster.active(without=(target,)))
    wait_for(lambda: phase(target) == "waiting", 60, "the old log to be moved", step=0.001)
    target.kill()
    enrolment.join(120)
    for file in [*(target.root / "wal").iterdir(), *(target.root / "raft").glob("meta.*")]:
        file.unlink()
    target.start(wait=False)
    aftermath(cluster, target, members, "killed before the new disk was opened", seen)


def aftermath(cluster, target, members, what, seen):
    outcome = wait_for(lambda: quietly(lambda: standing(cluster, target, members)), 90, what + ": the target to settle",
                       step=0.1)
    seen.append(outcome)
    wait_for(lambda: quietly(lambda: no_ghosts(cluster, target, members, outcome)), 90, what + ": no ghost member", step=0.1)
    if outcome == "alone":
        status, answer = wait_for(lambda: (lambda got: got if got[0] != 409 else None)(
            post_enroll(target, cluster.join_body(target, cluster.active(without=(target,))))), 90, what + ": its turn")
        expect(status in (200, 202), f"{what}: the retry: {status} {answer[:300]}")
    wait_member(cluster, target)
    print(f"{what}: {outcome}", flush=True)
    active = cluster.active()
    if active is target:  # it has to be a passive to be removed
        target.client(timeout=20).call("POST", "system/passive")
        active = wait_for(lambda: (lambda found: found if found is not target else None)(cluster.active()), 20, "a hand-over")
    active.client(timeout=20).call("DELETE", f"system/consensus/node/{own_id(target)}")
    target.kill()
    wait_for(lambda: peer_ids(cluster.active()) == members, 20, "the members of before")


class Trial(Cluster):
    join_time = 1.0  # of an undisturbed join on this machine, seconds: the moments are spread over it

    def measure(self):
        """One join of a node that is taken out again."""
        target = self.replace_target("measured")
        began = time.monotonic()
        self.enroll(target, self.active(without=(target,)))
        self.join_time = time.monotonic() - began
        wait_member(self, target)
        self.active().client(timeout=20).call("DELETE", f"system/consensus/node/{own_id(target)}")
        target.kill()

    def replace_target(self, number):
        """A fresh node at the same address."""
        if len(self.nodes) > 3:
            self.workplace.nodes.remove(self.nodes.pop())
        target = self.add_node()
        target.root = self.workplace.path / f"target-{number}"
        target.log_path = self.workplace.path / f"target-{number}.log"
        target.start(wait=False)
        wait_for(lambda: node_serves(target), 30, "the target to serve")
        return target


def main():
    points, seed = int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 11
    rng, seen = random.Random(seed), []
    with Workplace(sys.argv[1]) as workplace:
        cluster = Trial(workplace, 3).form()
        cluster.measure()
        cut_before_the_disk_is_opened(cluster, seen)
        for number in range(points):
            cut_short(cluster, number, rng, seen)
    print(f"seed {seed}: {seen.count('member')} became members, {seen.count('alone')} stood alone and got in at the retry")


if __name__ == "__main__":
    main()
