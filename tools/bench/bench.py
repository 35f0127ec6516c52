#!/usr/bin/env python3
"""Compares Holdfast with etcd on this machine, in one run, alternating A and B.

    bench.py BUILD_FOLDER [--only NAME,…] [--quick] [--rounds N] [--seconds N] [--trials N] [--json FILE]

Holdfast speaks HTTPS (and TLS between members), etcd plain HTTP through its gateway; both run on loopback with
data on the same file system, and wrk drives both with the same script. Prints a table of medians, ratios and
spread; report.py turns the JSON into docs/performance.md and a plot. Needs: tools/deps.sh bench.

Sections:
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from sections import SECTIONS  # noqa: E402
from table import Table  # noqa: E402


class Bench:
    """What a section works with."""

    def __init__(self, options, work):
        self.options, self.work = options, work
        self.daemon = str(pathlib.Path(options.build).resolve() / "tools/holdfastd/holdfastd")
        self.table = Table()

    def run(self, name):
        self.table.begin(name)
        began = time.monotonic()
        folder = self.work
        self.work = folder / name
        self.work.mkdir()
        try:
            SECTIONS[name](self)
        finally:
            shutil.rmtree(self.work, ignore_errors=True)  # a full disk would be a result of its own
            self.work = folder
        print(f"({name}: {time.monotonic() - began:.0f} s)", flush=True)


def machine():
    """The class of this machine, for whoever compares figures."""
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) / (1 << 20)
    etcd = shutil.which("etcd") and subprocess.run(["etcd", "--version"], capture_output=True, text=True).stdout.splitlines()
    return {"cpu": model, "cores": os.cpu_count(), "memory_gb": round(memory), "kernel": platform.release(),
            "etcd": etcd[0] if etcd else "", "load_before": os.getloadavg()[0]}


def parse():
    listed = "\n".join(f"  {name:<10} {run.__doc__.strip().splitlines()[0]}" for name, run in SECTIONS.items())
    parser = argparse.ArgumentParser(description=__doc__ + listed,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, separated by commas")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller; shows that everything runs")
    parser.add_argument("--rounds", type=int, help="A/B pairs of each throughput row (3)")
    parser.add_argument("--seconds", type=int, help="length of one load run (3)")
    parser.add_argument("--trials", type=int, default=20, help="failover trials a kind and system")
    parser.add_argument("--json", help="write the rows to this file")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (1 if options.quick else 3)
    unknown = set(options.only.split(",")) - set(SECTIONS)
    if unknown:
        parser.error(f"unknown section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    return options


def main():
    options = parse()
    only_vip = options.only == "vip"  # the others all need the peer and the load generator
    for program in ("keepalived",) if only_vip else ("etcd", "etcdctl", "wrk", "keepalived"):
        if shutil.which(program) is None:
            sys.exit(f"bench.py: {program} is missing; run tools/deps.sh bench")
    work = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-bench-", dir=os.environ.get("HOLDFAST_BENCH_DIR")))
    bench, failed = Bench(options, work), []
    run = {"machine": machine(), "began": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
           "command": ("tools/bench/bench.py BUILD " + " ".join(sys.argv[2:])).split(" --json")[0].strip(),
           "rows": bench.table.rows, "failed": failed}
    began = time.monotonic()
    try:
        for name in options.only.split(","):
            try:
                bench.run(name)
            except (AssertionError, OSError, subprocess.SubprocessError) as error:
                failed.append(f"{name}: {error}")
                print(f"{name} FAILED: {error}", flush=True)
            run["minutes"] = round((time.monotonic() - began) / 60, 1)
            if options.json:  # after each section: a run that is cut short keeps what it has
                pathlib.Path(options.json).write_text(json.dumps(run, indent=2))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    missed = [row["name"] for row in bench.table.rows if row["met"] is False]
    print(f"\n{sum(row['met'] is True for row in bench.table.rows)} goals met, {len(missed)} missed"
          + (": " + "; ".join(missed) if missed else ""))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
