"""Enrolment against real daemons, by raw HTTP and through the CLI: SEL-*, ENR-*, REM-* and join tickets.

usage: enrolment.py HOLDFASTD HOLDFAST self|join|ticket|remove
"""
import hashlib
import json
import pathlib
import re
import signal
import stat
import sys
import threading
import time

from cluster_harness import Cluster, node_serves
from cluster_tools import (Cli, expect, own_id, peer_ids, peers, post_enroll, quietly, refused, state_hash, term_of,
                           tree_hashes, url_of, wait_member)
from harness import PASSWORD, USER, Workplace, wait_for

STRANGER = "550e8400-e29b-41d4-a716-446655440000"


def serve(*nodes):
    for node in nodes:
        wait_for(lambda n=node: node_serves(n), 30, f"{node.address} to serve")


def test_bad_self_enrolments(cluster, node):
    """SEL-06, -07, -09, -11, -13, CFG-04, CFG-19: every refusal names what is wrong and changes nothing."""
    state = node.client().call("GET", "system/consensus/state")
    good = {**state, "HaID": "testers", "LoadBalanced": True, "VirtAddr": cluster.virtual,
            "ConsensusAddr": cluster.consensus_addr(node)}
    vip = {**good, "LoadBalanced": False, "VirtAddr": "192.0.2.9/24", "VirtInterface": "lo"}
    for body, status, texts in [
            ({**good, "ConsensusAddr": ""}, 422, ("ConsensusAddr is missing",)),                 # SEL-09
            ({**good, "HaID": ""}, 422, ("HaID is missing",)),
            ({**good, "VirtAddr": ""}, 422, ("VirtAddr is missing",)),
            ({**vip, "VirtInterface": ""}, 422, ("VirtInterface is missing",)),
            ({**vip, "VirtInterface": "no-such-link"}, 422, ("no-such-link",)),
            ({**good, "VirtInterface": "lo"}, 422, ("VirtInterface", "LoadBalanced")),            # SEL-06
            ({**good, "VirtInterfaceScript": "/bin/true"}, 422, ("VirtInterfaceScript",)),
            ({**good, "Observer": True}, 422, ("Observer",)),                                    # SEL-13
            ({**good, "VirtAddr": "192.0.2.9/24"}, 422, ("bare IP",)),
            ({**good, "HaID": "server-1"}, 422, ("server-1",)),                                  # CFG-04
            ({**good, "ConsensusAddr": "203.0.113.7:8093"}, 422, ("not an address of this host",)),
            ({**good, "ConsensusAddr": f"{node.address}:65536"}, 422, ("65535",)),               # CFG-19
            ({**good, "ConsensusAddr": f"{node.address}:{node.api_port}"}, 422, ("listened on",)),
            ({**good, "Observer": "yes"}, 400, ("Observer",)),                                   # SEL-11
            ({**good, "ConsensusID": STRANGER}, 422, ("ConsensusID",)),
    ]:
        refused(node, body, status, *texts)


def test_bad_words(cli, cluster, node):
    """SEL-11, SEL-12: the CLI refuses before anything is sent."""
    before = state_hash(node)
    url = url_of(node)
    for words, text in [(("Observer", "yes"), "true or false"), (("Observer", "TRUE"), "true or false"),
                        (("Observer", ""), "true or false"), (("Frob", "1"), "unknown key Frob"),
                        (("HaID",), "pairs")]:
        expect(text in cli.refused(node, "enroll", url, USER, PASSWORD, *words), f"SEL-12: {words}")
    expect(state_hash(node) == before, "SEL-07")


def first_words(cluster, node):
    return ("ConsensusAddr", cluster.consensus_addr(node), "HaID", "testers", "LoadBalanced", "true", "VirtAddr",
            cluster.virtual)


