"""Rot, loss and divergence: a member that cannot trust what it holds serves nothing of it, does not vote, and is made
whole by the others (WAL-06, WAL-07, CON-06; architecture §4).

usage: repair.py HOLDFASTD [HOLDFASTD-UNSAFE]
"""
import os
import random
import shutil
import sys
import time

from cluster_harness import Cluster
from cluster_tools import expect, own_id, quietly, tree_hashes
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


def newest(node, kind):
    return max((node.root / "wal").glob(kind + ".*"), key=lambda path: int(path.name.split(".")[1]))


def write_some(cluster, count, prefix):
    active = cluster.active()
    client = active.client()
    for number in range(count):
        client.call("POST", "profiles", {"Name": f"{prefix}-{number}", "Description": "x" * 200})


def role_of(node):
    return node.client(timeout=2).call("GET", "system/consensus/health")["Role"]


def whole_again(cluster, node, name, what):
    wait_for(lambda: quietly(lambda: cluster.local(node, name) is not None), 60, what + ": the data")
    wait_for(lambda: quietly(lambda: role_of(node)) in ("follower", "leader"), 60, what + ": a vote")
    cluster.wait_at_rest(60)
    digests = cluster.wal_digests()
    expect(all(digest == digests[0] for digest in digests), f"{what}: the files differ: {digests}")


def rot(offset_of):
    def harm(node, rng):
        path = newest(node, "log")
        offset = offset_of(used_bytes(path), rng)
        flip(path, offset, rng.randrange(8))
        return f"a bit of byte {offset} of {path.name}"
    return harm


def lose_log(node, _):
    for path in (node.root / "wal").iterdir():
        path.unlink()
    return "an empty wal/"


def lose_directory(node, _):
    (node.root / "wal").rename(node.root / "wal.taken-away")
    return "wal/ renamed"


def lose_base(node, _):
    path = newest(node, "base")
    path.unlink()
    return f"{path.name} lost"


def rot_base(node, _):
    flip(newest(node, "base"), 20)
    return "a bit of the base"


def rot_early(node, rng):
    """What is left is the configuration of before the founder had an address, and nobody's address is known: the
    others have to call, and be answered."""
    (node.root / "raft" / "members.json").unlink(missing_ok=True)
    return rot(lambda used, _: 200)(node, rng) + ", members.json lost"


HARM = [rot_early, rot(lambda used, rng: rng.randrange(64, used)), rot(lambda used, rng: 200), lose_log, lose_base,
        rot(lambda used, rng: 1500), rot_early, lose_directory, rot_base, rot(lambda used, rng: used - 30)]


def test_members(cluster, rng):
    """WAL-07: every kind of harm to the log of a stopped follower; writes go on meanwhile and after it."""
    for number, harm in enumerate(HARM):
        cluster.wait_at_rest()
        active = cluster.active()
        victim = next(node for node in cluster.nodes if node is not active)
        victim.terminate()
        what = harm(victim, rng)
        write_some(cluster, 3, f"meanwhile-{number}")
        began = time.monotonic()
        victim.start(wait=False)
        whole_again(cluster, victim, f"meanwhile-{number}-2", what)
        print(f"{what}: whole again after {time.monotonic() - began:.1f} s", flush=True)
    for node in cluster.nodes:
        wait_for(lambda n=node: cluster.local(n, "meanwhile-0-0") is not None, 5, "all data on every member")


def test_counts_again(cluster):
    """What was repaired is worth a vote: with it and one other the cluster goes on."""
    active = cluster.active()
    repaired, other = [node for node in cluster.nodes if node is not active]
    other.kill()
    cluster.put(active, "with-the-repaired", "x")
    active.kill()
    other.start(wait=False)
    expect(cluster.local(cluster.active(seconds=30), "with-the-repaired") == "x", "an acknowledged write is lost")
    active.start(wait=False)
    wait_for(lambda: quietly(lambda: cluster.local(active, "with-the-repaired") == "x"), 30, "all three")


def test_alone(workplace):
    """Nobody else has it: the node stops with exit code 71 and touches nothing."""
    node = workplace.node("alone").start()
    node.terminate()
    flip(newest(node, "base"), 20)
    before = tree_hashes(node.root / "wal")
    node.start(wait=False)
    expect(node.wait_end(20) == 71, f"exit code {node.process.returncode}")
    expect(tree_hashes(node.root / "wal") == before and not list(node.root.glob("wal.damaged-*")), "nothing was touched")


def set_aside(node):
    return list(node.root.glob("wal.damaged-*"))


def has_role(cluster, node, wanted):
    """Asks for it, too: a restart may have moved the role."""
    active = cluster.active()
    if (active is node) == wanted:
        return True
    target = node if wanted else next(other for other in cluster.nodes if other is not node)
    active.client(timeout=10).call("POST", f"system/consensus/transfer/{own_id(target)}")
    return False


def start_unsafe(cluster, node, unsafe):
    if node.process.poll() is None:
        node.terminate()
    node.daemon = unsafe
    os.environ["HOLDFAST_UNSAFE"] = "wrong-state"
    node.start(wait=False)
    del os.environ["HOLDFAST_UNSAFE"]
    cluster.active(seconds=30)
    wait_for(lambda: quietly(lambda: role_of(node)) in ("follower", "leader"), 20, "its vote")


