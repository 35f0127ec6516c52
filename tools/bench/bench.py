#!/usr/bin/env python3
"""Compares Holdfast with etcd on this machine, in one run, alternating A and B.

    bench.py BUILD_FOLDER [--only NAME,…] [--rounds N] [--seconds N] [--json FILE]

Holdfast speaks HTTPS (and TLS between members), etcd plain HTTP through its gateway; both run on loopback with
data on the same file system. wrk drives both with the same script. Needs: tools/deps.sh bench.
Sections: single (puts and gets of one node), memory, restart, snapshot.
"""
import argparse
import base64
import concurrent.futures
import http.client
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tests" / "integration"))
from harness import BASIC, Client, Node, free_port, wait_for  # noqa: E402

KEYS = 1000
VALUE = 64


class Etcd:
    """One stand-alone etcd of this machine's package."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.port, self.peer = free_port(), free_port()

    def start(self):
        url, peer = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.peer}"
        self.process = subprocess.Popen(
            ["etcd", "--name", "n1", "--data-dir", str(self.root), "--listen-client-urls", url,
             "--advertise-client-urls", url, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
             "--initial-cluster", f"n1={peer}", "--log-level", "error"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.ready, 20, "etcd to serve")
        return self

    def ready(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def put(self, key, value):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        body = {"key": base64.b64encode(key.encode()).decode(), "value": base64.b64encode(value.encode()).decode()}
        connection.request("POST", "/v3/kv/put", json.dumps(body), {"Content-Type": "application/json"})
        assert connection.getresponse().status == 200

    def stop(self):
        self.process.terminate()
        self.process.wait()

    url = property(lambda self: f"http://127.0.0.1:{self.port}")
    pid = property(lambda self: self.process.pid)


def wrk(url, script, connections, seconds, system):
    out = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(HERE / script), url, "--", system, str(KEYS),
         str(VALUE), BASIC], capture_output=True, text=True, check=True).stdout
    line = next(text for text in out.splitlines() if text.startswith("RESULT"))
    requests, duration, errors, p50, p90, p99, top = map(int, line.split()[1:])
    return {"rate": requests / (duration / 1e6), "p50_us": p50, "p90_us": p90, "p99_us": p99, "max_us": top,
            "errors": errors}


def resident_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def fill_holdfast(node, count, size, prefix="bench-"):
    """Creates objects over several connections."""
    def part(start):
        client = node.client(timeout=30)
        for number in range(start, count + 1, 8):
            name = f"{prefix}{number}"
            client.call("POST", "profiles", {"Name": name, "Description": "x" * size})
        client.close()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(part, range(1, 9)))


def fill_etcd(etcd, count, size, prefix="bench-"):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: etcd.put(f"{prefix}{number}", "x" * size), range(1, count + 1)))


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


class Bench:
    def __init__(self, options, work):
        self.options, self.work = options, work
        self.daemon = str(pathlib.Path(options.build).resolve() / "tools/holdfastd/holdfastd")
        self.rows, self.facts = [], {}

    def row(self, name, unit, ours, theirs, goal):
        ratio = ours["median"] / theirs["median"] if theirs and theirs["median"] else None
        self.rows.append({"name": name, "unit": unit, "holdfast": ours, "etcd": theirs, "ratio": ratio, "goal": goal})
        peer = f"{theirs['median']:>12.1f}" if theirs else " " * 12
        print(f"{name:<34} {unit:>6} {ours['median']:>12.1f} {peer} "
              f"{(f'{ratio:.2f} x' if ratio else ''):>9}  {goal:<10} "
              f"[{ours['min']:.1f}..{ours['max']:.1f}]" + (f" [{theirs['min']:.1f}..{theirs['max']:.1f}]" if theirs else ""),
              flush=True)

    def single(self):
        node = Node(self.daemon, self.work / "single").start()
        etcd = Etcd(self.work / "etcd").start()
        try:
            fill_holdfast(node, KEYS, VALUE)
            fill_etcd(etcd, KEYS, VALUE)
            pairs = (("holdfast", f"https://{node.address}:{node.api_port}"), ("etcd", etcd.url))
            plans = [("put, 1 client, p50", "us", "wrk_put.lua", 1, "p50_us", "<= 0.5 x"),
                     ("put, 8 clients", "/s", "wrk_put.lua", 8, "rate", ""),
                     ("put, 64 clients", "/s", "wrk_put.lua", 64, "rate", ">= 4 x"),
                     ("put, 256 clients", "/s", "wrk_put.lua", 256, "rate", ""),
                     ("get, 1 client, p50", "us", "wrk_get.lua", 1, "p50_us", ""),
                     ("get, 64 clients", "/s", "wrk_get.lua", 64, "rate", ">= 5 x")]
            for name, unit, script, clients, field, goal in plans:
                got = {"holdfast": [], "etcd": []}
                for _ in range(self.options.rounds):
                    for system, url in pairs:
                        result = wrk(url, script, clients, self.options.seconds, system)
                        assert result["errors"] == 0, f"{system}: {name}: {result['errors']} errors"
                        got[system].append(result[field])
                self.row(name, unit, spread(got["holdfast"]), spread(got["etcd"]), goal)
        finally:
            node.terminate()
            etcd.stop()

    def memory(self):
        node = Node(self.daemon, self.work / "memory").start()
        etcd = Etcd(self.work / "etcd-memory").start()
        try:
            fill_holdfast(node, 10_000, 256)
            fill_etcd(etcd, 10_000, 256)
            ours, theirs = resident_mb(node.process.pid), resident_mb(etcd.pid)
            self.row("resident, 10k objects of 256 B", "MB", spread([ours]), spread([theirs]), "<= 0.3 x")
        finally:
            node.terminate()
            etcd.stop()

    def restart(self):
        node = Node(self.daemon, self.work / "restart").start()
        fill_holdfast(node, 100_000, 1024)
        times = []
        for _ in range(self.options.rounds):
            node.kill()
            began = time.monotonic()
            node.start()
            times.append((time.monotonic() - began) * 1000)
        self.row("restart, 100k objects of 1 KB", "ms", spread(times), None, "<= 2000")
        node.terminate()

    def snapshot(self):
        """Longest write while a snapshot of 100k objects is taken, against the longest one before it began.

        One writer changes one large object until the log is long enough for a cut: log.<n+1> marks its beginning,
        base.<n+1> its end.
        """
        node = Node(self.daemon, self.work / "snapshot").start()
        fill_holdfast(node, 100_000, 1024)
        client = node.client(timeout=30)

        def newest(kind):
            numbers = [int(path.suffix[1:]) for path in (node.root / "wal").glob(kind + ".*")
                       if path.suffix[1:].isdigit()]
            return max(numbers)

        client.call("POST", "profiles", {"Name": "large", "Description": ""})
        wait_for(lambda: newest("base") == newest("log"), 60, "the snapshots of the fill to be done", step=0.2)
        first, idle, busy = newest("log"), [], []
        deadline = time.monotonic() + 300
        while newest("base") == first and time.monotonic() < deadline:
            cut = newest("log") > first
            began = time.monotonic()
            client.call("PUT", "profiles/large", {"Name": "large", "Description": f"{len(idle):08}" * 8192})
            (busy if cut else idle).append((time.monotonic() - began) * 1000)
        assert busy and idle, "no snapshot was taken"
        self.row("longest write of 64 KB before", "ms", spread(idle[10:]), None, "")
        self.row("longest write while snapshotting", "ms", spread(busy), None, "max before + 5")
        print(f"{'':<34} {len(busy)} writes during the snapshot; max {max(busy):.1f} ms, before {max(idle[10:]):.1f} ms")
        node.terminate()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--only", default="single,memory,restart,snapshot")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--json")
    options = parser.parse_args()
    for program in ("etcd", "wrk"):
        if shutil.which(program) is None:
            sys.exit(f"bench.py: {program} is missing; run tools/deps.sh bench")
    work = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-bench-", dir=os.environ.get("HOLDFAST_BENCH_DIR")))
    print(f"{'work':<34} {'unit':>6} {'holdfast':>12} {'etcd':>12} {'ratio':>9}  {'goal':<10} [spread]")
    bench = Bench(options, work)
    try:
        for name in options.only.split(","):
            getattr(bench, name)()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"rows": bench.rows, "cores": os.cpu_count()}, indent=2))


if __name__ == "__main__":
    main()