def test_self(cli, cluster):
    """SEL-01..13, PRE-01, TLS-13."""
    node, second = cluster.nodes
    for number in range(20):
        cluster.put(node, f"kept-{number}", str(number))
    test_bad_self_enrolments(cluster, node)
    test_bad_words(cli, cluster, node)
    expect(not node.state_file()["Roots"], "TLS-13: no root before")
    pid, before = node.process.pid, own_id(node)
    answer = cli.enroll(node, node, *first_words(cluster, node))
    expect(answer["HaID"] == "testers" and answer["ConsensusEnabled"], f"SEL-03: {answer}")
    # SEL-08: at once.
    cli.enroll(node, second, "ConsensusAddr", cluster.consensus_addr(second))
    expect(node.process.poll() is None and node.process.pid == pid, "PRE-01: the process goes on")
    expect(len(node.state_file()["Roots"]) == 1, "TLS-13: one root after")
    for number in range(20):
        expect(cluster.local(node, f"kept-{number}") == str(number), "SEL-02")
    expect(len(peers(node)) == 2, "SEL-08")
    state = cli.ha(node, "state")
    expect(state["VirtAddr"] == cluster.virtual and state["LoadBalanced"] and not state["Token"], f"SEL-03: {state}")
    # SEL-10: once more.
    text = cli.refused(node, "enroll", url_of(node), USER, PASSWORD, *first_words(cluster, node))
    expect("belongs to the whole cluster" in text, f"SEL-04: {text}")
    expect(cli.enroll(node, node, "ConsensusAddr", cluster.consensus_addr(node))["ConsensusID"] == before, "SEL-10")
    status, answer = post_enroll(node, {**state, "ConsensusEnabled": False})
    expect(status == 200 and json.loads(answer)["ConsensusID"] == before, f"SEL-10: {status} {answer[:300]}")
    refused(node, {**state, "ConsensusEnabled": False, "HaID": "other"}, 409, "already")
    expect(own_id(node) == before and node.state_file()["HaID"] == "testers", "SEL-10")


def test_self_alone(cli, cluster):
    """SEL-01: a cluster of one at once; SEL-05: values of a synchronous pair are kept."""
    node = cluster.nodes[0]
    cli.enroll(node, node, *first_words(cluster, node))
    expect(cli.ha(node, "leader") == cli.ha(node, "active") == cli.ha(node, "id") == own_id(node), "SEL-01")
    expect(len(cli.ha(node, "peers")) == 1, "SEL-01")


def test_from_pair(cluster, node):
    state = node.client().call("GET", "system/consensus/state")
    expect(state["Enabled"] and not state["ConsensusEnabled"], f"a synchronous node: {state}")
    good = {**state, "ConsensusAddr": cluster.consensus_addr(node)}
    for change in ({"HaID": "other"}, {"VirtAddr": "192.0.2.77"}):
        refused(node, {**good, **change}, 422, "synchronous replication")
    status, answer = post_enroll(node, good)
    expect(status == 200 and json.loads(answer)["HaID"] == "pair", f"SEL-05: {status} {answer[:300]}")


def run_self(daemon, binary):
    with Workplace(daemon) as workplace:
        test_self(Cli(binary, workplace.path / "home"), Cluster(workplace, 2).start())
        print("test_self", flush=True)
    with Workplace(daemon) as workplace:
        test_self_alone(Cli(binary, workplace.path / "home"), Cluster(workplace, 1).start())
        print("test_self_alone", flush=True)
    with Workplace(daemon) as workplace:
        pair = Cluster(workplace, 1, extra=["--ha-enabled", "--ha-id", "pair", "--ha-load-balanced", "--ha-address",
                                            "192.0.2.200"]).start()
        test_from_pair(pair, pair.nodes[0])
        print("test_from_pair", flush=True)


def candidate(cluster, node, introduction, **record):
    """What a joining node says of itself to the active, so that rules can be tried one by one."""
    body = {"Phase": "check", "HaID": introduction["HaID"], "LoadBalanced": introduction["LoadBalanced"],
            "VirtAddr": introduction["VirtAddr"], "Protocol": record.pop("Protocol", 1)}
    body["Record"] = {"ConsensusID": own_id(node), "RaftID": own_id(node), "Incarnation": 1, "DrpID": "server-x",
                      "ConsensusAddr": cluster.consensus_addr(node), "ApiUrl": url_of(node), "ApiFingerprint": "",
                      "VirtInterface": "", "VirtInterfaceScript": "", "Observer": False, "Version": "0.1.0",
                      "OS": "linux", "Arch": own_arch(cluster), "Joined": 0, **record}
    return body


def own_arch(cluster):
    return cluster.nodes[0].client().call("GET", "info")["arch"]


def ask_admission(cluster, body, introduction, status, *texts):
    client = cluster.nodes[0].client(timeout=30, authorization="Bearer " + introduction["Token"])
    got, _, data = client.request("POST", "/api/v3/system/consensus/members", body)
    expect(got == status, f"expected {status}, got {got}: {data[:400]!r}")
    for text in texts:
        expect(text in data.decode(), f"'{text}' is missing in {data[:400]!r}")


