"""Load and probes: wrk runs, a bare disk, and writers that notice when service is back."""
import os
import pathlib
import statistics
import subprocess
import threading
import time

from systems import BASIC_AUTH, TRANSPORT, cpu_seconds

HERE = pathlib.Path(__file__).resolve().parent


def wrk(system, mode, connections, seconds, keys, value):
    """One wrk run against the member that serves writes. Latencies in microseconds, CPU in us per request."""
    pids = system.pids()
    before = sum(cpu_seconds(pid) for pid in pids)
    out = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "wrk_load.lua"),
         system.url(), "--", system.name, mode, str(keys), str(value), BASIC_AUTH],
        capture_output=True, text=True, check=True).stdout
    used = sum(cpu_seconds(pid) for pid in pids) - before
    line = next(text for text in out.splitlines() if text.startswith("RESULT"))
    requests, duration, errors, p50, p90, p99, top = map(int, line.split()[1:])
    # A disk that others hold up for half a second makes a node refuse what it was asked in between; more than a few
    # refusals are no throughput any more.
    assert errors * 100 <= requests, f"{system.name}: {mode} with {connections} clients: {errors} of {requests} failed"
    return {"rate": requests / (duration / 1e6), "p50_us": p50, "p90_us": p90, "p99_us": p99, "max_us": top,
            "requests": requests, "errors": errors, "cpu_us": used * 1e6 / max(requests, 1)}


def bare_disk(folder, seconds, record=256):
    """Median of one write and fdatasync into a zero-filled file, alone on the disk: what no log can beat."""
    path = pathlib.Path(folder) / "bare-disk"
    block = b"x" * record
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for _ in range(64):
            os.write(fd, bytes(1 << 20))
        os.fsync(fd)
        taken, offset, end = [], 0, time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic_ns()
            os.pwrite(fd, block, offset)
            os.fdatasync(fd)
            taken.append((time.monotonic_ns() - began) / 1000)
            offset = (offset + record) % (63 << 20)
        return statistics.median(taken)
    finally:
        os.close(fd)
        path.unlink()


def bare_syncs(folder, seconds, block=8 << 20):
    """Times in ms of one write and fdatasync after the other: alone on the disk, then beside a writer that syncs
    `block` bytes at a time. What an unpaced snapshot would do to a log."""
    path, bulk = pathlib.Path(folder) / "bare-syncs", pathlib.Path(folder) / "bare-bulk"
    fd, out = (os.open(name, os.O_RDWR | os.O_CREAT, 0o600) for name in (path, bulk))
    running = True

    def write_bulk():
        while running:
            os.ftruncate(out, 0)
            for number in range(16):
                os.pwrite(out, bytes(block), number * block)
                os.fdatasync(out)

    def measure():
        taken, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic()
            os.pwrite(fd, b"x" * 1024, len(taken) * 1024 % (16 << 20))
            os.fdatasync(fd)
            taken.append((time.monotonic() - began) * 1000)
        return taken

    try:
        os.pwrite(fd, bytes(16 << 20), 0)
        os.fsync(fd)
        alone = measure()
        writer = threading.Thread(target=write_bulk)
        writer.start()
        try:
            return alone, measure()
        finally:
            running = False
            writer.join()
    finally:
        for number, name in ((fd, path), (out, bulk)):
            os.close(number)
            name.unlink()


class Probe:
    """Writers on the given nodes that never stop trying; tells when the first write begun after a moment was
    acknowledged."""

    THREADS_A_NODE = 4
    TIMEOUT = 0.1  # a request that hangs at who is gone must not blur the figure by more than that
    PAUSE = 0.003

    def __init__(self, system, nodes):
        self.acknowledged, self.failed = [], []  # (began, ended), monotonic seconds
        self.running = True
        self.changed = threading.Condition()
        self.threads = [threading.Thread(target=self.run, args=(system, node, number), daemon=True)
                        for node in nodes for number in range(Probe.THREADS_A_NODE)]
        for thread in self.threads:
            thread.start()

    def run(self, system, node, number):
        put = system.writer(node, Probe.TIMEOUT)
        count = 0
        while self.running:
            count += 1
            began = time.monotonic()
            try:
                done = put(f"probe-{number + 1}", f"{count}")
            except TRANSPORT:
                done = False
            with self.changed:
                (self.acknowledged if done else self.failed).append((began, time.monotonic()))
                self.changed.notify_all()
            time.sleep(Probe.PAUSE)
        put.close()

    def first_after(self, moment, limit=30.0):
        """Seconds from `moment` to the end of the first acknowledged write that began after it."""
        def found():
            return min((ended for began, ended in self.acknowledged if began >= moment), default=None)
        with self.changed:
            assert self.changed.wait_for(found, limit), f"no write was acknowledged within {limit} s"
            return found() - moment

    def longest_gap(self, begin, end):
        """Longest time between two acknowledgements in between."""
        with self.changed:
            times = [begin] + sorted(done for _, done in self.acknowledged if begin <= done <= end) + [end]
        return max(after - before for before, after in zip(times, times[1:]))

    def stop(self):
        self.running = False
        for thread in self.threads:
            thread.join()
