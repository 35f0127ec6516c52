"""Namespaces for the virtual address (requirements §0.1): n nodes and a client on a bridge for clients (c0,
10.77.0.0/24) and one between members (r0, 10.88.0.0/24). Needs root; everything is removed at the end.

The calling process itself moves into the client's namespace. `Watch` samples who holds the address.
"""
import ctypes
import itertools
import json
import os
import pathlib
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from harness import Client, Node, need_program, need_root, wait_for

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def sh(command, check=True):
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    if check and done.returncode:
        raise AssertionError(f"{command}: {done.stderr.strip()}")
    return done.stdout


def enter(namespace):
    fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if LIBC.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(fd)


class Rig:
    """Use as a context manager."""

    def __init__(self, count=3, ipv6=False):
        need_root()
        need_program("ip")
        self.count = count
        self.prefix = f"vip{os.getpid() % 100000}"
        self.vip = "fd77::200" if ipv6 else "10.77.0.200"
        self.cidr = self.vip + ("/64" if ipv6 else "/24")
        self.client = f"{self.prefix}-cl"

    def ns(self, k):
        return f"{self.prefix}-{k}"

    def __enter__(self):
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            self.build()
        except BaseException:
            self.tear_down()
            raise
        enter(self.client)
        return self

    def build(self):
        switch = f"{self.prefix}-sw"
        sh(f"ip netns add {switch}")
        for bridge in ("brC", "brR"):
            sh(f"ip -n {switch} link add {bridge} type bridge && ip -n {switch} link set {bridge} up")
        members = [(self.ns(k), k) for k in range(1, self.count + 1)] + [(self.client, 0)]
        for name, k in members:
            sh(f"ip netns add {name} && ip -n {name} link set lo up")
            self.plug(name, k, "c0", "brC", f"10.77.0.1{k}/24", f"fd77::1{k}/64")
            if k:
                self.plug(name, k, "r0", "brR", f"10.88.0.1{k}/24")

    def plug(self, name, k, link, bridge, *addresses):
        switch, port = f"{self.prefix}-sw", f"{link}p{k}"
        sh(f"ip -n {switch} link add {port} type veth peer name {link} netns {name}")
        sh(f"ip -n {switch} link set {port} master {bridge} up && ip -n {name} link set {link} up")
        for address in addresses:
            sh(f"ip -n {name} addr add {address} dev {link}" + (" nodad" if ":" in address else ""))

    def port(self, k, link, state):
        """Carrier of node k's link: the switch's end goes down or up."""
        sh(f"ip -n {self.prefix}-sw link set {link}p{k} {state}")

    def cut(self, k, on=True):
        """Nothing of node k passes any more; its own links stay up."""
        for link, bridge in (("c0", "brC"), ("r0", "brR")):
            sh(f"ip -n {self.prefix}-sw link set {link}p{k} " + ("nomaster" if on else f"master {bridge}"))

    def holders(self):
        return [k for k in range(1, self.count + 1)
                if f" {self.vip}/" in sh(f"ip -n {self.ns(k)} -o addr", check=False)]

    def tear_down(self):
        if LIBC.setns(self.home, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(self.home)
        for name in sh("ip netns list").split():
            if name.startswith(self.prefix + "-"):
                for pid in sh(f"ip netns pids {name}", check=False).split():
                    if int(pid) != os.getpid():
                        os.kill(int(pid), signal.SIGKILL)
                sh(f"ip netns del {name}", check=False)

    def __exit__(self, *_):
        self.tear_down()


class VipNode(Node):
    """A daemon in its namespace."""

    def __init__(self, rig, k, daemon, root, extra=()):
        super().__init__(daemon, root, address=f"10.77.0.1{k}", api_port=8092, consensus_port=8093,
                         extra=["--drp-id", f"server-{k}", *extra])
        self.rig, self.k = rig, k
        self.consensus = f"10.88.0.1{k}:8093"

    def start(self, wrapper=(), wait=True, timeout=20.0):
        return super().start(wrapper=("ip", "netns", "exec", self.rig.ns(self.k), *wrapper), wait=wait,
                             timeout=timeout)

    def guard(self):
        """Worker and keeper of the guard."""
        found = {}
        for pid in sh(f"ip netns pids {self.rig.ns(self.k)}", check=False).split():
            try:
                found[pathlib.Path(f"/proc/{pid}/comm").read_text().strip()] = int(pid)
            except OSError:
                pass
        return found.get("holdfast-guard"), found.get("holdfast-keeper")

    def signal(self, number, daemon=True, guard=False):
        """To the daemon first, then to its guard."""
        targets = list(filter(None, self.guard())) if guard else []
        if daemon:
            os.kill(self.process.pid, number)
        for pid in targets:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def count_stops(self):
        return self.log_text().count("event=stopped")

    def wait_stopped(self, before):
        """Everything it had to do after TERM is done once it has said so again."""
        wait_for(lambda: self.count_stops() > before, 20, f"node {self.k} to stop in order")

    def finish(self, before):
        self.wait_stopped(before)
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.kill()

    def vip_status(self):
        return self.client(timeout=3).call("GET", "system/vip")


class VipCluster:
    """The nodes of a rig as one cluster with a virtual address."""

    def __init__(self, rig, workplace, extra=()):
        self.rig, self.workplace = rig, workplace
        self.nodes = [VipNode(rig, k, workplace.daemon, workplace.path / f"n{k}", extra)
                      for k in range(1, rig.count + 1)]
        workplace.nodes.extend(self.nodes)
        self.ids = {}

    def node(self, k):
        return self.nodes[k - 1]

    def form(self, script="", observers=()):
        for node in self.nodes:
            node.start(wait=False)
        for node in self.nodes:
            wait_for(node.ready, 40, f"node {node.k} to serve")
        for node in self.nodes:
            self.enroll(node, script, Observer=node.k in observers)
        return self

    def body(self, node, script="", **more):
        state = node.client().call("GET", "system/consensus/state")
        if node.k != 1:
            introduction = self.node(1).client().call("GET", "system/consensus/introduction")
            state.update({key: introduction[key] for key in
                          ("LoadBalanced", "Enabled", "ConsensusEnabled", "ConsensusJoin", "VirtAddr",
                           "ServerHostname", "ActiveUri", "Token", "HaID", "Valid", "Roots")})
        else:
            state.update({"HaID": "testers", "LoadBalanced": False, "VirtAddr": self.rig.cidr})
        state.update({"ConsensusAddr": node.consensus, "VirtInterface": "c0", "VirtInterfaceScript": script})
        state.update(more)
        return state

    def enroll(self, node, script="", **more):
        node.client(timeout=90).call("POST", "system/consensus/enroll", self.body(node, script, **more))
        wait_for(node.ready, 20, f"node {node.k} to serve after its enrolment")
        self.ids[node.state_file()["ConsensusID"]] = node

    def active(self, seconds=20):
        """The node that all living ones name and that holds the address."""
        def look():
            named = set()
            for node in self.nodes:
                if node.process.poll() is None:
                    try:
                        named.add(node.client(timeout=2).call("GET", "system/consensus/active"))
                    except (OSError, AssertionError, ValueError):
                        return None
            if len(named) != 1 or "" in named:
                return None
            found = self.ids[named.pop()]
            return found if self.rig.holders() == [found.k] else None
        return wait_for(look, seconds, "an active node that holds the address", step=0.05)


def open_netlink(namespace, home):
    enter(namespace)
    try:
        return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    finally:
        LIBC.setns(home, CLONE_NEWNET)


def holds(link, family, wanted):
    """One dump of the addresses behind this socket."""
    link.send(struct.pack("=IHHIIBBBBI", 24, 22, 0x301, 1, 0, family, 0, 0, 0, 0))
    found = False
    while True:
        data = link.recv(65536)
        if data.find(wanted) >= 0:
            found = True
        at, done = 0, False
        while at + 16 <= len(data):
            size, kind = struct.unpack_from("=IH", data, at)
            done = done or kind == 3
            at += max(16, (size + 3) & ~3)
        if done:
            return found


class Journal:
    """The JSON lines that another process appends to a file; what was read once is not read again."""

    def __init__(self, path):
        self.path, self.at, self.rows = pathlib.Path(path), 0, []

    def read(self):
        """All whole lines so far, decoded."""
        if self.path.exists():
            with open(self.path, "rb") as file:
                file.seek(self.at)
                fresh = file.read()
            whole = fresh[:fresh.rfind(b"\n") + 1]
            self.at += len(whole)
            self.rows.extend(json.loads(line) for line in whole.splitlines())
        return self.rows


class Watch:
    """A process that samples the holders every few milliseconds and writes every change down."""

    def __init__(self, rig, path):
        self.path, self.journal = path, Journal(path)
        self.stop_read, self.stop_write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.sample(rig)
            finally:
                os._exit(0)

    def sample(self, rig):
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        except OSError:
            pass
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        links = [open_netlink(rig.ns(k), home) for k in range(1, rig.count + 1)]
        family = socket.AF_INET6 if ":" in rig.vip else socket.AF_INET
        # IFA_ADDRESS (1) with the address: header of the attribute included, so that nothing else matches.
        raw = socket.inet_pton(family, rig.vip)
        wanted = struct.pack("=HH", 4 + len(raw), 1) + raw
        last, samples = None, 0
        with open(self.path, "w", buffering=1) as out:
            while not select.select([self.stop_read], [], [], 0.003)[0]:
                seen = [k for k, link in enumerate(links, 1) if holds(link, family, wanted)]
                if len(seen) > 1:
                    # Only what is still so after all were looked at was so at one moment.
                    again = [k for k, link in enumerate(links, 1) if holds(link, family, wanted)]
                    seen = [k for k in seen if k in again]
                samples += 1
                if seen != last:
                    out.write(json.dumps([time.monotonic(), seen]) + "\n")
                    last = seen
            out.write(json.dumps([time.monotonic(), None, samples]) + "\n")

    def changes(self):
        """[(seconds, holders)] so far."""
        return [(row[0], row[1]) for row in self.journal.read() if row[1] is not None]

    def overlap(self, since=0.0, until=None):
        """Seconds during which two or more held it, and those moments."""
        rows = self.changes()
        until = until or time.monotonic()
        total, moments = 0.0, []
        for at, (began, who) in enumerate(rows):
            ended = min(rows[at + 1][0] if at + 1 < len(rows) else until, until)
            if len(who) > 1 and ended > since:
                total += ended - max(began, since)
                moments.append((began, who))
        return total, moments

    def stop(self):
        if self.pid:
            os.write(self.stop_write, b"x")
            os.waitpid(self.pid, 0)
            self.pid = 0


class Writer:
    """A process of the client: a new write through the address every 5 ms, whatever became of the one before.
    Each acknowledgement is written down with its time and name."""

    LANES = 6

    def __init__(self, rig, path, port=8092):
        self.path, self.journal = path, Journal(path)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.run(rig, port)
            finally:
                os._exit(0)

    def run(self, rig, port):
        self.out = open(self.path, "w", buffering=1)
        self.numbers = itertools.count(1)
        lanes = [threading.Thread(target=self.lane, args=(rig, port, lane), daemon=True)
                 for lane in range(self.LANES)]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()

    def lane(self, rig, port, lane):
        time.sleep(0.005 * lane)
        client = Client(rig.vip, port, timeout=0.08)
        while True:
            began = time.monotonic()
            number = next(self.numbers)
            try:
                status, _, _ = client.request("POST", "/api/v3/profiles", {"Name": f"w-{number}"})
                if status == 201:
                    self.out.write(json.dumps([time.monotonic(), number]) + "\n")
                else:
                    client.close()
            except Exception:  # a cut connection, a reset, half an answer: all the same to a client
                client.close()
                time.sleep(0.005)
                continue
            time.sleep(max(0.0, 0.005 * self.LANES - (time.monotonic() - began)))

    def acknowledged(self):
        """[seconds, number] of each so far."""
        return self.journal.read()

    def pause(self):
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)

    def wait_after(self, moment, seconds):
        """The time of the first acknowledgement after this moment."""
        def look():
            return next((at for at, _ in self.acknowledged()[-400:] if at > moment), None)
        return wait_for(look, seconds, "an acknowledged write through the address", step=0.02)

    def stop(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0


def serve_trials(run):
    """The names of faults come in, a line each; the JSON of each trial goes out. Ends with the input."""
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(run(line.strip())), flush=True)


if __name__ == "__main__":
    sys.exit("a library: run vip_faults.py")
