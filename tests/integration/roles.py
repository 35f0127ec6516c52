"""Who leads and who is active, through the faults a cluster meets (CON-*, OBS-*, PRE-15).

usage: roles.py HOLDFASTD HOLDFAST observers|majorities|stepdown
"""
import contextlib
import json
import shutil
import signal
import subprocess
import sys
import threading
import time

from cluster_harness import TRANSPORT, Cluster, node_serves
from cluster_tools import Cli, expect, own_id, peer_ids, peers, quietly, term_of, wait_member
from harness import Workplace, wait_for


def stop(node):
    node.process.send_signal(signal.SIGSTOP)


def go_on(node):
    node.process.send_signal(signal.SIGCONT)


def written(node, name, timeout=3.0):
    try:
        status, _, _ = node.client(timeout=timeout).request("POST", "/api/v3/profiles", {"Name": name})
        return status == 201
    except TRANSPORT:
        return False


def another_active(cluster, than, seconds=30):
    """Once the others agree on one that is not `than`."""
    def look():
        found = quietly(lambda: cluster.active(seconds=2, without=(than,)))
        return found if found and found is not than else None
    return wait_for(look, seconds, f"another active than {than.address}")


def told_active(node):
    return node.client(timeout=2).call("GET", "system/consensus/active")


def serves_writes(node, name):
    """One node's own answer: a passive may pass a write on to an active, so nobody may be active at all."""
    return written(node, name, timeout=2.0)


def test_observer_counts(cluster, one, two, observer):
    """OBS-02, -07, -08: it votes, holds everything, and is not what failOverSafe counts."""
    active = cluster.active()
    other = two if active is one else one
    stop(other)
    wait_for(lambda: not active.client().call("POST", "system/consensus/failOverSafe"), 10, "OBS-08: only an observer is up to date")
    expect(written(active, "with-the-observer"), "OBS-02: the observer's vote makes the majority")
    go_on(other)
    wait_for(lambda: active.client().call("POST", "system/consensus/failOverSafe?waitFor=5s"), 15, "STA-07")
    wait_for(lambda: cluster.local(observer, "with-the-observer") is not None, 10, "OBS-03")
    status, _, data = active.client().request("POST", f"/api/v3/system/consensus/transfer/{own_id(observer)}")
    expect(status == 409 and b"observer" in data, f"OBS-01: {status} {data!r}")


def test_observer_leads_for_a_while(cluster, one, two, observer):
    """OBS-06: it alone has the last acknowledged write, so it leads, without anybody being active, and hands over."""
    active = cluster.active()
    other = two if active is one else one
    marked = len(observer.log_text())  # before it was enrolled it was alone, and active
    other.kill()  # and not stopped: what waits in its sockets would reach it
    expect(written(active, "last-word"), "a write that the dead one has not")
    active.kill()
    other.start(wait=False)
    found = cluster.active(seconds=30)
    expect(found is other, f"OBS-01: {found.address} became active")
    expect(cluster.local(other, "last-word") is not None, "OBS-06: an acknowledged write is lost")
    log = observer.log_text()[marked:]
    expect("role now=leader" in log and "hand_over" in log, "OBS-06: the observer led and handed over")
    expect(f"active node={own_id(observer)}" not in log, "OBS-01: the observer was active")
    active.start(wait=False)
    wait_for(lambda: quietly(lambda: cluster.active() is not None and len(cluster.alive()) == 3), 20, "all three")


def test_ask_for_the_role(cli, cluster):
    """POST system/active on a passive, system/passive on the active, ha transfer."""
    active = cluster.active()
    passive = next(node for node in cluster.nodes if node is not active and
                   not next(p for p in peers(active) if p["ConsensusID"] == own_id(node))["Observer"])
    code, out, err = cli.run(passive, "system", "active")
    expect(code == 0 and json.loads(out) == own_id(passive), f"system active: {out} {err}")
    expect(cluster.active() is passive, "the role went to the one that asked")
    status, _, data = active.client().request("POST", "/api/v3/system/passive", {})
    expect(status == 409 and own_id(passive).encode() in data, f"passive on a passive: {status} {data!r}")
    expect(cli.ha(passive, "transfer", own_id(active)) == own_id(active), "ha transfer ID")
    expect(cluster.active() is active, "the role came back")
    text = cli.refused(active, "transfer", "550e8400-e29b-41d4-a716-446655440000")
    expect("ha peers" in text, text)


