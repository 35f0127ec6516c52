"""Status calls, info and observers on every member of a real cluster (STA-01..13, PRE-14, C-06, C-13, OBS-*)."""
import json
import os
import signal
import sys
import time

from cluster_harness import GLOBAL_KEYS, TRANSPORT, Cluster, node_serves
from harness import Workplace, wait_for

STATUS = ("id", "leader", "active", "peers", "state", "fullstate")
NODE_KEYS = {"ConsensusID", "VirtInterface", "VirtInterfaceScript", "ConsensusAddr", "ApiUrl", "Passive", "Observer",
             "Offline", "LastArtifactCommitHandled"}


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def status_of(node, name):
    return node.client(timeout=5).call("GET", f"system/consensus/{name}")


def ids(nodes):
    return [node.state_file()["ConsensusID"] for node in nodes]


def test_alone(workplace):
    """STA-12, TLS-13's first half."""
    node = workplace.node("alone").start()
    wait_for(lambda: node_serves(node), 20, "the node to serve")
    own = status_of(node, "id")
    expect(own == node.state_file()["ConsensusID"], "STA-01")
    expect(status_of(node, "leader") == own and status_of(node, "active") == own, "STA-02, -03 alone")
    expect([peer["ConsensusID"] for peer in status_of(node, "peers")] == [own], "STA-12: peers has itself")
    expect(node.client().call("POST", "system/consensus/failOverSafe?waitFor=3s") is False, "STA-12: failOverSafe")
    info = node.client().call("GET", "info")
    expect(info["ha_status"] == "Up" and info["ha_is_active"] and not info["ha_enabled"], f"info alone: {info}")
    expect(info["stats"] and info["scopes"], "what an active one tells")
    expect(status_of(node, "state")["Roots"] == [], "TLS-13: no root before")
    node.kill()


def test_calm(cluster):
    active = cluster.active()
    members = sorted(ids(cluster.nodes))
    for node in cluster.nodes:
        own = node.state_file()
        expect(status_of(node, "id") == own["ConsensusID"], "STA-01")
        expect(status_of(node, "leader") == status_of(active, "leader"), "STA-02")
        expect(status_of(node, "active") == active.state_file()["ConsensusID"], "STA-03")
        peers = status_of(node, "peers")
        expect(sorted(peer["ConsensusID"] for peer in peers) == members, "STA-04")
        wait_for(lambda n=node: all(peer["LastArtifactCommitHandled"] > 0 for peer in status_of(n, "peers")), 5,
                 f"the index of every member on {node.address}")
        expect(all(set(peer) == NODE_KEYS for peer in peers), f"STA-13: {peers}")
        expect(all(peer["ApiUrl"] and peer["ConsensusAddr"] for peer in peers), f"addresses: {peers}")
        full = status_of(node, "fullstate")
        expect(set(full) == {*GLOBAL_KEYS, "Nodes", "FaultTolerance", "Warnings"}, f"STA-13: {sorted(full)}")
        expect(full["FaultTolerance"] == 1 and full["Warnings"] == [], f"PRE-14: {full}")


def test_state_equals_file(cluster):
    """STA-05, C-06: equal to the file apart from the secrets, which leave no member by a read."""
    for node in cluster.nodes:
        def same(n=node):
            told, kept = status_of(n, "state"), n.state_file()
            for secret in (told, kept):
                secret["Token"] = ""
                for root in secret["Roots"]:
                    root["Key"] = ""
            return told == kept
        wait_for(same, 5, f"STA-05 on {node.address}")
        kept = node.state_file()
        expect(kept["Token"] and kept["Roots"] and kept["Roots"][0]["Key"], "there are secrets to hide")
        for path in ("system/consensus/state", "system/consensus/peers", "system/consensus/fullstate", "info",
                     "users/rocketskates/token", "logs"):
            _, _, data = node.client().request("GET", f"/api/v3/{path}")
            for secret in (kept["Token"], kept["Roots"][0]["Key"]):
                expect(secret.encode() not in data, f"C-06: a secret in {path} of {node.address}")
        log = node.log_text()
        expect(kept["Token"] not in log and kept["Roots"][0]["Key"] not in log, "C-06: a secret in the log")


