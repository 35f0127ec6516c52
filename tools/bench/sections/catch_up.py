"""A member is added to three that hold a gigabyte: what do writes feel while it catches up?"""
import threading
import time

from systems import TRANSPORT, Holdfast, wait_for
from table import percentile

BLOCK = 64 * 1024


class Writers:
    """Steady small writes on one connection each; latencies in ms with the moment they began."""

    def __init__(self, system, node, count=4):
        self.taken, self.running, self.lock = [], True, threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(system, node, number), daemon=True)
                        for number in range(1, count + 1)]
        for thread in self.threads:
            thread.start()

    def run(self, system, node, number):
        put, count = system.writer(node, 10), 0
        while self.running:
            count += 1
            began = time.monotonic()
            assert put(f"steady-{number}", f"{count}")
            with self.lock:
                self.taken.append((began, (time.monotonic() - began) * 1000))
            time.sleep(0.002)
        put.close()

    def between(self, begin, end):
        with self.lock:
            return [took for began, took in self.taken if begin <= began <= end]

    def stop(self):
        self.running = False
        for thread in self.threads:
            thread.join()


def holds(node, index):
    """The member itself has applied everything up to the index."""
    try:
        peers = node.client(timeout=5).call("GET", "system/consensus/peers")
        own = node.state_file()["ConsensusID"]
        return any(peer["ConsensusID"] == own and peer["LastArtifactCommitHandled"] >= index for peer in peers)
    except (*TRANSPORT, AssertionError, KeyError):
        return False


def catch_up(bench):
    """Writes' p99 while a new member fetches 1 GB, against the idle p99 (goal: at most 3 times)."""
    total = (64 if bench.options.quick else 1024) << 20
    system = Holdfast(bench.daemon, bench.work / "catch-up", 3)
    try:
        system.start()
        system.fill(4, 8, prefix="steady-")
        began = time.monotonic()
        system.fill(total // BLOCK, BLOCK, prefix="block-")
        bench.table.add(f"fill of {total >> 20} MB in objects of 64 KB, three members", "MB/s",
                        [(total >> 20) / (time.monotonic() - began)])
        active = system.leader()
        spare = system.cluster.add_node().start()
        writers = Writers(system, active)
        try:
            seconds = 3 if bench.options.quick else 10
            time.sleep(2)
            begin = time.monotonic()
            time.sleep(seconds)
            idle = writers.between(begin, time.monotonic())
            index = active.client(timeout=10).call("GET", "system/consensus/peers")[0]["LastArtifactCommitHandled"]
            begin = time.monotonic()
            system.cluster.enroll(spare, active)
            wait_for(lambda: holds(spare, index), 300, "the newcomer to hold everything", step=0.05)
            end = time.monotonic()
            busy = writers.between(begin, end)
        finally:
            writers.stop()
        quiet, loud = percentile(idle, 0.99), percentile(busy, 0.99)
        bench.table.add("a new member holds it all after", "s", [end - begin])
        bench.table.add("write p99 during catch-up, over idle p99", "ms", [loud], [quiet], ("ratio", "<=", 3),
                        peer="itself, idle", note=f"{len(busy)} writes during, longest {max(busy):.0f} ms")
    finally:
        system.stop()