def test_unfit_candidates(cluster, target):
    """ENR-07, VER-02, VER-03, ENR-09, ENR-14: judged by the active before the target touches anything."""
    introduction = cluster.nodes[0].client().call("GET", "system/consensus/introduction")
    for record, texts in [
            ({"Protocol": 99, "Version": "9.9.9"}, ("member protocol 99", "install the cluster's version")),
            ({"OS": "windows"}, ("same operating system and architecture",)),
            ({"Arch": "sparc"}, ("same operating system and architecture",)),
            ({"DrpID": "server-1"}, ("server-1", "its own --drp-id")),
            ({"ConsensusAddr": cluster.consensus_addr(cluster.nodes[0])}, ("already the address of member",)),
            ({}, ("cannot reach the node at " + cluster.consensus_addr(target), "both ways")),     # nobody listens
    ]:
        ask_admission(cluster, candidate(cluster, target, introduction, **record), introduction, 422, *texts)
    ask_admission(cluster, candidate(cluster, target, introduction), {"Token": "x" * 40}, 401, "token")


def test_refused_joins(cli, cluster, target):
    """ENR-03, ENR-10, SEL-04 and what is wrong with an introduction; both sides stay as they were."""
    first = cluster.nodes[0]
    before, members = state_hash(target), peer_ids(first)
    words = ("ConsensusAddr", cluster.consensus_addr(target))
    expect("belongs to the whole cluster" in
           cli.refused(first, "enroll", url_of(target), USER, PASSWORD, *words, "HaID", "x"), "ENR-03")
    cli.refused(first, "enroll", url_of(target), USER, "wrong", *words)
    member = cluster.nodes[1]
    text = cli.refused(first, "enroll", url_of(member), USER, PASSWORD, "ConsensusAddr", cluster.consensus_addr(target))
    expect("already a member" in text, f"ENR-10: another address: {text}")
    again = cluster.join_body(member)
    for change in ({"Observer": True}, {"HaID": "another"}, {"Roots": cluster.strangers_roots},
                   {"ConsensusAddr": cluster.consensus_addr(target)}):
        refused(member, {**again, **change}, 422, "already a member")
    good = cluster.join_body(target)
    for change, status, texts in [
            ({"HaID": "x"}, 422, ("HaID",)), ({"VirtAddr": "192.0.2.77"}, 422, ("VirtAddr",)),     # SEL-04
            ({"LoadBalanced": False, "VirtInterface": "lo"}, 422, ("LoadBalanced",)),
            ({"Token": "wrong"}, 401, ("token",)), ({"Roots": []}, 422, ("Roots",)),
            ({"Roots": [{"Data": ["AAAA"], "Key": "AAAA"}]}, 422, ()),
            ({"ConsensusJoin": ""}, 422, ("ConsensusJoin",)),
            ({"ConsensusJoin": url_of(target)}, 502, ("not accepted as the cluster",)),
    ]:
        refused(target, {**good, **change}, status, *texts)
    expect(state_hash(target) == before and peer_ids(first) == members, "ENR-10: nothing changed")


def test_repeated(cli, cluster):
    """ENR-16, SEL-10: who lost the answer to an enrolment and asks again gets it, and nothing changes."""
    active = cluster.active()
    for member in cluster.nodes:
        before, members = state_hash(member), peer_ids(active)
        status, answer = post_enroll(member, cluster.join_body(member, active))
        expect(status == 200 and json.loads(answer)["ConsensusID"] == own_id(member), f"{status} {answer[:300]}")
        answer = cli.enroll(active, member, "ConsensusAddr", cluster.consensus_addr(member))
        expect(answer["ConsensusID"] == own_id(member) and not answer["Token"], f"by a ticket: {answer}")
        expect(state_hash(member) == before and peer_ids(active) == members, "a repeat changed something")
    expect(cluster.active() is active, "a repeat moved the role")


