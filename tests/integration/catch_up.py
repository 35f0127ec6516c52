"""Compaction and catching up: the log is cut at the same entry everywhere, over failovers too; who comes late, or was
away for long, is fed by a snapshot; a transfer that was cut short goes on where it stopped (CON-06, ENR-12, WAL-03,
WAL-05).

usage: catch_up.py HOLDFASTD
"""
import os
import re
import signal
import sys
import threading
import time

from cluster_harness import Cluster, node_serves
from cluster_tools import expect, own_id, peers, quietly, wait_member
from harness import Workplace, wait_for

RECEIVING = re.compile(r"snapshot_receiving generation=(\d+) bytes=(\d+) stored=(\d+)")


def generation(node):
    return max(int(path.name.split(".")[1]) for path in (node.root / "wal").glob("base.*")
               if path.name.split(".")[1].isdigit() and path.name.count(".") == 1)


class Load:
    """Overwrites a few objects over and over, by way of whoever is active."""

    def __init__(self, cluster, size):
        self.cluster, self.size, self.number = cluster, size, 0
        for key in range(4):
            cluster.put(cluster.active(), f"busy-{size}-{key}", "x", timeout=10)

    def write(self, node=None):
        self.number += 1
        client = (node or self.cluster.active()).client(timeout=20)
        client.call("PATCH", f"profiles/busy-{self.size}-{self.number % 4}", [
            {"op": "replace", "path": "/Description", "value": f"{self.number}-" + "y" * self.size}])

    def until_cut(self, times=1, nodes=None):
        node = self.cluster.active()
        wanted = generation(node) + times
        deadline = time.monotonic() + 60
        while generation(node) < wanted:
            expect(time.monotonic() < deadline, "WAL-05: the log is not cut")
            self.write(node)
        for one in nodes or self.cluster.alive():
            wait_for(lambda n=one: generation(n) >= wanted, 20, f"WAL-05: base.{wanted} on {one.address}")


def expect_equal(cluster, what):
    cluster.wait_at_rest(30)
    def equal():
        digests = cluster.wal_digests()
        return all(digest == digests[0] for digest in digests)
    wait_for(equal, 20, f"WAL-03 {what}: equal files: {[sorted(d) for d in cluster.wal_digests()]}")


def test_cuts(cluster, load):
    """WAL-05, WAL-03: cuts before and after a hand-over and a death, and the files stay equal."""
    load.until_cut()
    expect_equal(cluster, "after a cut")
    old = cluster.active()
    old.client(timeout=10).call("POST", "system/passive")
    load.until_cut()
    old = cluster.active()
    old.kill()
    load.write(next(node for node in cluster.nodes if node is not old))
    old.start()
    wait_member(cluster, old)
    load.until_cut()
    expect_equal(cluster, "after a hand-over, a death and three cuts")


def test_late_joiner(cluster, load):
    """WAL-03: a newcomer gets the snapshot, not the log from its beginning, and ends with the same bytes."""
    late = cluster.add_node().start()
    wait_for(lambda: node_serves(late), 20, "the newcomer to serve")
    cluster.enroll(late, cluster.active(without=(late,)))
    wait_member(cluster, late)
    found = RECEIVING.search(late.log_text())
    expect(found and int(found[1]) > 0, "it was fed by a snapshot")
    expect_equal(cluster, "with a late joiner")
    load.until_cut()
    expect_equal(cluster, "after its first own cut")
    active = cluster.active()
    if active is late:
        active.client(timeout=10).call("POST", "system/passive")
        active = cluster.active()
    active.client(timeout=20).call("DELETE", f"system/consensus/node/{own_id(late)}")
    late.kill()
    cluster.nodes.remove(late)


def test_long_absence(cluster, load):
    """CON-06: a member that was away while the log it needs was cut comes back by snapshot; the others serve on."""
    away = next(node for node in cluster.nodes if node is not cluster.active())
    away.terminate()
    marked = len(away.log_text())
    load.until_cut(times=2)
    ended, gaps = threading.Event(), []

    def write_on():
        active, last = cluster.active(without=(away,)), time.monotonic()
        while not ended.is_set():
            load.write(active)
            gaps.append(time.monotonic() - last)
            last = time.monotonic()
    away.start(wait=False)
    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        wait_for(lambda: "snapshot_receiving" in away.log_text()[marked:], 30, "CON-06: the snapshot")
        wait_member(cluster, away)
    finally:
        ended.set()
        writer.join()
    expect(gaps and max(gaps) < 2.0, f"CON-06: service stopped for {max(gaps):.1f} s")
    expect_equal(cluster, "after a long absence")


