"""Debian's keepalived in the same rig as vip_faults.py --measure, for comparison: how long the client reaches no
listener through the address after a fault, and how long two nodes have it.

    vip_keepalived.py [--trials N] [--advert SECONDS] [--json FILE]
    vip_keepalived.py --serve [--advert SECONDS]     trials as the bench asks for them: a fault's name a line, JSON back

A trial begins once the same single node has held the address for a while and the client reaches it; the holder is
looked up then, right before the fault. A fault is watched for some seconds; what lasts longer counts as so long.
"""
import argparse
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from harness import need_program, wait_for
from vip_rig import Rig, Watch, serve_trials, sh


def config(rig, k, advert):
    return f"""global_defs {{ router_id n{k}
 vrrp_version 3 }}
vrrp_instance V {{ state BACKUP
 interface c0
 virtual_router_id 51
 priority {100 + k}
 advert_int {advert}
 virtual_ipaddress {{ {rig.vip}/32 dev c0 }} }}
"""


class Node:
    def __init__(self, rig, k, folder, advert):
        self.rig, self.k = rig, k
        self.conf = pathlib.Path(folder) / f"k{k}.conf"
        self.conf.write_text(config(rig, k, advert))
        self.listener = subprocess.Popen(
            ["ip", "netns", "exec", rig.ns(k), sys.executable, "-c",
             "import socket\ns=socket.create_server(('0.0.0.0', 8092))\nwhile True: s.accept()[0].close()"])
        self.process = None
        self.start()

    def start(self):
        # -n stays in the foreground; a process group of its own, so that all of it can be signalled.
        pids = [f"--{name}={self.conf}.{name}" for name in ("pid", "vrrp_pid")]
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.rig.ns(self.k), "keepalived", "-n", "--vrrp", "-f", str(self.conf), *pids],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def processes(self):
        found = []
        for pid in sh(f"ip netns pids {self.rig.ns(self.k)}").split():
            try:
                if pathlib.Path(f"/proc/{pid}/comm").read_text().startswith("keepalived"):
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def signal(self, number):
        for pid in self.processes():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def restart(self):
        """From whatever state the fault left it in; the address it may have left behind goes, too."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        self.process.wait()
        wait_for(lambda: not self.processes(), 10, f"keepalived on node {self.k} to end")
        sh(f"ip -n {self.rig.ns(self.k)} addr del {self.rig.vip}/32 dev c0", check=False)
        self.start()


class Prober(threading.Thread):
    """Connects to the address every 5 ms."""

    def __init__(self, rig):
        super().__init__(daemon=True)
        self.rig, self.times, self.wanted = rig, [], threading.Event()

    def run(self):
        while self.wanted.wait():
            began = time.monotonic()
            try:
                socket.create_connection((self.rig.vip, 8092), timeout=0.06).close()
                self.times.append(time.monotonic())
            except OSError:
                pass
            time.sleep(max(0.0, 0.005 - (time.monotonic() - began)))


def faults(rig):
    """What is done, and what undoes it."""
    link = lambda node, state: sh(f"ip -n {rig.ns(node.k)} link set c0 {state}")
    return {
        "SIGKILL": (lambda n: n.signal(signal.SIGKILL), Node.restart),
        "SIGSTOP": (lambda n: n.signal(signal.SIGSTOP), lambda n: n.signal(signal.SIGCONT)),
        "SIGTERM": (lambda n: os.kill(n.process.pid, signal.SIGTERM), Node.restart),
        "silent cut": (lambda n: rig.cut(n.k), lambda n: rig.cut(n.k, on=False)),
        "carrier lost": (lambda n: rig.port(n.k, "c0", "down"), lambda n: rig.port(n.k, "c0", "up")),
        "link set down": (lambda n: link(n, "down"), lambda n: link(n, "up")),
        "address deleted": (lambda n: sh(f"ip -n {rig.ns(n.k)} addr del {rig.vip}/32 dev c0"), Node.restart),
    }


class Trials:
    def __init__(self, rig, folder, advert):
        self.rig, self.advert = rig, advert
        self.settle = 1.0 + 4 * advert  # longer than a backup waits for the master's adverts
        self.window = 2.0 + 5 * advert
        self.nodes = [Node(rig, k, folder, advert) for k in range(1, rig.count + 1)]
        self.watch = Watch(rig, pathlib.Path(folder) / "holders.jsonl")
        self.prober = Prober(rig)
        self.prober.start()
        self.faults = faults(rig)

    def settled(self):
        """The node that has held the address alone for long enough, while the client reaches it."""
        changes, now = self.watch.changes(), time.monotonic()
        if not changes or len(changes[-1][1]) != 1 or now - changes[-1][0] < self.settle:
            return None
        if not self.prober.times or now - self.prober.times[-1] > 0.1:
            return None
        return self.nodes[changes[-1][1][0] - 1]

    def run(self, name):
        do, undo = self.faults[name]
        self.prober.times.clear()
        self.prober.wanted.set()
        try:
            node = wait_for(self.settled, 60, f"one settled holder before {name}")
            moment = time.monotonic()
            do(node)
            time.sleep(max(0.0, moment + self.window - time.monotonic()))
            ended = time.monotonic()
            overlap, _ = self.watch.overlap(since=moment, until=ended)
            edges = [moment, *(at for at in list(self.prober.times) if moment < at < ended), ended]
            undo(node)
        finally:
            self.prober.wanted.clear()
        return {"gap_ms": 1000 * max(b - a for a, b in zip(edges, edges[1:])), "two_holders_ms": 1000 * overlap}

    def stop(self):
        self.watch.stop()
        for node in self.nodes:
            node.signal(signal.SIGKILL)
            node.listener.kill()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--advert", type=float, default=1.0)
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--json")
    args = parser.parse_args()
    need_program("keepalived")
    rows = {}
    with Rig(3) as rig, tempfile.TemporaryDirectory() as folder:
        trials = Trials(rig, folder, args.advert)
        try:
            if args.serve:
                serve_trials(trials.run)
                return
            for name in trials.faults:
                done = [trials.run(name) for _ in range(args.trials)]
                gaps, overlaps = [one["gap_ms"] for one in done], [one["two_holders_ms"] for one in done]
                rows[name] = {"gap_ms_median": statistics.median(gaps), "gap_ms_worst": max(gaps),
                              "two_holders_ms_worst": max(overlaps)}
                print(f"keepalived, adverts {args.advert} s, {name:16} median {statistics.median(gaps):6.0f} ms  "
                      f"worst {max(gaps):6.0f} ms  two holders at worst {max(overlaps):6.0f} ms "
                      f"(watched for {trials.window:.1f} s)", flush=True)
        finally:
            trials.stop()
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
