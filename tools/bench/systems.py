"""The systems under comparison, with one face: start, fill, where to send load, whom to kill.

Holdfast speaks HTTPS, and TLS between members; etcd speaks plain HTTP. Both run on loopback addresses with their
data on the same file system.
"""
import base64
import concurrent.futures
import http.client
import json
import pathlib
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tests" / "integration"))
from cluster_harness import Cluster, node_serves  # noqa: E402
from harness import BASIC as BASIC_AUTH  # noqa: E402,F401
from harness import Client, Node, free_port, wait_for  # noqa: E402

from netns import NET  # noqa: E402

TRANSPORT = (OSError, http.client.HTTPException)
FILL_CONNECTIONS = 16


def in_parallel(work, count):
    """work(first, step) on several threads, each taking every step-th number up to count."""
    with concurrent.futures.ThreadPoolExecutor(FILL_CONNECTIONS) as pool:
        list(pool.map(lambda first: work(range(first, count + 1, FILL_CONNECTIONS)), range(1, FILL_CONNECTIONS + 1)))


def resident_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_seconds(pid):
    """User and system time the process has used so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


class Holdfast:
    """One to five daemons. With one, a node that never enrolled."""

    name = "holdfast"

    class Place:
        """What the test harness wants to know of a workplace."""

        def __init__(self, daemon, path):
            self.daemon, self.path = daemon, pathlib.Path(path)

        def node(self, name, **options):
            return Node(self.daemon, self.path / name, **options)

    def __init__(self, daemon, root, count=1, hosts=None):
        self.place = Holdfast.Place(daemon, root)
        self.place.path.mkdir(parents=True, exist_ok=True)
        self.cluster = Cluster(self.place, 0 if hosts else count)
        self.nodes = self.cluster.nodes
        if hosts:
            self.cluster.net = NET
            for number in range(1, count + 1):
                hosts.house(self.cluster.add_node(), number)

    def start(self):
        if len(self.nodes) == 1:
            self.nodes[0].start()
        else:
            self.cluster.form()
        return self

    def stop(self):
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                node.process.send_signal(signal.SIGCONT)
                node.kill()

    def leader(self):
        return self.nodes[0] if len(self.nodes) == 1 else self.cluster.active(60)

    def url(self):
        node = self.leader()
        return f"https://{node.address}:{node.api_port}"

    def pids(self):
        return [node.process.pid for node in self.nodes]

    def fill(self, count, size, prefix="bench-"):
        """Creates `count` objects whose description has `size` bytes."""
        node = self.leader()

        def part(numbers):
            client = node.client(timeout=60)
            for number in numbers:
                client.call("POST", "profiles", {"Name": f"{prefix}{number}", "Description": "x" * size})
            client.close()
        in_parallel(part, count)

    def writer(self, node, timeout):
        """A callable put(key, value) -> done or not, over one kept connection."""
        client = Client(node.address, node.api_port, timeout=timeout)

        def put(key, value):
            body = {"Name": key, "Description": value}
            status, _, _ = client.request("PUT", f"/api/v3/profiles/{key}", body)
            return status == 200
        put.close = client.close
        return put

    def hand_over(self, _target):
        self.leader().client(timeout=15).call("POST", "system/passive")

    def serves(self, node):
        return node_serves(node)


class EtcdNode:
    """One etcd process."""

    def __init__(self, root, name, address, port, peer):
        self.root, self.name, self.address, self.port, self.peer = pathlib.Path(root), name, address, port, peer
        self.process = None
        self.members = {}

    url = property(lambda self: f"http://{self.address}:{self.port}")
    peer_url = property(lambda self: f"http://{self.address}:{self.peer}")

    def start(self, wait=True, fresh=False, wrapper=()):
        cluster = ",".join(f"{name}={url}" for name, url in self.members.items())
        self.process = subprocess.Popen(
            [*wrapper, "etcd", "--name", self.name, "--data-dir", str(self.root), "--listen-client-urls", self.url,
             "--advertise-client-urls", self.url, "--listen-peer-urls", self.peer_url,
             "--initial-advertise-peer-urls", self.peer_url, "--initial-cluster", cluster,
             "--initial-cluster-state", "new" if fresh else "existing", "--quota-backend-bytes", "8000000000",
             "--log-level", "error"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if wait:
            wait_for(self.ready, 30, f"etcd {self.name} to serve")
        return self

    def post(self, path, body, timeout=10.0):
        connection = http.client.HTTPConnection(self.address, self.port, timeout=timeout)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            data = answer.read()
            return answer.status, json.loads(data) if data else {}
        finally:
            connection.close()

    def ready(self):
        try:
            connection = http.client.HTTPConnection(self.address, self.port, timeout=1)
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except TRANSPORT:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()


def b64(text):
    return base64.b64encode(text.encode()).decode()


class Etcd:
    """One to five members of this machine's etcd package."""

    name = "etcd"

    def __init__(self, root, count=1, hosts=None):
        root = pathlib.Path(root)
        root.mkdir(parents=True, exist_ok=True)
        self.nodes = []
        for number in range(1, count + 1):
            address = f"{NET}.{number}" if hosts else "127.0.0.1"
            self.nodes.append(EtcdNode(root / f"e{number}", f"e{number}", address, free_port(), free_port()))
            if hosts:
                hosts.house(self.nodes[-1], number)
        for node in self.nodes:
            node.members = {each.name: each.peer_url for each in self.nodes}

    def start(self):
        for node in self.nodes:
            node.start(wait=False, fresh=True)
        for node in self.nodes:
            wait_for(node.ready, 30, f"etcd {node.name} to serve")
        return self

    def stop(self):
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                node.process.send_signal(signal.SIGCONT)
                node.kill()

    def alive(self):
        return [node for node in self.nodes if node.process and node.process.poll() is None]

    def status(self, node):
        try:
            return node.post("/v3/maintenance/status", {}, timeout=2.0)[1]
        except TRANSPORT:
            return {}

    def leader(self):
        def look():
            for node in self.alive():
                told = self.status(node)
                if told.get("leader") and told["leader"] == told["header"]["member_id"]:
                    return node
            return None
        return wait_for(look, 60, "an etcd leader")

    def url(self):
        return self.leader().url

    def pids(self):
        return [node.process.pid for node in self.nodes]

    def fill(self, count, size, prefix="bench-"):
        node = self.leader()

        def part(numbers):
            put = self.writer(node, 60)
            for number in numbers:
                assert put(f"{prefix}{number}", "x" * size)
            put.close()
        in_parallel(part, count)

    def writer(self, node, timeout):
        state = {"connection": None}

        def close():
            if state["connection"]:
                state["connection"].close()
                state["connection"] = None

        def put(key, value):
            if state["connection"] is None:
                state["connection"] = http.client.HTTPConnection(node.address, node.port, timeout=timeout)
            try:
                state["connection"].request("POST", "/v3/kv/put", json.dumps({"key": b64(key), "value": b64(value)}),
                                            {"Content-Type": "application/json"})
                answer = state["connection"].getresponse()
                answer.read()
            except BaseException:
                close()
                raise
            return answer.status == 200
        put.close = close
        return put

    def hand_over(self, target):
        """`move-leader` exists over gRPC alone, so through etcd's own client."""
        member = self.status(target)["header"]["member_id"]
        subprocess.run(["etcdctl", "--endpoints", self.leader().url, "move-leader", f"{int(member):x}"],
                       check=True, capture_output=True, env={"ETCDCTL_API": "3", "PATH": "/usr/bin:/bin"})

    def serves(self, node):
        return node.ready()