def run_observers(daemon, binary):
    with Workplace(daemon) as workplace:
        cli = Cli(binary, workplace.path / "home")
        cluster = Cluster(workplace, 3).start()
        one, two, observer = cluster.nodes
        cluster.found(one)
        cluster.enroll(two)
        cluster.enroll(observer, Observer=True)
        for node in cluster.nodes:
            wait_member(cluster, node)
        test_ask_for_the_role(cli, cluster)
        print("test_ask_for_the_role", flush=True)
        test_observer_counts(cluster, one, two, observer)
        print("test_observer_counts", flush=True)
        test_observer_leads_for_a_while(cluster, one, two, observer)
        print("test_observer_leads_for_a_while", flush=True)


def test_hung_active(cluster):
    """CON-02, CON-03: a stopped active is replaced, and takes no write when it goes on."""
    old = cluster.active()
    stop(old)
    new = another_active(cluster, old)
    expect(written(new, "while-it-hung"), "CON-02: the new one serves")
    go_on(old)
    data = old.client(timeout=5).call("GET", "profiles/while-it-hung")
    expect(data["Name"] == "while-it-hung", "CON-02: no stale read, whoever answers it")
    expect(cluster.active() is new, "CON-12: the old one did not take the role back")


def test_returning_member(cluster):
    """CON-12: a member that was away deposes nobody."""
    active = cluster.active()
    away = next(node for node in cluster.nodes if node is not active)
    term = term_of(active)
    stop(away)
    wait_for(lambda: next(p for p in peers(active) if p["ConsensusID"] == own_id(away))["Offline"], 10, "Offline")
    cluster.put(active, "while-away", "x")
    go_on(away)
    wait_for(lambda: cluster.local(away, "while-away") == "x", 15, "it to catch up")
    time.sleep(1.5)  # longer than any election timeout
    expect(term_of(active) == term and cluster.active() is active, "CON-12: leader and term unchanged")


def test_edited_settings(cluster):
    """CON-07, CON-08: what a hand changed in the file of a stopped member is put back."""
    active = cluster.active()
    node = next(other for other in cluster.nodes if other is not active)
    good = node.state_file()
    node.terminate()
    path = node.root / "ha-state.json"
    path.write_text(json.dumps({**good, "Passive": False, "VirtAddr": "192.0.2.99", "ActiveUri": "https://192.0.2.99:8092"}))
    node.start(wait=False)
    wait_for(lambda: quietly(lambda: all(node.state_file()[key] == good[key] for key in ("VirtAddr", "ActiveUri"))
                             and node.state_file()["Passive"] is (cluster.active() is not node)), 20,
             "CON-07, CON-08: the cluster's settings in the file")


def test_lonely_status(cli, node):
    """CON-15, STA-10: a member that started again without a majority lets its users in and says how it stands, each
    within a second."""
    own = node.state_file()
    for name in ("id", "leader", "active", "peers", "state", "fullstate", "health"):
        began = time.monotonic()
        said = node.client(timeout=5).call("GET", f"system/consensus/{name}")
        took = time.monotonic() - began
        expect(took < 1.0, f"STA-10: {name} took {took:.2f} s")
        expect(name not in ("leader", "active") or said == "", f"CON-15: {name} is {said!r} without a majority")
        expect(name != "peers" or len(said) == 3, f"STA-04: {said}")
    began = time.monotonic()
    expect(node.client(timeout=5).call("POST", "system/consensus/failOverSafe") is False, "STA-07")
    expect(time.monotonic() - began < 1.0, "STA-10: failOverSafe")
    expect(cli.ha(node, "state")["ConsensusID"] == own["ConsensusID"], "STA-05")
    info = node.client(timeout=5).call("GET", "info")
    expect(info["ha_status"] == "Connecting" and not info["ha_is_active"], f"CON-15: {info['ha_status']}")
    status, _, _ = node.client(authorization="Basic bm9ib2R5Om5vYm9keQ==").request("GET", "/api/v3/system/consensus/state")
    expect(status in (401, 403), f"STA-11: {status}")