def test_info(cluster):
    """Contract §7.1."""
    active = cluster.active()
    for node in cluster.nodes:
        info = node.client().call("GET", "info")
        expect(info["ha_enabled"] and info["ha_id"] == "testers", f"{info}")
        expect(info["ha_virtual_address"] == cluster.virtual, "ha_virtual_address")
        expect(info["ha_active_id"] == active.state_file()["ConsensusID"], "ha_active_id")
        expect(sorted(row["ConsensusID"] for row in info["ClusterState"]["Nodes"]) == sorted(ids(cluster.nodes)),
               "ClusterState")
        expect(info["errors"] == [], "PRE-14: nothing to warn of")
        if node is active:
            expect(info["ha_is_active"] and info["ha_status"] == "Up" and info["scopes"] and info["stats"], "active")
            rows = wait_for(lambda: (lambda r: r if all(x["state"] == "In-Sync" for x in r) else None)(
                node.client().call("GET", "info")["ha_passive_state"]), 5, "the passives to be in step")
            expect(sorted(row["id"] for row in rows) == sorted(set(ids(cluster.nodes)) - {info["ha_active_id"]}),
                   f"ha_passive_state: {rows}")
            expect(all(set(row) == {"id", "address", "state", "electable"} for row in rows), f"{rows}")
            for row in rows:
                observer = cluster.node_of(row["id"]).state_file()["Observer"]
                expect(row["electable"] is (not observer), f"OBS-01: {row}")
        else:
            expect(not info["ha_is_active"] and info["ha_status"] == "In-Sync", f"passive: {info['ha_status']}")
            expect(info["scopes"] == {} and info["stats"] == [] and info["License"] == {"Licenses": []} and
                   info["ha_passive_state"] == [], "a passive leaves these empty")


def test_observer(cluster, observer):
    """OBS-04, OBS-07: its API reads and, by way of the active, writes."""
    active = cluster.active()
    expect(observer is not active, "OBS-01")
    for node in cluster.nodes:
        row = next(peer for peer in status_of(node, "peers")
                   if peer["ConsensusID"] == observer.state_file()["ConsensusID"])
        expect(row["Observer"] is True, "OBS-07")
    cluster.put(observer, "by-the-observer", "1")
    expect(active.client().call("GET", "profiles/by-the-observer")["Description"] == "1", "a write by its way")
    expect(observer.client().call("GET", "profiles/by-the-observer")["Description"] == "1", "OBS-04: GET works on it")
    wait_for(lambda: cluster.local(observer, "by-the-observer") == "1", 5, "OBS-04: and from its own data")
    status, _, data = active.client().request(
        "POST", f"/api/v3/system/consensus/transfer/{observer.state_file()['ConsensusID']}")
    expect(status == 409 and b"observer" in data, f"OBS-01: {status} {data}")


def safe(node, wait=""):
    return node.client(timeout=10).call("POST", "system/consensus/failOverSafe" + wait)


def test_fail_over_safe(cluster, observer):
    active = cluster.active()
    passive = next(node for node in cluster.nodes if node not in (active, observer))
    for node in cluster.nodes:
        expect(safe(node, "?waitFor=5s") is True, f"STA-07 on {node.address}")
    for wait, good in (("6s", False), ("10ms", False), ("nonsense", False), ("50ms", True), ("5s", True), ("1", True)):
        status, _, data = active.client(timeout=10).request(
            "POST", f"/api/v3/system/consensus/failOverSafe?waitFor={wait}")
        expect((status == 200) is good, f"B-04: {wait}: {status} {data}")

    # Only the observer holds what was written last: not safe (OBS-08).
    os.kill(passive.process.pid, signal.SIGSTOP)
    cluster.put(active, "missed-by-the-passive", "x", timeout=10)
    expect(safe(active) is False, "STA-07: only an observer is up to date")
    began = time.monotonic()
    expect(safe(active, "?waitFor=500ms") is False and time.monotonic() - began >= 0.4, "STA-08: it waits")
    os.kill(passive.process.pid, signal.SIGCONT)
    began = time.monotonic()
    expect(safe(active, "?waitFor=5s") is True and time.monotonic() - began < 5, "STA-08: true once it caught up")


def timed(node, method, path, body=None):
    began = time.monotonic()
    status, _, data = node.client(timeout=5).request(method, f"/api/v3/{path}", body)
    return status, data, time.monotonic() - began


