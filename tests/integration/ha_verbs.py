"""Every verb of `holdfast system ha` against a real cluster, through the binary (STA-01..08, WAL-09, doctor).

usage: ha_verbs.py HOLDFASTD HOLDFAST
"""
import json
import sys

from cluster_harness import Cluster
from cluster_tools import Cli, expect, own_id, url_of
from harness import Workplace, wait_for


def doctor(cli, node):
    code, out, err = cli.run(node, "system", "ha", "doctor")
    return code, json.loads(out), err


def test_reads(cli, cluster):
    active = cluster.active()
    ids = sorted(map(own_id, cluster.nodes))
    for node in cluster.nodes:
        expect(cli.ha(node, "id") == own_id(node), "STA-01")
        expect(cli.ha(node, "leader") == cli.ha(node, "active") == own_id(active), "STA-02, STA-03")
        expect(sorted(peer["ConsensusID"] for peer in cli.ha(node, "peers")) == ids, "STA-04")
        state = cli.ha(node, "state")
        expect(state["ConsensusID"] == own_id(node) and not state["Token"], "STA-05")
        expect(all(not root["Key"] for root in state["Roots"]), "STA-05: no keys")
        dump = cli.ha(node, "dump")
        expect(sorted(row["ConsensusID"] for row in dump["Nodes"]) == ids and dump["FaultTolerance"] == 1, "STA-06")
        expect(state_secrets(node).isdisjoint(json.dumps(dump).split('"')), "STA-06: no secrets")
        expect(cli.ha(node, "failOverSafe", "5s") is True, "STA-07, STA-08")
    expect("50ms" in cli.refused(active, "failOverSafe", "6s"), "STA-08")


def state_secrets(node):
    state = node.state_file()
    return {state["Token"], *(root["Key"] for root in state["Roots"])}


def test_verify(cli, cluster):
    """WAL-09: equal chains at one index while they run; a member that is away is a row and an error."""
    rows = cli.ha(cluster.active(), "verify")
    expect(len(rows) == 3 and len({row["Chain"] for row in rows}) == 1 and rows[0]["Chain"], f"WAL-09: {rows}")


def test_doctor(cli, cluster):
    active = cluster.active()
    code, report, err = doctor(cli, active)
    errors = [found for found in report["Findings"] if found["Severity"] == "error"]
    expect(code == 0 and not errors, f"a cluster that is well: {code} {report['Findings']} {err}")
    expect(sum(row["Active"] for row in report["Members"]) == 1, f"{report['Members']}")
    for row in report["Members"]:
        expect({"LagEntries", "LagBytes", "LagSeconds", "CertificateDays", "LongestSyncMs", "SkewMs", "Version"} <= set(row), row)
        expect(0 < row["CertificateDays"] <= 1.1, f"certificates live a day: {row}")
    dead = next(node for node in cluster.nodes if node is not active)
    dead.kill()
    code, report, err = doctor(cli, active)
    found = [one for one in report["Findings"] if one["ConsensusID"] == own_id(dead)]
    expect(code == 1 and found and found[0]["Severity"] == "error" and "ha remove" in found[0]["Remedy"], f"{report}")
    row = next(row for row in report["Members"] if row["ConsensusID"] == own_id(dead))
    expect(row["Error"], "a row for the one that does not answer")
    expect("not every member" in cli.refused(active, "verify"), "verify says that one is missing")
    other = next(node for node in cluster.nodes if node not in (active, dead))
    other.kill()
    wait_for(lambda: any("no quorum" in one["What"] for one in doctor(cli, active)[1]["Findings"]), 30, "no quorum")
    for node in (dead, other):
        node.start(wait=False)
    wait_for(lambda: doctor(cli, cluster.active())[0] == 0, 30, "all well again")


def test_changes(cli, cluster):
    active = cluster.active()
    text = cli.refused(active, "enroll", url_of(active), "rocketskates", "r0cketsk8ts", "ConsensusAddr",
                       cluster.consensus_addr(active), "Observer", "true")
    expect("already" in text, text)
    leaver = next(node for node in cluster.nodes if node is not active)
    gone = cli.ha(active, "remove", own_id(leaver))
    expect(gone["ConsensusID"] == own_id(leaver), "the removed member is shown")
    expect(len(cli.ha(active, "peers")) == 2, "REM-01")
    expect("even number" in str(cli.ha(active, "dump")["Warnings"]) or "Not fault tolerant" in str(cli.ha(active, "dump")["Warnings"]),
           "PRE-14")


def main():
    with Workplace(sys.argv[1]) as workplace:
        cli = Cli(sys.argv[2], workplace.path / "home")
        cluster = Cluster(workplace, 3).form()
        for test in (test_reads, test_verify, test_doctor, test_changes):
            test(cli, cluster)
            print(test.__name__, flush=True)


if __name__ == "__main__":
    main()
