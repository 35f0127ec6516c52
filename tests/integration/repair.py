"""Rot and divergence: a member that cannot trust what it holds serves nothing of it, does not vote, and is made
whole by the others (WAL-06, WAL-07, CON-06).

usage: repair.py HOLDFASTD
"""
import os
import random
import sys

from cluster_harness import Cluster
from cluster_tools import expect, quietly, tree_hashes
from harness import Workplace, wait_for


def flip(path, offset, bit=0):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ (1 << bit)]))
        file.flush()
        os.fsync(file.fileno())


def used_bytes(path):
    """Length up to the last byte that is not zero: what is preallocated holds nothing to lose."""
    return len(path.read_bytes().rstrip(b"\0"))


def log_file(node):
    return max((path for path in (node.root / "wal").glob("log.*")), key=lambda path: int(path.name.split(".")[1]))


def base_file(node):
    return max((path for path in (node.root / "wal").glob("base.*")), key=lambda path: int(path.name.split(".")[1]))


def write_some(cluster, count, prefix):
    active = cluster.active()
    client = active.client()
    for number in range(count):
        client.call("POST", "profiles", {"Name": f"{prefix}-{number}", "Description": "x" * 200})


def whole_again(cluster, node, name, what):
    wait_for(lambda: quietly(lambda: cluster.local(node, name) is not None), 60, what + ": the data")
    wait_for(lambda: quietly(lambda: node.client(timeout=2).call("GET", "system/consensus/health")["Role"]) in
             ("follower", "leader"), 60, what + ": a vote")
    cluster.wait_at_rest(60)
    digests = cluster.wal_digests()
    expect(all(digest == digests[0] for digest in digests), f"{what}: the files differ: {digests}")


def test_log_rot(cluster, rng):
    """WAL-07: bits flipped in the log of a stopped follower."""
    write_some(cluster, 60, "rot")
    for round_number in range(6):
        cluster.wait_at_rest()
        active = cluster.active()
        victim = next(node for node in cluster.nodes if node is not active)
        victim.terminate()
        path = log_file(victim)
        offset = rng.randrange(64, used_bytes(path))
        flip(path, offset, rng.randrange(8))
        write_some(cluster, 3, f"meanwhile-{round_number}")
        victim.start(wait=False)
        whole_again(cluster, victim, f"meanwhile-{round_number}-2", f"a bit of byte {offset} of {path.name}")
        print(f"log rot at byte {offset}: repaired", flush=True)


def test_alone(workplace):
    """Nobody else has it: the node stops with exit code 71 and touches nothing."""
    node = workplace.node("alone").start()
    node.terminate()
    flip(base_file(node), 20)
    before = tree_hashes(node.root / "wal")
    node.start(wait=False)
    expect(node.wait_end(20) == 71, f"exit code {node.process.returncode}")
    expect(tree_hashes(node.root / "wal") == before and not list(node.root.glob("wal.damaged-*")), "nothing was touched")


def main():
    rng = random.Random(7)
    with Workplace(sys.argv[1]) as workplace:
        test_alone(workplace)
        print("test_alone", flush=True)
        cluster = Cluster(workplace, 3).form()
        write_some(cluster, 60, "first")
        test_log_rot(cluster, rng)


if __name__ == "__main__":
    main()
