"""What a snapshot costs somebody who writes meanwhile: one client that puts a small object, again and again, in a
quiet interval and while a snapshot is taken. Nobody else writes in either, so like is compared with like."""
import multiprocessing
import os
import threading
import time

from load import bare_syncs
from systems import wait_for
from table import percentile

BLOCK = 64 * 1024
FEEDERS = 4
QUIET = 5.0
ROLL_OVER = 0.02  # the change of the log files just before the new one is seen counts too
FORK = multiprocessing.get_context("fork")


class Prober:
    """A process of its own that writes without a pause, so that what this one does takes no time from it."""

    def __init__(self, write, *args):
        self.ending, (self.ours, theirs) = FORK.Event(), FORK.Pipe(duplex=False)
        self.process = FORK.Process(target=self.run, args=(theirs, write, *args), daemon=True)
        self.process.start()

    def run(self, out, write, *args):
        taken = []
        write = write(*args)
        while not self.ending.is_set():
            began = time.monotonic()
            write(len(taken))
            taken.append((began, time.monotonic()))
        out.send(taken)

    def stop(self):
        """(began, ended) of every write."""
        self.ending.set()
        taken = self.ours.recv()
        self.process.join()
        return taken


def put_small(node):
    client = node.client(timeout=30)
    return lambda number: client.call("PUT", "profiles/probe",
                                      {"Name": "probe", "Description": f"{number:08}" * 128})


def newest(node, kind):
    return max(int(path.suffix[1:]) for path in (node.root / "wal").glob(kind + ".*") if path.suffix[1:].isdigit())


def feed_until_cut(node):
    """Changes large objects until the log is long enough for a cut: the file log.<n+1> marks its beginning. Returns the
    moment it was seen."""
    first, deadline, seen = newest(node, "log"), time.monotonic() + 180, []

    def feed(number):
        client, name, count = node.client(timeout=30), f"large-{number}", 0
        while newest(node, "log") == first and time.monotonic() < deadline:
            count += 1
            client.call("PUT", f"profiles/{name}", {"Name": name, "Description": f"{count:08}" * (BLOCK // 8)})
        seen.append(time.monotonic())
        client.close()

    feeders = [threading.Thread(target=feed, args=(number,)) for number in range(FEEDERS)]
    for feeder in feeders:
        feeder.start()
    for feeder in feeders:
        feeder.join()
    assert newest(node, "log") > first, "no snapshot was taken"
    return min(seen)


def one_snapshot(node):
    """Latencies in ms: in quiet, during a snapshot."""
    prober = Prober(put_small, node)
    try:
        time.sleep(0.5)
        quiet = (time.monotonic(), time.monotonic() + QUIET)
        time.sleep(QUIET)
        begin = feed_until_cut(node) - ROLL_OVER
        wait_for(lambda: newest(node, "base") == newest(node, "log"), 120, "the snapshot to be in place", step=0.01)
        busy = (begin, time.monotonic())
    finally:
        taken = prober.stop()
    return [[(ended - began) * 1000 for began, ended in taken if window[0] <= began <= window[1]]
            for window in (quiet, busy)], busy[1] - busy[0]


def snapshot_cost(bench, node):
    """Rows: longest write and p99 in quiet and during a snapshot; and what the disk alone does to one who syncs beside
    an unpaced writer."""
    client = node.client(timeout=30)
    client.call("POST", "profiles", {"Name": "probe"})
    for number in range(FEEDERS):
        client.call("POST", "profiles", {"Name": f"large-{number}"})
    wait_for(lambda: newest(node, "base") == newest(node, "log"), 120, "the snapshots of the fill to be done", step=0.2)
    quiet, busy, seconds = [], [], []
    for _ in range(bench.options.rounds):
        (before, during), took = one_snapshot(node)
        quiet.append(before)
        busy.append(during)
        seconds.append(took)
    longest = [max(part) for part in quiet]
    base = max((node.root / "wal").glob("base.*"), key=os.path.getmtime)
    note = (f"{sum(map(len, busy))} writes during {len(busy)} snapshots of {base.stat().st_size >> 20} MB, "
            f"each {min(seconds):.1f} to {max(seconds):.1f} s")
    bench.table.add("longest write of 1 KB during a snapshot", "ms", [max(part) for part in busy], longest,
                    ("value", "<=", round(sorted(longest)[len(longest) // 2] + 5, 1)), peer="in quiet",
                    note=note + "; the goal is quiet + 5 ms")
    bench.table.add("  the same, p99", "ms", [percentile(part, 0.99) for part in busy],
                    [percentile(part, 0.99) for part in quiet], peer="in quiet")
    alone, beside = bare_syncs(bench.work, 3)
    bench.table.add("  a bare write + fdatasync beside an unpaced writer, longest", "ms", [max(beside)], [max(alone)],
                    peer="alone")