def fill(cluster, count, size):
    client = cluster.active().client(timeout=20)
    for number in range(count):
        client.call("POST", "profiles", {"Name": f"bulk-{number}", "Description": "z" * size})


class Interrupted:
    """A follower without a log, stopped in the middle of the snapshot it is sent."""

    def __init__(self, cluster):
        self.victim = next(node for node in cluster.nodes if node is not cluster.active())
        for _ in range(20):
            self.victim.terminate()
            for path in (self.victim.root / "wal").iterdir():
                path.unlink()
            self.marked = len(self.victim.log_text())
            self.victim.start(wait=False)
            if self.stop_in_the_middle():
                return
            wait_member(cluster, self.victim)
        raise AssertionError("the transfer was never caught in the middle")

    def part(self):
        sizes = [path.stat().st_size for path in (self.victim.root / "wal").glob("*.part")]
        return sizes[0] if sizes else None

    def stop_in_the_middle(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                size = self.part()
            except FileNotFoundError:
                return False
            if size:
                os.kill(self.victim.process.pid, signal.SIGSTOP)
                try:
                    self.stored = self.part()
                except FileNotFoundError:
                    self.stored = None
                whole = int(RECEIVING.findall(self.victim.log_text()[self.marked:])[-1][1])
                if self.stored and self.stored < whole:
                    return True
                os.kill(self.victim.process.pid, signal.SIGCONT)
                return False
            if "snapshot_receiving" in self.victim.log_text()[self.marked:] and size is None:
                return False
        return False

    def begun(self):
        return [int(stored) for _, _, stored in RECEIVING.findall(self.victim.log_text()[self.marked:])]


def test_resume_after_kill(cluster):
    """The receiver is killed -9 in the middle: its next life asks for the rest only."""
    cut = Interrupted(cluster)
    cut.victim.kill()
    cut.victim.start(wait=False)
    wait_for(lambda: quietly(lambda: cluster.local(cut.victim, "bulk-0") is not None), 60, "the data")
    wait_member(cluster, cut.victim)
    expect(len(cut.begun()) == 2 and cut.begun()[1] > 0, f"it began again at {cut.begun()}, {cut.stored} were stored")
    expect_equal(cluster, "after a transfer that was cut by a kill")


def test_resume_after_cut(cluster):
    """Every link of the sender is cut in the middle: the rest comes over the next one."""
    cut = Interrupted(cluster)
    active = cluster.active(without=(cut.victim,))
    status, _, body = active.client().request("POST", "/api/v3/system/actors/links/kill")
    expect(status < 300, f"links kill: {status} {body}")
    os.kill(cut.victim.process.pid, signal.SIGCONT)
    wait_for(lambda: quietly(lambda: cluster.local(cut.victim, "bulk-0") is not None), 60, "the data")
    wait_member(cluster, cut.victim)
    expect(cut.begun() == [0], f"the transfer was begun anew: {cut.begun()}")
    expect_equal(cluster, "after a transfer over two links")


def voters(node):
    return node.client(timeout=2).call("GET", "system/consensus/health")["Voters"]


def holds_a_part(node):
    """The first MiB of the log, with the configurations of before this node was added, is on its disk."""
    with open(node.root / "wal" / "log.0", "rb") as file:
        file.seek(1 << 20)
        return any(file.read(4096))


def stop_while_learning(cluster, first, second):
    """Posts the enrolment and stops the second node as soon as the first has added it; None when it was promoted by
    then."""
    body = cluster.join_body(second)
    posted = threading.Thread(target=lambda: quietly(
        lambda: second.client(timeout=90).request("POST", "/api/v3/system/consensus/enroll", body)), daemon=True)
    posted.start()
    wait_for(lambda: len(peers(first)) == 2, 30, "the second node to be added", step=0.001)
    wait_for(lambda: quietly(lambda: holds_a_part(second)), 10, "the second node to hold a part of the log", step=0.001)
    os.kill(second.process.pid, signal.SIGSTOP)
    # Who is silent is not promoted any more.
    wait_for(lambda: any(peer["Offline"] for peer in peers(first)), 10, "its silence to be seen")
    return posted if voters(first) == 1 else None


def stopped_learner(workplace):
    """A cluster of one with 24 MB, and a second node that is stopped (SIGSTOP) in the middle of its way in."""
    cluster = Cluster(workplace, 2).start()
    first, second = cluster.nodes
    second.client().call("POST", "profiles", {"Name": "of-before"})
    cluster.found(first)
    client = first.client(timeout=20)
    for number in range(60):
        client.call("POST", "profiles", {"Name": f"big-{number}", "Description": "z" * 400_000})
    for _ in range(5):
        posted = stop_while_learning(cluster, first, second)
        if posted:
            return cluster, first, second, posted
        os.kill(second.process.pid, signal.SIGCONT)
        wait_member(cluster, second)
        first.client(timeout=20).call("DELETE", f"system/consensus/node/{own_id(second)}")
        wait_for(lambda: quietly(lambda: cluster.local(second, "nothing") is None), 20, "it to be out")
    raise AssertionError("the newcomer was promoted too soon every time")


def test_removed_while_learning(workplace, killed):
    """ENR-11, REM-09: a learner that is removed before it has its vote, whether it runs or is down, stands alone again
    with its old data and can be enrolled anew."""
    cluster, first, second, posted = stopped_learner(workplace)
    if killed:
        second.kill()
    first.client(timeout=20).call("DELETE", f"system/consensus/node/{own_id(second)}")
    if killed:
        second.start(wait=False)
    else:
        os.kill(second.process.pid, signal.SIGCONT)
    wait_for(lambda: quietly(lambda: second.client().request("GET", "/api/v3/profiles/of-before")[0] == 200), 30,
             "its old data")
    posted.join(60)
    expect(not posted.is_alive(), "the enrolment was never answered")
    state = second.client().call("GET", "system/consensus/state")
    expect(not state["ConsensusEnabled"], f"it still thinks that it is in a cluster: {state}")
    cluster.enroll(second)
    wait_member(cluster, second)


def test_newcomer_holds_nobody_up(workplace):
    """ENR-12: a node that is stopped, then killed, in the middle of its way into a cluster of one: writes go on, for it
    has no vote before it holds everything; its next life completes the join."""
    cluster, first, second, posted = stopped_learner(workplace)
    for number in range(10):
        began = time.monotonic()
        cluster.put(first, f"while-it-sleeps-{number}", "x")
        expect(time.monotonic() - began < 2, "ENR-12: a write waits for the newcomer")
    second.kill()
    cluster.put(first, "while-it-is-dead", "x")
    posted.join(10)
    second.start(wait=False)
    wait_member(cluster, second)
    expect(cluster.local(second, "while-it-is-dead") == "x" and voters(first) == 2, "ENR-12: a member in the end")


def main():
    with Workplace(sys.argv[1]) as workplace:
        test_newcomer_holds_nobody_up(workplace)
        print("test_newcomer_holds_nobody_up", flush=True)
    for killed in (False, True):
        with Workplace(sys.argv[1]) as workplace:
            test_removed_while_learning(workplace, killed)
            print(f"test_removed_while_learning, killed {killed}", flush=True)
    with Workplace(sys.argv[1]) as workplace:
        cluster = Cluster(workplace, 3, extra=["--log-limit", "128KiB"]).form()
        load = Load(cluster, 8000)
        for test in (test_cuts, test_late_joiner, test_long_absence):
            began = time.monotonic()
            test(cluster, load)
            print(f"{test.__name__}: {time.monotonic() - began:.1f} s", flush=True)
        fill(cluster, 40, 150_000)
        big = Load(cluster, 400_000)
        big.until_cut(times=2)
        for test in (test_resume_after_kill, test_resume_after_cut):
            began = time.monotonic()
            test(cluster)
            print(f"{test.__name__}: {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
