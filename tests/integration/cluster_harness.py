"""A cluster of real daemons on loopback addresses of their own, formed over the API; standard library alone."""
import hashlib
import http.client
import itertools
import json
import os
import time

from harness import Client, Workplace, free_port, wait_for

GLOBAL_KEYS = ("LoadBalanced", "Enabled", "ConsensusEnabled", "ConsensusJoin", "VirtAddr", "ServerHostname",
               "ActiveUri", "Token", "HaID", "Valid", "Roots")
TRANSPORT = (OSError, http.client.HTTPException)


class Cluster:
    """N daemons on 127.x.y.1, .2, … with the same two ports. `form` enrols the first by itself and the others
    after it."""

    numbers = itertools.count(1)

    def __init__(self, workplace: Workplace, count=3, extra=()):
        self.workplace = workplace
        net = f"127.{1 + os.getpid() % 200}.{next(Cluster.numbers)}"
        self.virtual = "192.0.2.200"
        self.api_port, self.consensus_port = free_port(f"{net}.1"), free_port(f"{net}.1")
        self.nodes = []
        self.net = net
        self.extra = list(extra)
        for _ in range(count):
            self.add_node()

    def add_node(self):
        number = len(self.nodes) + 1
        node = self.workplace.node(f"n{number}", address=f"{self.net}.{number}", api_port=self.api_port,
                                   consensus_port=self.consensus_port,
                                   extra=["--drp-id", f"server-{number}", *self.extra])
        self.nodes.append(node)
        return node

    def consensus_addr(self, node):
        return f"{node.address}:{self.consensus_port}"

    def start(self):
        for node in self.nodes:
            node.start(wait=False)
        for node in self.nodes:
            wait_for(lambda n=node: n.ready() and node_serves(n), 30, f"{node.address} to serve")
        return self

    def form(self):
        self.start()
        self.found(self.nodes[0])
        for node in self.nodes[1:]:
            self.enroll(node)
        return self

    def found(self, node, **more):
        state = node.client(timeout=60).call("GET", "system/consensus/state")
        state.update({"HaID": "testers", "LoadBalanced": True, "VirtAddr": self.virtual,
                      "ConsensusAddr": self.consensus_addr(node)})
        state.update(more)
        return node.client(timeout=60).call("POST", "system/consensus/enroll", state)

    def join_body(self, node, via=None, **more):
        """What the existing client posts: the node's state, the introduction over it, then the settings."""
        state = node.client().call("GET", "system/consensus/state")
        introduction = (via or self.nodes[0]).client().call("GET", "system/consensus/introduction")
        state.update({key: introduction[key] for key in GLOBAL_KEYS})
        state["ConsensusAddr"] = self.consensus_addr(node)
        state.update(more)
        return state

    def enroll(self, node, via=None, **more):
        body = self.join_body(node, via, **more)
        answer = node.client(timeout=90).call("POST", "system/consensus/enroll", body)
        wait_for(lambda: node_serves(node), 20, f"{node.address} to serve after its enrolment")
        return answer

    def node_of(self, consensus_id):
        return next(node for node in self.nodes if node.state_file()["ConsensusID"] == consensus_id)

    def alive(self):
        return [node for node in self.nodes if node.process and node.process.poll() is None]

    def active(self, seconds=20, without=()):
        """The node all living ones agree on."""
        def look():
            names = set()
            for node in self.alive():
                if node in without:
                    continue
                try:
                    names.add(node.client(timeout=2).call("GET", "system/consensus/active"))
                except (*TRANSPORT, AssertionError):
                    return None
            if len(names) == 1 and "" not in names:
                found = self.node_of(names.pop())
                return found if found in self.alive() else None
            return None
        return wait_for(look, seconds, "an active node all agree on")

    def put(self, node, key, value, timeout=5.0):
        return node.client(timeout=timeout).call("POST", "profiles", {"Name": key, "Description": value})

    def local(self, node, key):
        status, _, data = node.client(timeout=5).request("GET", f"/api/v3/profiles/{key}?consistency=local")
        return json.loads(data)["Description"] if status == 200 else None

    def commit_indices(self):
        return [peer["LastArtifactCommitHandled"] for node in self.alive()
                for peer in node.client().call("GET", "system/consensus/peers")
                if peer["ConsensusID"] == node.state_file()["ConsensusID"]]

    def wal_digests(self):
        out = []
        for node in self.nodes:
            files = sorted((node.root / "wal").iterdir())
            out.append({file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files})
        return out

    def wait_at_rest(self, seconds=20):
        """Until all members hold the same index and it stands still for a moment."""
        def still():
            first = self.commit_indices()
            if len(set(first)) != 1:
                return False
            time.sleep(0.3)
            return self.commit_indices() == first
        wait_for(still, seconds, "all members at the same index")


def node_serves(node):
    try:
        return Client(node.address, node.api_port, timeout=2).request("GET", "/api/v3/info")[0] == 200
    except TRANSPORT:
        return False
