"""Debian's keepalived in the same rig as vip_faults.py --measure, for comparison: when another node has the
address and the client reaches a listener on it, and how long two nodes had it.

    vip_keepalived.py [--trials N] [--advert SECONDS] [--json FILE]
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
from vip_rig import Rig, Watch, sh

WINDOW = 12.0  # how long a fault is watched


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
        self.start()

    def start(self):
        # -n stays in the foreground; a process group of its own, so that all of it can be signalled.
        pids = [f"--{name}={self.conf}.{name}" for name in ("pid", "vrrp_pid")]
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.rig.ns(self.k), "keepalived", "-n", "--vrrp", "-f", str(self.conf), *pids],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def signal(self, number):
        os.killpg(self.process.pid, number)
        for pid in sh(f"ip netns pids {self.rig.ns(self.k)}").split():
            if pathlib.Path(f"/proc/{pid}/comm").read_text().startswith("keepalived"):
                os.kill(int(pid), number)


class Prober(threading.Thread):
    """Connects to the address every 5 ms."""

    def __init__(self, rig):
        super().__init__(daemon=True)
        self.rig, self.times = rig, []

    def run(self):
        while True:
            began = time.monotonic()
            try:
                socket.create_connection((self.rig.vip, 8092), timeout=0.06).close()
                self.times.append(time.monotonic())
            except OSError:
                pass
            time.sleep(max(0.0, 0.005 - (time.monotonic() - began)))


def faults(rig):
    return {
        "SIGKILL": (lambda n: n.signal(signal.SIGKILL), lambda n: (n.process.wait(), n.start())),
        "SIGSTOP": (lambda n: n.signal(signal.SIGSTOP), lambda n: n.signal(signal.SIGCONT)),
        "SIGTERM": (lambda n: os.kill(n.process.pid, signal.SIGTERM), lambda n: (n.process.wait(), n.start())),
        "silent cut": (lambda n: rig.cut(n.k), lambda n: rig.cut(n.k, on=False)),
        "carrier lost": (lambda n: rig.port(n.k, "c0", "down"), lambda n: rig.port(n.k, "c0", "up")),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--advert", type=float, default=1.0)
    parser.add_argument("--json")
    args = parser.parse_args()
    need_program("keepalived")
    rows = {}
    with Rig(3) as rig, tempfile.TemporaryDirectory() as folder:
        nodes = [Node(rig, k, folder, args.advert) for k in (1, 2, 3)]
        prober = Prober(rig)
        prober.start()
        watch = Watch(rig, pathlib.Path(folder) / "holders.jsonl")
        try:
            for name, (do, undo) in faults(rig).items():
                gaps, overlaps = [], []
                for _ in range(args.trials):
                    holder = wait_for(lambda: (lambda h: h[0] if len(h) == 1 else None)(rig.holders()), 60, "one holder")
                    time.sleep(max(2.0, 3 * args.advert))
                    moment = time.monotonic()
                    do(nodes[holder - 1])
                    time.sleep(WINDOW if name in ("SIGKILL", "SIGSTOP", "silent cut") else 5.0)
                    overlaps.append(1000 * watch.overlap(since=moment)[0])
                    undo(nodes[holder - 1])
                    times = [moment] + [at for at in prober.times if at > moment]
                    gaps.append(1000 * max(b - a for a, b in zip(times, times[1:])))
                rows[name] = {"gap_ms_median": statistics.median(gaps), "gap_ms_worst": max(gaps),
                              "two_holders_ms_worst": max(overlaps)}
                print(f"keepalived, adverts {args.advert} s, {name:14} median {statistics.median(gaps):6.0f} ms  "
                      f"worst {max(gaps):6.0f} ms  two holders at worst {max(overlaps):6.0f} ms "
                      f"(watched for {WINDOW:.0f} s)", flush=True)
        finally:
            watch.stop()
            for node in nodes:
                node.signal(signal.SIGKILL)
                node.listener.kill()
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
