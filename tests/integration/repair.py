"""Rot and divergence: a member that cannot trust what it holds serves nothing of it, does not vote, and is made
whole by the others (WAL-06, WAL-07, CON-06).

usage: repair.py HOLDFASTD
"""
import os
import random
import shutil
import struct
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


def damaged_follower(cluster, damage, name, what):
    """A stopped follower is damaged, misses a write, and must come back whole."""
    cluster.wait_at_rest()
    active = cluster.active()
    victim = next(node for node in cluster.nodes if node is not active)
    victim.terminate()
    damage(victim)
    write_some(cluster, 1, name)
    victim.start(wait=False)
    whole_again(cluster, victim, f"{name}-0", what)
    print(f"{what}: repaired", flush=True)
    return victim


def test_base_rot(cluster, rng):
    """WAL-07: a bit of the base; what was there is kept beside it for people to look at."""
    for number in range(3):
        offset = rng.randrange(used_bytes(base_file(cluster.nodes[0])))
        victim = damaged_follower(cluster, lambda node: flip(base_file(node), offset), f"base-{number}",
                                  f"bit of byte {offset} of the base")
        expect(list(victim.root.glob("wal.damaged-*")), "the damaged log is kept")


def test_lost_log(cluster):
    damaged_follower(cluster, lambda node: shutil.rmtree(node.root / "wal"), "lost", "the whole log lost")


CRC_TABLE = []
for value in range(256):
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    CRC_TABLE.append(value)


def crc32c(data, before):
    crc = before ^ 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def forge(node, old, new):
    """Changes a text in the log and makes every checksum behind it right again: damage no checksum shows."""
    path = log_file(node)
    data = bytearray(path.read_bytes())
    chain, at, changed = struct.unpack_from("<I", data, 40)[0], 64, False
    while at + 32 <= len(data) and data[at + 6:at + 8] == b"\x48\x52":
        size = struct.unpack_from("<I", data, at)[0]
        end = at + 32 + size
        end += 8 - end % 8
        whole = crc32c(data[at:at + 28] + data[at + 32:end], chain)
        if not changed:
            expect(whole == struct.unpack_from("<I", data, at + 28)[0], f"the format of {path} is not what this test knows")
        if not changed and old in data[at + 32:end]:
            where = data.index(old, at + 32)
            data[where:where + len(old)] = new
            changed = True
            whole = crc32c(data[at:at + 28] + data[at + 32:end], chain)
        struct.pack_into("<I", data, at + 28, whole)
        chain, at = whole, end
    expect(changed, "the text is in the log")
    path.write_bytes(data)


def test_divergence(cluster):
    """WAL-06: no checksum tells, the state hash does; the member stops, the majority is asked, it is made whole."""
    active = cluster.active()
    active.client().call("POST", "profiles", {"Name": "told-apart", "Description": "the-true-text"})
    cluster.wait_at_rest()
    rest = cluster.commit_indices()[0]
    wait_for(lambda: cluster.commit_indices()[0] > rest, 30, "a state hash in the log")
    victim = damaged_follower(cluster, lambda node: forge(node, b"the-true-text", b"the-fake-text"), "apart",
                              "a state that differs")
    expect("state_diverged" in victim.log_text() and "state_repair" in victim.log_text(), "found and judged")
    expect(cluster.local(victim, "told-apart") == "the-true-text", "WAL-06: the forged text is served")


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
        test_divergence(cluster)
        test_base_rot(cluster, rng)
        test_lost_log(cluster)


if __name__ == "__main__":
    main()
