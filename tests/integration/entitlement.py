"""Entitlements (architecture §8): PRE-09, PRE-10, ENR-06, LIC-01..07. openssl makes the issuer's key and signs.

usage: entitlement.py HOLDFASTD
"""
import base64
import json
import subprocess
import sys

from cluster_harness import Cluster
from cluster_tools import expect, own_id, peer_ids, post_enroll, refused, tree_hashes, wait_member
from harness import Workplace, need_program, wait_for

PACK = "holdfast-entitlement"


def openssl(*words):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True)
    expect(done.returncode == 0, f"openssl {words}: {done.stderr}")


class Issuer:
    """Whoever ships the product: a key of its own, and what it signs."""

    def __init__(self, folder, name):
        self.folder, self.key, self.open = folder, folder / f"{name}.key", folder / f"{name}.pub"
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.key)
        openssl("pkey", "-in", self.key, "-pubout", "-out", self.open)

    def pack(self, endpoints, **more):
        """A content pack with a signed entitlement for the cluster `testers`."""
        document, signature = self.folder / "document", self.folder / "signature"
        document.write_text(json.dumps({"Features": ["ha"], "Endpoints": endpoints, "HaID": "testers", **more}))
        openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.key, "-in", document, "-out", signature)
        sealed = {"Document": base64.b64encode(document.read_bytes()).decode(),
                  "Signature": base64.b64encode(signature.read_bytes()).decode()}
        profile = {"Name": PACK, "Params": {"holdfast/entitlement": sealed}}
        return {"meta": {"Name": PACK, "Version": "1.0.0"}, "sections": {"profiles": {PACK: profile}}}


def install(node, pack):
    known = node.client().request("GET", f"/api/v3/contents/{PACK}")[0] == 200
    node.client().call("PUT" if known else "POST", f"contents/{PACK}" if known else "contents", pack)


def license_of(node):
    return node.client().call("GET", "info")["License"]


def founding(cluster, node):
    state = node.client().call("GET", "system/consensus/state")
    return {**state, "HaID": "testers", "LoadBalanced": True, "VirtAddr": cluster.virtual,
            "ConsensusAddr": cluster.consensus_addr(node)}


def test_keys(workplace, issuer):
    """LIC-01: a node that was meant to ask never starts without asking."""
    damaged, missing = workplace.path / "damaged.pub", workplace.path / "missing.pub"
    damaged.write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    for number, (file, text) in enumerate([(damaged, "no public key in PEM"), (missing, "cannot be read"),
                                           (workplace.path, "cannot be read"), (issuer.key, "belongs to the issuer")]):
        node = workplace.node(f"bad{number}", extra=["--entitlement-key", str(file)]).start(wait=False)
        expect(node.wait_end(20) == 1, f"{file}: {node.process.returncode}")
        last = node.log_tail(3)
        expect(all(word in last for word in (str(file), text, "--entitlement-key")), f"{file}: {last}")
        expect(not (node.root / "wal").exists(), "a refused start left a log")


def test_founding(cluster, node, issuer, stranger):
    """LIC-02, PRE-09, PRE-10: no cluster without one that names it all; nothing is changed by a refusal."""
    body = founding(cluster, node)
    facts = license_of(node)
    expect(facts["Valid"] is False and "No entitlement" in facts["Reason"] and facts["Licenses"] == [], f"{facts}")
    refused(node, body, 422, "No entitlement is installed on node server-1", "HaID testers", "endpoint server-1",
            "contents upload")
    for pack, texts in [
            (stranger.pack(["server-1"]), ("is of no use", "signature", "--entitlement-key")),
            (issuer.pack(["server-1"], Features=["other"]), ("does not name the feature ha",)),            # PRE-09
            (issuer.pack(["server-2"], HaID="others"), ("does not name HaID testers",                      # PRE-10
                                                        "does not name endpoint server-1", "contents upload")),
    ]:
        install(node, pack)
        refused(node, body, 422, *texts)
    install(node, issuer.pack(["server-1", "server-2"]))
    status, answer = post_enroll(node, body)
    expect(status == 200, f"LIC-02: {status} {answer[:300]}")
    facts = license_of(node)
    expect(facts["Valid"] and facts["Endpoints"] == ["server-1", "server-2"] and facts["HaID"] == "testers", f"{facts}")