def test_power_loss(cli, cluster):
    """CON-15: all die; one alone waits, two serve."""
    cluster.put(cluster.active(), "before-the-dark", "x")
    for node in cluster.nodes:
        node.kill()
    first, second, third = cluster.nodes
    marked = len(second.log_text())
    second.start(wait=False)
    wait_for(lambda: node_serves(second), 20, "CON-15: its users to be let in")
    test_lonely_status(cli, second)
    wait_for(lambda: "no leader heard" in second.log_text()[marked:], 20, "it to look for the others")
    test_lonely_status(cli, second)
    expect(not serves_writes(second, "alone"), "CON-15: one of three took a write")
    expect(second.client().request("GET", "/health/active")[0] != 200, "CON-15: one of three is active")
    third.start(wait=False)
    active = cluster.active(seconds=30)
    expect(cluster.local(active, "before-the-dark") == "x", "CON-15: an acknowledged write is lost")
    first.start(wait=False)
    wait_for(lambda: quietly(lambda: cluster.local(first, "before-the-dark") == "x"), 30, "the third")
    cluster.active()


def test_change_under_load(cluster):
    """CON-13, ENR-08: members come and go while somebody writes."""
    ended, gaps, failures = threading.Event(), [], []

    def load():
        last, number = time.monotonic(), 0
        while not ended.is_set():
            number += 1
            for node in cluster.nodes[:3]:
                if written(node, f"load-{number}", timeout=3):
                    gaps.append(time.monotonic() - last)
                    last = time.monotonic()
                    break
            else:
                failures.append(number)
    writer = threading.Thread(target=load)
    writer.start()
    pids = [node.process.pid for node in cluster.nodes]
    try:
        fourth, fifth = cluster.add_node().start(), cluster.add_node().start()
        for node in (fourth, fifth):
            wait_for(lambda n=node: node_serves(n), 30, "the newcomer")
            cluster.enroll(node, cluster.active(without=(fourth, fifth)))
            wait_member(cluster, node)
        active = cluster.active()
        leaver = next(node for node in cluster.nodes[:3] if node is not active)
        active.client(timeout=20).call("DELETE", f"system/consensus/node/{own_id(leaver)}")
        wait_for(lambda: own_id(leaver) not in peer_ids(active), 10, "the removal")
    finally:
        ended.set()
        writer.join()
    print(f"{len(gaps)} writes while two members came and one left; longest pause {max(gaps) * 1000:.0f} ms")
    expect(max(gaps) < 5, f"CON-13: a gap of {max(gaps):.1f} s")
    expect([node.process.pid for node in cluster.nodes[:3]] == pids, "CON-13: nobody was restarted")
    return leaver


def test_even_split(cluster, leaver):
    """PRE-15: with two of four on each side nobody is active."""
    leaver.kill()
    four = [node for node in cluster.nodes if node is not leaver]
    away = [cluster.active(without=(leaver,))]
    away.append(next(node for node in four if node is not away[0]))
    for node in away:
        stop(node)
    left = [node for node in four if node not in away]
    wait_for(lambda: all(told_active(node) == "" for node in left), 20, "PRE-15: no active on two of four")
    expect(not any(serves_writes(node, "split") for node in left), "PRE-15: half of the members took a write")
    for node in away:
        go_on(node)
    expect(written(cluster.active(seconds=30), "together-again"), "PRE-15")


def run_majorities(daemon, binary):
    with Workplace(daemon) as workplace:
        cli = Cli(binary, workplace.path / "home")
        cluster = Cluster(workplace, 3).form()
        for test in (test_hung_active, test_returning_member, test_edited_settings):
            test(cluster)
            print(test.__name__, flush=True)
        test_power_loss(cli, cluster)
        print("test_power_loss", flush=True)
        leaver = test_change_under_load(cluster)
        print("test_change_under_load", flush=True)
        test_even_split(cluster, leaver)
        print("test_even_split", flush=True)