def test_without_quorum(cluster, observer):
    """STA-10: a node that hears nobody answers all of them within 1 s, from the first moment on."""
    for lonely in cluster.nodes:
        cluster.active()
        others = [node for node in cluster.nodes if node is not lonely]
        was_active = cluster.active() is lonely
        for node in others:
            os.kill(node.process.pid, signal.SIGSTOP)
        times = []
        deadline = time.monotonic() + 6
        told_none = False
        # At once, while it still believes in its leader, and on until it knows better.
        while time.monotonic() < deadline:
            for name in STATUS:
                status, data, took = timed(lonely, "GET", f"system/consensus/{name}")
                expect(status == 200, f"STA-10 {name} on {lonely.address}: {status} {data}")
                times.append(took)
                if name == "active":
                    told_none = json.loads(data) == ""
            status, data, took = timed(lonely, "POST", "system/consensus/failOverSafe")
            expect(status == 200, f"STA-10 failOverSafe: {status} {data}")
            if told_none:
                expect(json.loads(data) is False, "STA-07 without a quorum")
            times.append(took)
            status, data, took = timed(lonely, "GET", "info")
            expect(status == 200, f"STA-10 info: {status}")
            times.append(took)
            word = json.loads(data)["ha_status"]
            if told_none and word == "Connecting":  # a leader without its lease is not active, and soon no leader
                break
        expect(told_none, "CON-10: active is empty without a majority")
        expect(word == "Connecting", f"info: {data}")
        times.sort()
        slowest = times[-1]
        expect(slowest < 1.0, f"STA-10: {times[-3:]} s on {lonely.address}")
        # Nobody waits for a member that keeps silent for longer than this; a busy machine may add to single calls.
        usual = times[len(times) * 3 // 4]
        expect(usual < 0.5, f"STA-10: three in four of the calls within {usual:.2f} s")
        print(f"  {lonely.address} (active before: {was_active}): slowest status call without a quorum "
              f"{slowest * 1000:.0f} ms")
        for node in others:
            os.kill(node.process.pid, signal.SIGCONT)
        cluster.active()


def test_peers_of_the_dead(cluster):
    """STA-04, STA-06: a dead member stays in the list and is marked."""
    active = cluster.active()
    dead = next(node for node in cluster.nodes if node is not active)
    name = dead.state_file()["ConsensusID"]
    dead.kill()
    for node in cluster.alive():
        def marked(n=node):
            row = next(peer for peer in status_of(n, "fullstate")["Nodes"] if peer["ConsensusID"] == name)
            return row["Offline"]
        wait_for(marked, 10, f"the dead member's mark on {node.address}")
    rows = active.client().call("GET", "info")["ha_passive_state"]
    row = next(row for row in rows if row["id"] == name)
    expect(row["state"] == "Connecting" and not row["electable"], f"ha_passive_state of the dead: {row}")
    dead.start()
    wait_for(lambda: all(not peer["Offline"] for node in cluster.nodes for peer in status_of(node, "peers")), 10,
             "nobody to be marked any more")


def test_sizes(workplace):
    """PRE-14, C-13: one and two members are said to stand nothing."""
    cluster = Cluster(workplace, count=2).start()
    cluster.found(cluster.nodes[0])
    for count in (1, 2):
        if count == 2:
            cluster.enroll(cluster.nodes[1])
        for node in cluster.nodes[:count]:
            full = wait_for(lambda n=node, c=count: (lambda f: f if len(f["Nodes"]) == c and f["Warnings"] else None)(
                status_of(n, "fullstate")), 10, f"{count} members in fullstate")
            expect("Not fault tolerant" in full["Warnings"][0] and full["FaultTolerance"] == 0, f"{full['Warnings']}")
            expect("Not fault tolerant" in node.client().call("GET", "info")["errors"][0], "and in info")
    expect(len(status_of(cluster.nodes[0], "state")["Roots"]) == 1, "TLS-13: one root after")
    for node in cluster.nodes:
        node.kill()


def main():
    with Workplace(sys.argv[1]) as workplace:
        test_alone(workplace)
        test_sizes(workplace)
        print("alone, one and two members", flush=True)
    with Workplace(sys.argv[1]) as workplace:
        cluster = Cluster(workplace).start()
        cluster.found(cluster.nodes[0])
        cluster.enroll(cluster.nodes[1])
        observer = cluster.nodes[2]
        cluster.enroll(observer, Observer=True)
        tests = [(test_calm, ()), (test_state_equals_file, ()), (test_info, ()), (test_observer, (observer,)),
                 (test_fail_over_safe, (observer,)), (test_without_quorum, (observer,)), (test_peers_of_the_dead, ())]
        for test, more in tests:
            began = time.monotonic()
            test(cluster, *more)
            print(f"{test.__name__}: {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