def test_blocked_path(cluster, target, blocked):
    """ENR-14: a member whose kernel answers but which does not is found by the hello, and the pair is named."""
    members = peer_ids(cluster.nodes[0])
    blocked.process.send_signal(signal.SIGSTOP)
    try:
        body = cluster.join_body(target)
        refused(target, body, 422, "cannot reach", cluster.consensus_addr(blocked), cluster.consensus_addr(target))
    finally:
        blocked.process.send_signal(signal.SIGCONT)
    wait_for(lambda: quietly(lambda: peer_ids(cluster.active(without=(target,))) == members), 20, "the same members")


def add_without_majority(cluster, active, others, target, answers):
    """Enrols the target and takes the majority away when it asks to be added. True: the active has proposed it and
    cannot commit it."""
    marks = {node: len(node.log_text()) for node in (active, target)}
    body = cluster.join_body(target, active)
    thread = threading.Thread(target=lambda: answers.append(post_enroll(target, body)))
    thread.start()
    wait_for(lambda: "data_backed_up" in target.log_text()[marks[target]:] or answers, 20, "its backup", step=0.001)
    for node in others:
        node.process.send_signal(signal.SIGSTOP)
    proposed = re.compile(f"event=membership .*committed=false.*{own_id(target)}")
    lost = re.compile("event=role now=(follower|pre_candidate|candidate)")
    wait_for(lambda: lost.search(active.log_text()[marks[active]:]), 20, "the active to lose its leadership")
    return thread, bool(proposed.search(active.log_text()[marks[active]:])), time.monotonic()


def test_leadership_lost(cluster, target):
    """ENR-11, ENR-16: the leader that proposed a newcomer loses its majority. When that is back the newcomer is in, and
    whoever asked is told so, not that leadership was lost on the way."""
    for _ in range(5):
        active = cluster.active(without=(target,))
        others = [node for node in cluster.nodes if node not in (active, target)]
        answers = []
        thread, proposed, lost_at = add_without_majority(cluster, active, others, target, answers)
        # By itself the core waits for one second to learn what became of it.
        wait_for(lambda: answers or time.monotonic() > lost_at + 1.5, 10, "the core to give up on it")
        others[0].process.send_signal(signal.SIGCONT)  # who has the longer log is elected: the one that proposed
        thread.join()
        others[1].process.send_signal(signal.SIGCONT)
        cluster.active(without=(target,))
        if proposed:
            break
        wait_for(lambda: quietly(lambda: not target.state_file()["ConsensusEnabled"]), 40, "it to stand alone again")
    expect(proposed, "the majority was taken away too early every time")
    status, answer = answers[0]
    expect(status in (200, 202), f"ENR-11: {status} {answer[:300]}")
    wait_member(cluster, target)
    active = cluster.active()
    expect(own_id(target) in peer_ids(active), "ENR-11: it is no member")
    active.client(timeout=20).call("DELETE", f"system/consensus/node/{own_id(target)}")
    target.kill()


def test_join(cli, cluster, target):
    """ENR-01, -02, -04, -05: through the CLI, run against a passive member (ENR-13)."""
    for number in range(5):
        target.client().call("POST", "profiles", {"Name": f"only-here-{number}"})
    wait_for(lambda: (target.root / "raft" / "meta.0").exists(), 5, "the target's metadata")
    time.sleep(0.5)  # the synced hint is written 200 ms after the last write
    data = tree_hashes(target.root / "wal")
    active = cluster.active(without=(target,))
    passive = next(node for node in cluster.nodes if node not in (active, target))
    own = own_id(target)
    cli.enroll(passive, target, "ConsensusAddr", cluster.consensus_addr(target), "Observer", "true")
    wait_member(cluster, target)
    state = target.state_file()
    expect(state["ConsensusID"] == own and state["HaID"] == "testers" and state["Observer"], f"ENR-02: {state}")
    expect(next(p for p in peers(active) if p["ConsensusID"] == own)["Observer"], "OBS-07")
    wait_for(lambda: cluster.local(target, "of-the-cluster") == "x", 10, "the cluster's data")
    expect(all(cluster.local(target, f"only-here-{number}") is None for number in range(5)), "ENR-04")
    backups = list((target.root / "backup").iterdir())
    expect(len(backups) == 1, f"ENR-04: {backups}")
    expect(tree_hashes(backups[0] / "wal") == data, "ENR-04: the backup is not what was there")
    expect({"meta.0", "meta.1"} & {path.name for path in (backups[0] / "raft").iterdir()}, "ENR-04: raft/")
    expect(json.loads((backups[0] / "ha-state.json").read_text())["ConsensusEnabled"] is False, "ENR-04: ha-state")
    expect(stat.S_IMODE(backups[0].stat().st_mode) == 0o700, "the backup is the owner's alone")
    expect(f"data_backed_up" in target.log_text() and str(backups[0]) in target.log_text(), "ENR-04: the path is logged")
    for path in ("files/backup", "isos/backup", "files/../backup", f"files/backup/{backups[0].name}/wal/base.0"):
        status, _, _ = target.client().request("GET", "/api/v3/" + path)
        expect(status >= 400, f"ENR-05: {path} answered {status}")


