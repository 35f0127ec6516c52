"""Five members, two of them observers, lose one active after the other while somebody asks all of them how they stand
(CON-01, -04, -05, -09, -10, -14, OBS-01, -04, STA-09, HST-11, -16, -18..-23).

usage: failovers.py HOLDFASTD
"""
import json
import re
import sys
import threading
import time

from cluster_harness import TRANSPORT, Cluster, node_serves
from cluster_tools import expect, own_id, quietly, term_of, wait_member
from harness import Workplace, wait_for

LEADS = re.compile(r"role now=leader term=(\d+)")
SAME_EVERYWHERE = ("ActiveUri", "HaID", "LoadBalanced", "VirtAddr", "ConsensusEnabled", "Enabled")


class Watcher(threading.Thread):
    """Asks every living member for its status, all the time; what it heard is judged at the end."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster, self.ended = cluster, threading.Event()
        self.down = set()  # members that may be silent now
        self.asked, self.differed, self.none, self.slowest, self.faults = 0, 0, 0, 0.0, []
        self.actives = set()

    def run(self):
        while not self.ended.is_set():
            for node in self.cluster.nodes:
                if node not in self.down:
                    self.look(node)
            time.sleep(0.02)

    def look(self, node):
        said = {}
        for name in ("system/consensus/id", "system/consensus/leader", "system/consensus/active",
                     "system/consensus/state", "info"):
            began = time.monotonic()
            try:
                status, _, data = node.client(timeout=5).request("GET", "/api/v3/" + name)
            except TRANSPORT as error:
                if node not in self.down:
                    self.faults.append(f"CON-14: {name} on {node.address}: {error}")
                return
            self.slowest = max(self.slowest, time.monotonic() - began)
            if status != 200:
                self.faults.append(f"CON-14: {name} on {node.address}: {status} {data[:200]}")
                return
            said[name.rsplit("/")[-1]] = json.loads(data)
        self.asked += 1
        self.differed += said["leader"] != said["active"]
        self.none += said["active"] == ""
        self.actives.add(said["active"])

    def stop(self):
        self.ended.set()
        self.join()
        expect(not self.faults, f"{len(self.faults)} status calls failed, first: {self.faults[:3]}")


def gone(cluster, watcher, node):
    watcher.down.add(node)
    time.sleep(0.15)  # what is asked of it right now may still be under way
    node.kill()


def back(cluster, watcher, node):
    node.start(wait=False)
    wait_for(lambda: node_serves(node), 30, f"{node.address} to serve again")
    wait_member(cluster, node)
    watcher.down.discard(node)


def next_write(cluster, without, name, seconds=20):
    """The first write that succeeds on any living member, by whatever way it takes."""
    def look():
        for node in cluster.alive():
            if node in without:
                continue
            try:
                status, _, _ = node.client(timeout=3).request("POST", "/api/v3/profiles", {"Name": name})
            except TRANSPORT:
                continue
            if status in (201, 409):
                return True
        return False
    began = time.monotonic()
    wait_for(look, seconds, f"CON-01: the write {name}")
    return time.monotonic() - began


def agree_on_settings(cluster):
    """HST-11, -16, -18..-23: what the files say once things are quiet."""
    active = cluster.active()
    url = active.state_file()["ApiUrl"]

    def settled():
        states = {node: node.state_file() for node in cluster.alive()}
        return (all(state["ConsensusJoin"] == url for state in states.values()) and
                all(state["Passive"] == (node is not active) for node, state in states.items()))
    wait_for(settled, 10, "HST-16, HST-21: ConsensusJoin and Passive in every file")
    states = [node.state_file() for node in cluster.alive()]
    for key in SAME_EVERYWHERE:
        expect(len({json.dumps(state[key]) for state in states}) == 1, f"HST-11, -18, -19: {key} differs")
    expect(len({json.dumps(state["Roots"]) for state in states}) == 1 and states[0]["Roots"], "HST-22: the roots")
    expect(len({state["Token"] for state in states}) == 1 and states[0]["Token"], "HST-23: the token")
    for node in cluster.alive():
        expect(node.state_file()["Observer"] == (node in cluster.observers), "HST-20")
        # HST-23: the token opens a call between nodes, whichever of them is asked.
        status, _, _ = node.client(authorization="Bearer " + states[0]["Token"]).request(
            "POST", "/api/v3/system/consensus/members", {"Phase": "none"})
        expect(status != 401, f"HST-23: {status}")


def test_safe_then_killed(cluster, watcher, rounds=3):
    """CON-01, CON-04, STA-09: failOverSafe says true, the active is killed at once, everything is there."""
    slowest = 0.0
    for number in range(rounds):
        active = cluster.active()
        for write in range(10):
            cluster.put(active, f"safe-{number}-{write}", "x")
        wait_for(lambda: active.client(timeout=8).call("POST", "system/consensus/failOverSafe?waitFor=5s"), 20, "STA-07")
        watcher.down.add(active)
        active.kill()
        slowest = max(slowest, next_write(cluster, (active,), f"after-safe-{number}"))
        after = cluster.active()
        expect(after not in cluster.observers, "OBS-01")
        for write in range(10):
            expect(cluster.local(after, f"safe-{number}-{write}") == "x", f"STA-09, CON-04: safe-{number}-{write} is lost")
        back(cluster, watcher, active)
    expect(slowest < 5, f"CON-01: {slowest:.1f} s until the next write")
    print(f"  longest time from a kill to the next write: {slowest * 1000:.0f} ms")


def test_only_observers_left(cluster, watcher):
    """OBS-01, OBS-04, CON-10: the ordinary ones die one by one; two observers and one of them make a majority, two
    observers alone do not, and never is an observer active."""
    first, second, third = [node for node in cluster.nodes if node not in cluster.observers]
    order = [cluster.active()]
    gone(cluster, watcher, order[0])
    next_write(cluster, (), "one-died")
    order.append(cluster.active())
    gone(cluster, watcher, order[1])
    next_write(cluster, (), "two-died")
    last = cluster.active()
    expect(last in (first, second, third) and last not in order, "OBS-01: the third ordinary one is active")
    gone(cluster, watcher, last)
    for observer in cluster.observers:
        wait_for(lambda o=observer: o.client(timeout=2).call("GET", "system/consensus/active") == "", 10, "CON-10")
        status, _, _ = observer.client(timeout=5).request("POST", "/api/v3/profiles", {"Name": "by-an-observer"})
        expect(status == 503, f"OBS-01: an observer took a write: {status}")
        expect(cluster.local(observer, "two-died") is not None, "OBS-04: its own data are still to be read")
    back_first = order[0]
    back_first.start(wait=False)
    next_write(cluster, (), "one-is-back", seconds=30)
    expect(cluster.active(seconds=30) is back_first, "OBS-01: the ordinary one")
    expect(cluster.local(back_first, "two-died") is not None, "CON-04: what was acknowledged while it was dead")
    for node in (order[1], last):
        back(cluster, watcher, node)
    wait_member(cluster, back_first)
    watcher.down.discard(back_first)


def check_terms(cluster, marks):
    """CON-05: nobody leads in a term that another one led in, over all lives of all members."""
    leaders = {}
    for node in cluster.nodes:
        for term in LEADS.findall(node.log_text()[marks[node]:]):
            leaders.setdefault(int(term), set()).add(node.address)
    twice = {term: who for term, who in leaders.items() if len(who) > 1}
    expect(leaders and not twice, f"CON-05: more than one leader in a term: {twice}")


def main():
    with Workplace(sys.argv[1]) as workplace:
        cluster = Cluster(workplace, 5).start()
        cluster.observers = cluster.nodes[3:]
        marks = {node: len(node.log_text()) for node in cluster.nodes}
        cluster.found(cluster.nodes[0])
        for node in cluster.nodes[1:]:
            marks[node] = len(node.log_text())  # before it joined it led a cluster of its own
            cluster.enroll(node, Observer=node in cluster.observers)
        for node in cluster.nodes:
            wait_member(cluster, node)
        term = term_of(cluster.active())
        watcher = Watcher(cluster)
        watcher.start()
        for test in (test_safe_then_killed, test_only_observers_left):
            began = time.monotonic()
            test(cluster, watcher)
            agree_on_settings(cluster)
            print(f"{test.__name__}: {time.monotonic() - began:.1f} s", flush=True)
        watcher.stop()
        print(f"  {watcher.asked} looks, leader and active differed in {watcher.differed}, no active in {watcher.none}; "
              f"slowest call {watcher.slowest * 1000:.0f} ms")
        expect(watcher.differed > 0, "CON-09: leader and active are never told apart")
        for node in cluster.observers:
            expect(own_id(node) not in watcher.actives, "OBS-01: an observer was said to be active")
        expect(wait_for(lambda: quietly(lambda: cluster.active()), 20, "CON-09: one active in the end") is not None, "CON-09")
        expect(all(node.client().call("GET", "system/consensus/leader") == own_id(cluster.active())
                   for node in cluster.nodes), "CON-09: leader and active are one again")
        expect(all(term_of(node) > term for node in cluster.nodes), "CON-05: terms only grow")
        check_terms(cluster, marks)


if __name__ == "__main__":
    main()
