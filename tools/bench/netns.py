"""A small network of namespaces on one bridge, for cutting a host off silently: its port of the bridge stops
forwarding while the carrier stays, as when a switch somewhere behind it dies. Root only; removes what it made."""
import functools
import os
import subprocess

BRIDGE, NET = "bench-br", "10.213.77"


def sh(*words, check=True):
    return subprocess.run(words, check=check, capture_output=True, text=True)


class Hosts:
    """`count` hosts at 10.213.77.1, .2, …; this one is at .254."""

    def __init__(self, count):
        assert os.geteuid() == 0, "namespaces need root"
        self.names = [f"bench-{number}" for number in range(1, count + 1)]

    def __enter__(self):
        self.remove()
        sh("ip", "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0")
        sh("ip", "addr", "add", f"{NET}.254/24", "dev", BRIDGE)
        sh("ip", "link", "set", BRIDGE, "up")
        for number, name in enumerate(self.names, 1):
            port = f"{name}p"
            sh("ip", "netns", "add", name)
            sh("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
            sh("ip", "link", "set", port, "master", BRIDGE, "up")
            sh("ip", "-n", name, "addr", "add", f"{NET}.{number}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                sh("ip", "-n", name, "link", "set", device, "up")
        return self

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        for name in self.names:
            sh("ip", "netns", "del", name, check=False)
            sh("ip", "link", "del", f"{name}p", check=False)
        sh("ip", "link", "del", BRIDGE, check=False)

    def house(self, node, number):
        """From now on the node starts on host `number`."""
        node.start = functools.partial(node.start, wrapper=["ip", "netns", "exec", self.names[number - 1]])
        node.host = number

    def cut(self, number):
        sh("bridge", "link", "set", "dev", f"{self.names[number - 1]}p", "state", "0")

    def heal(self, number):
        sh("bridge", "link", "set", "dev", f"{self.names[number - 1]}p", "state", "3")