def test_two_steps(cli, cluster, target, outside, folder):
    """ENR-15: introduction FILE, join FILE; the file is the owner's alone."""
    file = folder / "introduction.json"
    file.write_text("")
    file.chmod(0o644)
    code, _, err = cli.run(cluster.active(without=outside), "system", "ha", "introduction", str(file))
    expect(code == 0, err)
    expect(stat.S_IMODE(file.stat().st_mode) == 0o600, "the introduction holds secrets")
    cli.ha(target, "join", str(file), "ConsensusAddr", cluster.consensus_addr(target))
    wait_member(cluster, target)
    expect(own_id(target) in peer_ids(cluster.active(without=outside)), "ENR-15")


def test_three_at_once(cluster, targets):
    """ENR-16: all end in, or all but one say busy; then the rest get in one by one."""
    answers = {}

    def enroll(node):
        answers[node.address] = post_enroll(node, cluster.join_body(node, cluster.active(without=targets)))
    threads = [threading.Thread(target=enroll, args=(node,)) for node in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for node in targets:
        status, answer = answers[node.address]
        busy = status == 409 and ("busy" in answer or "changing" in answer or "could not be added" in answer)
        expect(status in (200, 202) or busy, f"ENR-16: {node.address}: {status} {answer[:300]}")
    expect(any(status in (200, 202) for status, _ in answers.values()), f"ENR-16: nobody got in: {answers}")
    for node in targets:
        if answers[node.address][0] == 409:
            status, answer = wait_for(lambda n=node: (lambda got: got if got[0] != 409 else None)(
                post_enroll(n, cluster.join_body(n, cluster.active(without=targets)))), 60, "its turn")
            expect(status in (200, 202), f"ENR-16: {status} {answer[:300]}")
        wait_member(cluster, node)
    expect(set(map(own_id, targets)) <= set(peer_ids(cluster.active())), "ENR-16")


def strangers_roots(daemon):
    """Of another cluster with the same name."""
    with Workplace(daemon) as workplace:
        other = Cluster(workplace, 1).start()
        other.found(other.nodes[0])
        return other.nodes[0].client().call("GET", "system/consensus/introduction")["Roots"]


def run_join(daemon, binary):
    with Workplace(daemon) as workplace:
        cli = Cli(binary, workplace.path / "home")
        cluster = Cluster(workplace, 3).form()
        cluster.put(cluster.active(), "of-the-cluster", "x")
        test_repeated(cli, cluster)
        print("test_repeated", flush=True)
        target = cluster.add_node().start()
        serve(target)
        test_unfit_candidates(cluster, target)
        print("test_unfit_candidates", flush=True)
        cluster.strangers_roots = strangers_roots(daemon)
        test_refused_joins(cli, cluster, target)
        print("test_refused_joins", flush=True)
        test_blocked_path(cluster, target, cluster.nodes[2])
        print("test_blocked_path", flush=True)
        spare = cluster.add_node().start()
        serve(spare)
        cluster.nodes.remove(target)
        test_leadership_lost(cluster, spare)
        cluster.nodes.append(target)
        print("test_leadership_lost", flush=True)
        test_join(cli, cluster, target)
        print("test_join", flush=True)
        more = [cluster.add_node().start() for _ in range(4)]
        serve(*more)
        test_two_steps(cli, cluster, more[0], more, workplace.path)
        print("test_two_steps", flush=True)
        test_three_at_once(cluster, more[1:])
        print("test_three_at_once", flush=True)


def take_ticket(node, body=None):
    return node.client().call("POST", "system/consensus/ticket", body or {})


def with_ticket(cluster, target, ticket, **more):
    state = target.client().call("GET", "system/consensus/state")
    return {**state, "ConsensusAddr": cluster.consensus_addr(target), "Ticket": ticket, **more}


def run_ticket(daemon, binary):
    """A ticket works once, for a while, with the active it names; no secret comes back to the operator."""
    with Workplace(daemon) as workplace:
        cli = Cli(binary, workplace.path / "home")
        cluster = Cluster(workplace, 3).start()
        first, second, third = cluster.nodes
        text = cli.refused(first, "enroll", url_of(second), USER, PASSWORD, "ConsensusAddr", cluster.consensus_addr(second))
        expect("in no cluster yet" in text, text)
        status, _, _ = first.client().request("POST", "/api/v3/system/consensus/ticket", {})
        expect(status == 409, f"no ticket without a cluster: {status}")
        cluster.found(first)
        ticket = take_ticket(first)
        status, _, _ = first.client(authorization="Basic bm9ib2R5Om5vYm9keQ==").request(
            "POST", "/api/v3/system/consensus/ticket", {})
        expect(status in (401, 403), f"tickets are the superuser's to take: {status}")
        other = "0" * 64
        refused(second, with_ticket(cluster, second, {**ticket, "Fingerprint": other}), 502, "ticket")
        refused(second, with_ticket(cluster, second, {**ticket, "Secret": other}), 502, "did not accept the ticket")
        refused(second, with_ticket(cluster, second, {**ticket, "Url": url_of(third)}), 502, "ticket")
        status, answer = post_enroll(second, with_ticket(cluster, second, ticket))
        expect(status in (200, 202), f"a good ticket: {status} {answer[:300]}")
        secrets = first.client().call("GET", "system/consensus/introduction")
        for secret in (secrets["Token"], secrets["Roots"][0]["Key"]):
            expect(secret and secret not in answer, "a secret went to the operator")
        wait_member(cluster, second)
        refused(third, with_ticket(cluster, third, ticket), 502, "did not accept the ticket")  # replay
        expect(first.client().request("POST", "/api/v3/system/consensus/ticket", {"Seconds": 0})[0] == 422, "bounds")
        short = take_ticket(first, {"Seconds": 1})
        wait_for(lambda: time.time() * 1000 > short["Expires"], 5, "the ticket to expire")
        refused(third, with_ticket(cluster, third, short), 502, "did not accept the ticket")
        code, out, err = cli.run(second, "system", "ha", "enroll", url_of(third), USER, PASSWORD, "ConsensusAddr",
                                 cluster.consensus_addr(third))
        expect(code == 0, err)
        for secret in (secrets["Token"], secrets["Roots"][0]["Key"]):
            expect(secret not in out + err, "a secret was printed")
        wait_member(cluster, third)
        for node in cluster.nodes:
            expect(ticket["Secret"] not in node.log_text() and secrets["Token"] not in node.log_text(), "a secret was logged")
        print("test_ticket", flush=True)


def delete_node(node, what, force=False):
    return node.client(timeout=30).request("DELETE", f"/api/v3/system/consensus/node/{what}" + ("?force=true" if force else ""))


def test_refused_removals(cli, cluster):
    """REM-02, -04, -08."""
    active = cluster.active()
    status, _, data = delete_node(active, own_id(active))
    expect(status == 409 and b"fail over" in data, f"REM-04: {status} {data!r}")
    cli.refused(active, "remove", own_id(active))
    status, _, data = delete_node(active, "server-2")
    expect(status == 404 and b"ConsensusID" in data, f"REM-02: {status} {data!r}")
    status, _, data = delete_node(active, STRANGER)
    expect(status == 404 and b"peers" in data, f"REM-08: {status} {data!r}")
    expect("ha peers" in cli.refused(active, "remove", STRANGER), "REM-08")


def test_quorum_rule(cluster):
    """REM-06: with one of three dead, the living other one is not removed without force."""
    active = cluster.active()
    dead, alive = [node for node in cluster.nodes if node is not active]
    dead.kill()
    wait_for(lambda: next(p for p in peers(active) if p["ConsensusID"] == own_id(dead))["Offline"], 10, "Offline")
    status, _, data = delete_node(active, own_id(alive))
    expect(status == 409, f"REM-06: {status} {data!r}")
    expect(own_id(alive) in peer_ids(active), "REM-06")
    return active, dead, alive


def test_replace_dead(cli, cluster, active, dead):
    """REM-01, -03, -05: the dead one goes, a new one comes, nobody was restarted."""
    pids = [node.process.pid for node in cluster.alive()]
    cli.ha(active, "remove", cluster.consensus_addr(dead))
    expect(own_id(dead) not in peer_ids(active), "REM-01")
    expect(active.client().call("GET", "system/consensus/health")["Voters"] == 2, "REM-01: the quorum fell")
    fresh = cluster.add_node().start()
    serve(fresh)
    cli.enroll(active, fresh, "ConsensusAddr", cluster.consensus_addr(fresh))
    wait_member(cluster, fresh)
    expect(len(peer_ids(active)) == 3, "REM-05")
    expect([node.process.pid for node in cluster.alive() if node is not fresh] == pids, "REM-03")
    return fresh


def test_removed_is_harmless(cli, cluster, active, node, restart):
    """REM-07, TLS-11: left running or started again, it changes nothing and is let in nowhere."""
    term = term_of(active)
    cli.ha(active, "remove", own_id(node))
    wait_for(lambda: quietly(lambda: node.client().call("GET", "system/consensus/health")["Role"] == "removed"), 15,
             "the removed node to hear of it")
    status, _, data = node.client().request("POST", "/api/v3/profiles", {"Name": "not-here"})
    expect(status >= 400, f"REM-07: a removed node took a write: {data!r}")
    if restart:
        node.terminate()
        marked = len(node.log_text())
        node.start(wait=False)
        wait_for(lambda: "consensus_started" in node.log_text()[marked:], 20, "its next life")
    time.sleep(2)  # four election timeouts in which it could do harm
    expect(term_of(active) == term, "REM-07: the term moved")
    expect(cluster.active(without=(node,)) is active, "REM-07: the active changed")
    expect(own_id(node) not in peer_ids(active), "REM-07")


def test_again(cli, cluster, active, node):
    """REM-09: the same node, the same ConsensusID, another incarnation."""
    own = own_id(node)
    cli.enroll(active, node, "ConsensusAddr", cluster.consensus_addr(node))
    wait_member(cluster, node)
    expect(own_id(node) == own and own in peer_ids(active), "REM-09")


def known_committed(node):
    """The index in the newest metadata (subprojects/wal/include/wal/meta_pair.hpp, actors/replay/log_disk.hpp)."""
    copies = [path.read_bytes() for path in (node.root / "raft").glob("meta.?")]
    newest = max(copies, key=lambda data: int.from_bytes(data[16:24], "little"))
    return int.from_bytes(newest[201:209], "little")


def test_removed_while_down(cli, cluster, active, node):
    """REM-09: nobody could tell it; it is turned away, says that it was removed, and may come back."""
    wait_for(lambda: known_committed(node) > 0, 5, "what is committed to be on its disk")
    node.kill()
    wait_for(lambda: next(p for p in peers(active) if p["ConsensusID"] == own_id(node))["Offline"], 10, "Offline")
    cli.ha(active, "remove", own_id(node))
    node.start(wait=False)

    def told():
        status, _, data = node.client(timeout=5).request("POST", "/api/v3/profiles", {"Name": "not-here-either"})
        return status == 503 and b"was removed from the cluster" in data
    wait_for(lambda: quietly(told), 20, "it to say that it was removed")
    test_again(cli, cluster, active, node)


def run_remove(daemon, binary):
    with Workplace(daemon) as workplace:
        cli = Cli(binary, workplace.path / "home")
        cluster = Cluster(workplace, 3).form()
        test_refused_removals(cli, cluster)
        print("test_refused_removals", flush=True)
        active, dead, alive = test_quorum_rule(cluster)
        print("test_quorum_rule", flush=True)
        test_replace_dead(cli, cluster, active, dead)
        print("test_replace_dead", flush=True)
        test_removed_is_harmless(cli, cluster, active, alive, restart=False)
        print("test_removed_is_harmless", flush=True)
        test_again(cli, cluster, active, alive)
        print("test_again", flush=True)
        test_removed_is_harmless(cli, cluster, active, alive, restart=True)
        print("test_removed_is_harmless after a restart", flush=True)
        test_again(cli, cluster, active, alive)
        print("test_again after a restart", flush=True)
        test_removed_while_down(cli, cluster, active, alive)
        print("test_removed_while_down", flush=True)


if __name__ == "__main__":
    {"self": run_self, "join": run_join, "ticket": run_ticket, "remove": run_remove}[sys.argv[3]](
        sys.argv[1], sys.argv[2])