def test_wrong_state(cluster, unsafe, victim_is_active):
    """WAL-06: one member applies an entry wrongly; the state hash shows it, and the majority tells who is wrong."""
    active = cluster.active()
    # The same one each time: two that are wrong alike would be the majority.
    victim = next((node for node in cluster.nodes if node.daemon == unsafe),
                  next(node for node in cluster.nodes if node is not active))
    if victim.daemon != unsafe:
        start_unsafe(cluster, victim, unsafe)
    wait_for(lambda: quietly(lambda: has_role(cluster, victim, victim_is_active)), 30, "the role of the victim")
    kept = len(set_aside(victim))
    marks = {node: len(node.log_text()) for node in cluster.nodes}
    cluster.put(cluster.active(), f"misapplied-{victim_is_active}", "x")
    # The hash follows the write within ten seconds.
    wait_for(lambda: len(set_aside(victim)) > kept, 30, "the wrong member to set its log aside")
    for node in cluster.nodes:
        expect("state_diverged" in node.log_text()[marks[node]:] or node is not victim, "it says why")
        expect(node is victim or not set_aside(node), f"{node.address} was right and gave its log up")
    if victim_is_active:
        expect("hand_over" in victim.log_text()[marks[victim]:], "the role is handed over first")
    cluster.active(seconds=30)
    write_some(cluster, 1, f"after-the-wrong-{victim_is_active}")
    whole_again(cluster, victim, f"after-the-wrong-{victim_is_active}-0", "a wrong state")
    print(f"wrong state, active {victim_is_active}: found and repaired", flush=True)


def state_trouble(node):
    """What it refuses to read its state with; empty: it serves it."""
    status, _, data = node.client(timeout=5).request("GET", "/api/v3/profiles/global?consistency=local")
    return data.decode() if status == 503 else ""


def test_wrong_majority(cluster, unsafe):
    """WAL-06: two that are wrong in the same way outvote the third, which replays their log to its own state each
    time: it stops doing so and stays out of service, says why, and is back once a majority is right."""
    wrong = [node for node in cluster.nodes if node.daemon == unsafe]
    right = next(node for node in cluster.nodes if node not in wrong)
    wrong.append(next(node for node in cluster.nodes if node not in (*wrong, right)))
    start_unsafe(cluster, wrong[1], unsafe)
    # Each replay meets the hash of the wrong active, an equal one, and one that the majority is wrong about: that
    # the first doubt ended says nothing of the last.
    before = max(cluster.commit_indices())
    cluster.put(cluster.active(), "equal-in-between", "x")
    wait_for(lambda: min(cluster.commit_indices()) >= before + 2, 30, "a state hash in between")
    mark, kept = len(right.log_text()), len(set_aside(right))
    cluster.put(cluster.active(), "misapplied-by-two", "x")
    wait_for(lambda: "state_not_repaired" in right.log_text()[mark:], 60, "the right one to give up")
    expect(len(set_aside(right)) == kept + 3, f"WAL-06: set aside {len(set_aside(right)) - kept} times")
    trouble = state_trouble(right)
    expect(own_id(right) in trouble and "3 times" in trouble and own_id(wrong[0]) in trouble and "enroll it anew" in trouble,
           f"WAL-06: {trouble}")

    right.terminate()
    right.start(wait=False)
    wait_for(lambda: quietly(lambda: "3 times" in state_trouble(right)), 30, "it to stay out after a restart")
    expect(right.client().request("GET", "/health/ready")[0] == 503, "a member out of service says that it is ready")
    active = cluster.active(without=(right,))
    cluster.put(active, "without-the-right-one", "x")
    expect(len(set_aside(right)) == kept + 3, "WAL-06: set aside once more after a restart")

    # What its log and doctor advise: one of the wrong ones replays the log, and the rest follows.
    anew = next(node for node in wrong if node is not active)
    active.client(timeout=20).call("DELETE", f"system/consensus/node/{own_id(anew)}")
    cluster.enroll(anew, active)
    wait_for(lambda: quietly(lambda: cluster.local(anew, "without-the-right-one")), 30, "the one enrolled anew")
    cluster.put(cluster.active(seconds=30, without=(right,)), "the-next-hash", "x")  # shows the other one's mistake
    wait_for(lambda: quietly(lambda: all(state_trouble(node) == "" for node in cluster.nodes)), 60, "all in agreement")
    write_some(cluster, 1, "all-right")
    for node in cluster.nodes:
        whole_again(cluster, node, "all-right-0", "after a wrong majority")
    print("test_wrong_majority", flush=True)


def main():
    rng = random.Random(7)
    with Workplace(sys.argv[1]) as workplace:
        test_alone(workplace)
        print("test_alone", flush=True)
        cluster = Cluster(workplace, 3).form()
        write_some(cluster, 60, "first")
        test_members(cluster, rng)
        test_counts_again(cluster)
        print("test_counts_again", flush=True)
        if len(sys.argv) > 2:
            for node in cluster.nodes:
                for path in set_aside(node):
                    shutil.rmtree(path)
            test_wrong_state(cluster, sys.argv[2], False)
            test_wrong_state(cluster, sys.argv[2], True)
            test_wrong_majority(cluster, sys.argv[2])


if __name__ == "__main__":
    main()