def test_unlisted(cluster, first, target):
    """ENR-06: refused before anything of the target is touched."""
    target.client().call("POST", "profiles", {"Name": "only-here"})
    files, members = tree_hashes(target.root / "wal"), peer_ids(first)
    refused(target, cluster.join_body(target), 422, "does not name endpoint server-3", cluster.consensus_addr(target),
            "endpoint server-1, endpoint server-2, endpoint server-3", "install it on node server-1")
    expect(tree_hashes(target.root / "wal") == files and not (target.root / "backup").exists(), "ENR-06: touched")
    expect(target.client().call("GET", "profiles/only-here") and peer_ids(first) == members, "ENR-06: changed")


def test_fail_over(cluster, issuer, listed):
    """LIC-05, LIC-07: it holds on the next active; once it ran out the cluster goes on, fails over, and does not
    grow; a new one heals that."""
    first = cluster.active()
    first.client(timeout=10).call("POST", "system/consensus/transfer")
    second = wait_for(lambda: (lambda now: now if now is not first else None)(cluster.active()), 10, "a hand-over")
    facts = license_of(second)
    expect(facts["Valid"] and facts["Endpoints"] == listed, f"LIC-05: {facts}")
    expect(license_of(first) == {"Licenses": []}, "a passive tells none")

    install(second, issuer.pack([*listed, "server-4"], SoftExpireDate="2020-01-01T00:00:00Z",
                                HardExpireDate="2020-02-01T00:00:00Z"))
    fourth = cluster.add_node().start()
    refused(fourth, cluster.join_body(fourth, second), 422, "ran out at 2020-02-01T00:00:00Z", "have an entitlement issued")
    expect(cluster.put(second, "still-written", "x"), "LIC-07: writes go on")
    second.kill()
    third = cluster.active(without=(fourth,))
    expect(third is not second and cluster.put(third, "written-after", "x"), "LIC-07: fail-over")
    info = third.client().call("GET", "info")
    facts = info["License"]
    expect(not facts["Valid"] and "ran out" in facts["Reason"] and "server-4" in facts["Endpoints"], f"LIC-05: {facts}")
    expect(facts["Licenses"] == [{"Name": "ha", "SoftExpireDate": "2020-01-01T00:00:00Z", "Active": False,
                                  "HardExpireDate": "2020-02-01T00:00:00Z", "Expired": True}], f"{facts}")
    expect(any("ran out" in text for text in info["errors"]), f"LIC-07: {info['errors']}")

    second.start(wait=False)
    install(third, issuer.pack([*listed, "server-4"], SoftExpireDate="2020-01-01T00:00:00Z"))
    facts = license_of(third)
    expect(facts["Valid"] and facts["Licenses"][0]["Expired"], f"past the soft date alone: {facts}")
    wait_for(lambda: all(not peer["Offline"] for peer in third.client().call("GET", "system/consensus/peers")), 20,
             "the killed one to be back")
    cluster.enroll(fourth, third)
    wait_member(cluster, fourth)


def test_without(cluster):
    """Without --entitlement-key nobody asks for anything, whatever is installed."""
    node = cluster.nodes[0]
    cluster.found(node)
    expect(license_of(node) == {"Licenses": []}, "no License where none is asked for")


def run(daemon):
    need_program("openssl")
    with Workplace(daemon) as workplace:
        test_without(Cluster(workplace, 1).start())
        print("test_without", flush=True)
    with Workplace(daemon) as workplace:
        issuer, stranger = Issuer(workplace.path, "issuer"), Issuer(workplace.path, "stranger")
        test_keys(workplace, issuer)
        print("test_keys", flush=True)
        cluster = Cluster(workplace, 3, extra=["--entitlement-key", str(issuer.open)]).start()
        first, second, third = cluster.nodes
        test_founding(cluster, first, issuer, stranger)
        print("test_founding", flush=True)
        cluster.enroll(second)  # LIC-03: it has none of its own
        wait_member(cluster, second)
        test_unlisted(cluster, first, third)
        print("test_unlisted", flush=True)
        listed = ["server-1", "server-2", "server-3"]
        install(second, issuer.pack(listed))  # LIC-06: live, through a passive
        cluster.enroll(third)
        wait_member(cluster, third)
        expect(own_id(third) in peer_ids(first), "LIC-06")
        print("LIC-06", flush=True)
        test_fail_over(cluster, issuer, listed)
        print("test_fail_over", flush=True)


if __name__ == "__main__":
    run(sys.argv[1])
