"""What users may take for granted of the virtual address: the service answers there after setup, every open port does after
a fail-over, an address that stands there already is no error, and who changes it (VIP-05, -06, -07, -09)."""
import re
import socket
import subprocess
import threading
import time

from harness import Client, wait_for
from vip_rig import sh


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


class AddressChanges:
    """What the kernels of all nodes report of the virtual address from now on. Use as a context manager."""

    MARK = "127.9.9.9"  # of a change of our own, by which a monitor shows that it listens

    def __init__(self, cluster):
        self.cluster, self.lines, self.monitors = cluster, {node.k: [] for node in cluster.nodes}, []

    def read(self, k, out):
        for line in out:
            self.lines[k].append(line)

    def __enter__(self):
        for node in self.cluster.nodes:
            ns = self.cluster.rig.ns(node.k)
            monitor = subprocess.Popen(["ip", "-n", ns, "-o", "monitor", "address"], stdout=subprocess.PIPE, text=True)
            self.monitors.append(monitor)
            threading.Thread(target=self.read, args=(node.k, monitor.stdout), daemon=True).start()

            def listens(k=node.k, ns=ns):
                sh(f"ip -n {ns} addr add {self.MARK}/32 dev lo && ip -n {ns} addr del {self.MARK}/32 dev lo")
                return any(self.MARK in line for line in self.lines[k])
            wait_for(listens, 5, f"the monitor of node {node.k}", step=0.05)
        return self

    def __exit__(self, *_):
        for monitor in self.monitors:
            monitor.kill()
            monitor.wait()

    def of(self, k):
        """(put on for ever, put on for a time, taken off) on node k: how often."""
        rows = [line for line in self.lines[k] if f" {self.cluster.rig.vip}/" in line]
        gone = [line for line in rows if line.startswith("Deleted")]
        ever = [line for line in rows if line not in gone and "valid_lft forever" in line]
        return len(ever), len(rows) - len(gone) - len(ever), len(gone)


def hand_over(cluster, to):
    cluster.active(30).client().call("POST", f"system/consensus/transfer/{to.state_file()['ConsensusID']}", {})
    wait_for(lambda: to.vip_status()["Holding"], 10, f"node {to.k} to hold the address")


def check_after_setup(cluster):
    """VIP-07: where clients are told to go, somebody answers."""
    active = cluster.active()
    status, _, data = Client(cluster.rig.vip, active.api_port).request("GET", "/api/v3/info")
    expect(status == 200 and b'"ha_is_active":true' in data.replace(b" ", b""), f"VIP-07: {status} {data[:300]!r}")


def check_present_at_take_over(cluster):
    """VIP-05: somebody puts the address by hand on the node that takes over, before, while and after it does. VIP-09 without
    a script: the kernel shows the guard's changes, which are for a time."""
    before = cluster.active(30)
    taker = next(node for node in cluster.nodes if node is not before)
    failures, done = taker.log_text().count("event=vip_failed "), threading.Event()

    def add():
        while not done.is_set():
            for length in (32, 24):
                sh(f"ip -n {cluster.rig.ns(taker.k)} addr add {cluster.rig.vip}/{length} dev c0", check=False)
    hand = threading.Thread(target=add)
    with AddressChanges(cluster) as changes:
        hand.start()
        try:
            hand_over(cluster, taker)
        finally:
            done.set()
            hand.join()
        expect(cluster.active(30) is taker, "VIP-05: the address that was there already kept the role away")
        expect(taker.log_text().count("event=vip_failed ") == failures, "VIP-05: the address that was there was an error")
        wait_for(lambda: changes.of(taker.k)[1] > 0, 5, "VIP-09: the guard's change of the address")
        cluster.writer.wait_after(time.monotonic(), 10)
        hand_over(cluster, before)
        wait_for(lambda: cluster.rig.holders() == [before.k], 5, "VIP-05: what was put on by hand to go with the role")
        wait_for(lambda: changes.of(before.k)[1] > 0, 5, "VIP-09: the guard's change of the address")
    cluster.active(30)


def open_ports(namespace):
    """TCP ports that are open on every address of the namespace."""
    lines = sh(f"ip netns exec {namespace} ss -Hltn").splitlines()
    local = [line.split()[3] for line in lines]
    return {int(one.rpartition(":")[2]) for one in local if re.match(r"(\*|0\.0\.0\.0|\[::\]):", one)}


def check_open_ports(cluster):
    """VIP-06: after a fail-over."""
    cluster.active(30)
    taker = next(node for node in cluster.nodes if node is not cluster.active(30))
    hand_over(cluster, taker)
    active = cluster.active(30)
    ports = open_ports(cluster.rig.ns(active.k))
    expect(active.api_port in ports, f"VIP-06: the API is not open on every address: {ports}")
    for port in ports:
        try:
            socket.create_connection((cluster.rig.vip, port), timeout=3).close()
        except OSError as error:
            raise AssertionError(f"VIP-06: port {port} does not answer at the virtual address: {error}") from error
    print(f"reached through the virtual address: {sorted(ports)}", flush=True)


def check_script_alone(cluster, calls, changes):
    """VIP-09: with a script, what changed is its doing: it puts addresses on for ever, the guard would for a time; and
    nothing is taken off more often than the script was told to."""
    for node in cluster.nodes:
        ever, for_a_time, gone = changes.of(node.k)
        told = [line.split()[2] for line in calls.read_text().splitlines() if line.startswith(f"{node.k} ")]
        expect(for_a_time == 0, f"VIP-09: node {node.k} has a script and put the address on by itself")
        expect(gone <= told.count("remove"), f"VIP-09: node {node.k} took the address off by itself: {gone} times, {told}")
        expect(ever <= told.count("add"), f"VIP-09: node {node.k}: {ever} times put on, {told}")
    expect(sum(changes.of(node.k)[0] for node in cluster.nodes) > 0, "VIP-09: no change by the script was seen")