def test_failed_actor(cli, cluster):
    """Architecture §2: a critical actor beyond its restarts costs the node the role, with the reason in the log."""
    active = cluster.active()
    for _ in range(12):
        if "actor_failed" in active.log_text():
            break
        code, _, _ = cli.run(active, "actors", "kill", "api", timeout=60)
        wait_for(lambda: "actor_failed" in active.log_text() or quietly(lambda: node_serves(active)), 20, "the next life")
    expect("actor_failed" in active.log_text(), "the API is past its restarts")
    new = another_active(cluster, active)
    expect("hand_over" in active.log_text() and "api failed for good" in active.log_text(), "the reason is logged")
    expect(written(new, "after-the-failure"), "the new active serves")
    active.kill()
    active.start(wait=False)
    wait_for(lambda: quietly(lambda: cluster.active() is not None), 30, "all three")


@contextlib.contextmanager
def slow_call(node, name, seconds):
    """Each such system call of the node takes so much longer. Gives False, with the reason told, where strace cannot."""
    if shutil.which("strace") is None:
        print("no strace here: slow disks are not tried", file=sys.stderr)
        yield False
        return
    tracer = subprocess.Popen(["strace", "-f", "-o", "/dev/null", "-e", f"trace={name}", "-e",
                               f"inject={name}:delay_enter={int(seconds * 1e6)}", "-p", str(node.process.pid)],
                              stderr=subprocess.PIPE, text=True)
    try:
        said = tracer.stderr.readline()  # that it is attached, or why it is not
        if "attached" not in said:
            print(f"strace may not attach here, slow disks are not tried: {said.strip()}", file=sys.stderr)
        else:  # from here on somebody has to read what it says
            threading.Thread(target=tracer.stderr.read, daemon=True).start()
        yield "attached" in said
    finally:
        tracer.terminate()
        tracer.wait()


def test_disk_stall(cluster):
    """A disk that hangs longer than the election timeout costs the node the role."""
    active = cluster.active()
    with slow_call(active, "fdatasync", 4) as slow:
        if not slow:
            return
        threading.Thread(target=lambda: written(active, "stalls", timeout=10), daemon=True).start()
        new = another_active(cluster, active)
        expect(written(new, "while-it-stalls"), "the new active serves")
    expect("disk" in active.log_text(), "the stall is in the log")
    cluster.active(seconds=30)


def test_stop_while_a_file_is_written(cluster):
    """TRB-04: the change of roles that a stop begins is still being written when all else has ended. A stop waits for
    that, but not for ever."""
    for delay, in_time in ((0.5, True), (2, False)):  # four of them a file
        active = cluster.active()
        wait_for(lambda: not active.state_file()["Passive"], 20, "the active's own file")
        with slow_call(active, "fsync", delay) as slow:
            code = active.terminate(timeout=30)
        expect(code == 0, f"the stop ended with {code}: {active.log_tail()}")
        if slow:
            last = active.log_tail(1)
            expect("event=stopped" in last and ("unfinished" not in last) == in_time, f"{delay} s a call: {last}")
            expect(active.state_file()["Passive"] or not in_time, "HST-05: it went before its own file was written")
        another_active(cluster, active)
        active.start(wait=False)
        wait_for(lambda: quietly(lambda: node_serves(active)), 30, "all three")


def run_stepdown(daemon, binary):
    with Workplace(daemon) as workplace:
        cli = Cli(binary, workplace.path / "home")
        cluster = Cluster(workplace, 3).form()
        test_disk_stall(cluster)
        print("test_disk_stall", flush=True)
        test_stop_while_a_file_is_written(cluster)
        print("test_stop_while_a_file_is_written", flush=True)
        test_failed_actor(cli, cluster)
        print("test_failed_actor", flush=True)


if __name__ == "__main__":
    {"observers": run_observers, "majorities": run_majorities, "stepdown": run_stepdown}[sys.argv[3]](
        sys.argv[1], sys.argv[2])
