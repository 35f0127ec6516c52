"""Three and more daemons become a cluster, lose members, take them back (SEL, ENR, REM, CON, STA, WAL-03)."""
import sys
import threading
import time

from cluster_harness import TRANSPORT, Cluster, node_serves
from harness import Workplace, wait_for


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def refusal(node, body, status):
    got, _, data = node.client(timeout=60).request("POST", "/api/v3/system/consensus/enroll", body)
    expect(got == status, f"expected {status}, got {got}: {data[:400]!r}")
    return data.decode()


def test_formation(cluster):
    cluster.form()
    ids = [node.state_file()["ConsensusID"] for node in cluster.nodes]
    active = cluster.active()
    for node in cluster.nodes:
        client = node.client()
        peers = client.call("GET", "system/consensus/peers")
        expect(sorted(peer["ConsensusID"] for peer in peers) == sorted(ids), f"STA-04: {peers}")
        expect(client.call("GET", "system/consensus/leader") == active.state_file()["ConsensusID"], "STA-02")
        expect([peer["Passive"] for peer in peers].count(False) == 1, "CON-07")
        state = wait_for(lambda n=node: (lambda s: s if s["ConsensusJoin"] else None)(n.state_file()), 5, "HST-16")
        expect(state["HaID"] == "testers" and state["Roots"] and state["Token"], "CON-08")
    wait_for(lambda: all(node.state_file()["ConsensusJoin"] == active.state_file()["ApiUrl"]
                         for node in cluster.nodes), 5, "D-05: ConsensusJoin of all is the active's URL")
    expect("even" not in str(active.client().call("GET", "system/consensus/fullstate")["Warnings"]), "PRE-14")


class Balancer(threading.Thread):
    """As a load balancer does, it asks every member whether it is the one to send to (VIP-13, architecture §7)."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster, self.ended = cluster, threading.Event()
        self.rounds, self.two = 0, []

    @staticmethod
    def green(node):
        try:
            return node.client(timeout=1, authorization="").request("GET", "/health/active")[0] == 200
        except TRANSPORT:
            return False

    def poll(self):
        """Those that say so. A switch between two questions is no overlap: who said it first is asked again."""
        greens = [node for node in self.cluster.nodes if self.green(node)]
        if len(greens) > 1:
            greens = [node for node in greens[:-1] if self.green(node)] + greens[-1:]
        return greens

    def run(self):
        while not self.ended.is_set():
            greens = self.poll()
            self.rounds += 1
            if len(greens) > 1:
                self.two.append([node.address for node in greens])
            time.sleep(0.01)

    def stop(self):
        self.ended.set()
        self.join()
        expect(not self.two, f"VIP-13: sent to two of them at once: {self.two[:3]}")
        expect(self.rounds > 20, f"VIP-13: only {self.rounds} rounds")


def test_balancer(cluster):
    """VIP-13, PRE-13: one member is green, never two; a balancer that polls once a second finds the next one with its
    first poll after a hand-over or a fail-over."""
    balancer = Balancer(cluster)
    balancer.start()
    active = cluster.active()
    wait_for(lambda: balancer.poll() == [active], 1, "VIP-13: the active one alone")
    for _ in range(3):
        name = cluster.active().client(timeout=10).call("POST", "system/passive")
        wait_for(lambda: balancer.poll() == [cluster.node_of(name)], 1, "VIP-13: the next one, a second after a hand-over")
    active = cluster.active()
    active.kill()

    def writes():
        """As the balancer's clients: to the green one, when there is one."""
        greens = balancer.poll()
        if not greens:
            return None
        status, _, data = greens[0].client(timeout=5).request("POST", "/api/v3/profiles", {"Name": "through-it"})
        expect(status == 201, f"VIP-13: a green one refuses a write: {status} {data[:200]}")
        return greens[0]
    found = wait_for(writes, 10, "VIP-13: a green one after the fail-over")
    expect(balancer.poll() == [found] and found is not active, "VIP-13: one alone after the fail-over")
    active.start()
    expect(cluster.active() is found, "VIP-13: and it stays")
    balancer.stop()


def test_replication(cluster):
    active = cluster.active()
    for number in range(20):
        cluster.put(active, f"replicated-{number}", str(number))
    for node in cluster.nodes:
        wait_for(lambda n=node: cluster.local(n, "replicated-19") == "19", 5, f"the write on {node.address}")
    wait_for(lambda: active.client().call("POST", "system/consensus/failOverSafe?waitFor=5s"), 6, "STA-07")


def test_equal_files(cluster):
    cluster.wait_at_rest()
    digests = cluster.wal_digests()
    expect(all(digest == digests[0] for digest in digests), f"WAL-03: {digests}")


def test_kill_active(cluster):
    active = cluster.active()
    acknowledged = []
    for number in range(30):
        cluster.put(active, f"before-kill-{number}", str(number))
        acknowledged.append(f"before-kill-{number}")
    began = time.monotonic()
    active.kill()
    others = [node for node in cluster.nodes if node is not active]

    def write():
        for node in others:
            try:
                status, _, data = node.client(timeout=2).request(
                    "POST", "/api/v3/profiles", {"Name": f"after-{time.monotonic_ns()}"})
                if status == 201:
                    return True
            except TRANSPORT:
                pass
        return False
    wait_for(write, 10, "a write after the active was killed", step=0.005)
    print(f"SIGKILL of the active to the next acknowledged write: {(time.monotonic() - began) * 1000:.0f} ms")
    after = cluster.active()
    for key in acknowledged:
        expect(cluster.local(after, key) is not None, f"CON-04: {key} was acknowledged and is lost")
    active.start()
    cluster.active()
    wait_for(lambda: cluster.local(active, acknowledged[-1]) is not None, 10, "the killed node to catch up")


def test_transfer(cluster):
    active = cluster.active()
    began = time.monotonic()
    name = active.client(timeout=10).call("POST", "system/passive")
    print(f"planned hand-over: {(time.monotonic() - began) * 1000:.0f} ms")
    expect(name and name != active.state_file()["ConsensusID"], f"the role moved: {name}")
    expect(cluster.active() is cluster.node_of(name), "all agree on the new active")


def test_refusals(cluster):
    spare = cluster.add_node().start()
    wait_for(lambda: node_serves(spare), 20, "the spare node to serve")
    before = (spare.root / "ha-state.json").read_bytes()
    active = cluster.active(without=(spare,))
    peers = active.client().call("GET", "system/consensus/peers")
    good = cluster.join_body(spare, active)
    for change, status, text in [
            ({"ConsensusAddr": "203.0.113.7:8093"}, 422, "not an address of this host"),
            ({"ConsensusAddr": "nonsense"}, 422, "ConsensusAddr"),
            ({"ConsensusAddr": f"{spare.address}:0"}, 422, "ConsensusAddr"),
            ({"HaID": "another"}, 422, "HaID"),
            ({"VirtAddr": "192.0.2.77"}, 422, "VirtAddr"),
            ({"LoadBalanced": False, "VirtInterface": "lo"}, 422, "LoadBalanced"),
            ({"VirtInterface": "lo"}, 422, "VirtInterface"),
            ({"Token": "wrong"}, 401, "token"),
            ({"Roots": []}, 422, "Roots"),
            ({"Observer": "yes"}, 400, "Observer"),
            ({"ConsensusID": "550e8400-e29b-41d4-a716-446655440000"}, 422, "ConsensusID"),
    ]:
        answer = refusal(spare, {**good, **change}, status)
        expect(text.lower() in answer.lower(), f"{change}: {answer}")
    taken = refusal(cluster.nodes[1], {**good, "ConsensusID": cluster.nodes[1].state_file()["ConsensusID"]}, 422)
    expect("already" in taken, taken)
    expect((spare.root / "ha-state.json").read_bytes() == before, "SEL-07: a refused enrolment changed the state")
    after = active.client().call("GET", "system/consensus/peers")
    expect(len(after) == len(peers), "ENR-10: the cluster changed")
    return spare


def test_late_joiner(cluster, spare):
    own = spare.state_file()["ConsensusID"]
    spare.client().call("POST", "profiles", {"Name": "only-here"})
    cluster.enroll(spare, cluster.active(without=(spare,)))
    expect(spare.state_file()["ConsensusID"] == own, "HST-15")
    wait_for(lambda: cluster.local(spare, "replicated-19") == "19", 10, "the newcomer to hold the data")
    expect(cluster.local(spare, "only-here") is None, "ENR-04: the old data are still served")
    expect(list((spare.root / "backup").iterdir()), "ENR-04: no backup")
    warning = str(cluster.active().client().call("GET", "system/consensus/fullstate")["Warnings"])
    expect("even number" in warning, f"C-13: {warning}")


def test_remove(cluster, node):
    active = cluster.active(without=(node,))
    own = node.state_file()["ConsensusID"]
    status, _, data = active.client().request(
        "DELETE", f"/api/v3/system/consensus/node/{active.state_file()['ConsensusID']}")
    expect(status == 409, f"REM-04: {status} {data!r}")
    status, _, data = active.client().request("DELETE", "/api/v3/system/consensus/node/server-2")
    expect(status == 404 and b"ConsensusID" in data, f"REM-02: {status} {data!r}")
    status, _, data = active.client().request(
        "DELETE", "/api/v3/system/consensus/node/550e8400-e29b-41d4-a716-446655440000")
    expect(status == 404 and b"peers" in data, f"REM-08: {status} {data!r}")
    active.client(timeout=20).call("DELETE", f"system/consensus/node/{own}")
    peers = active.client().call("GET", "system/consensus/peers")
    expect(own not in [peer["ConsensusID"] for peer in peers], "REM-01")
    cluster.enroll(node, active)
    expect(node.state_file()["ConsensusID"] == own, "HST-15 after REM-09")
    peers = active.client().call("GET", "system/consensus/peers")
    expect(own in [peer["ConsensusID"] for peer in peers], "REM-09")


def main():
    with Workplace(sys.argv[1]) as workplace:
        cluster = Cluster(workplace)
        for test in (test_formation, test_replication, test_equal_files, test_kill_active, test_transfer, test_balancer):
            began = time.monotonic()
            test(cluster)
            print(f"{test.__name__}: {time.monotonic() - began:.1f} s", flush=True)
        spare = test_refusals(cluster)
        print("test_refusals", flush=True)
        test_late_joiner(cluster, spare)
        print("test_late_joiner", flush=True)
        test_remove(cluster, spare)
        print("test_remove", flush=True)
        test_equal_files(cluster)


if __name__ == "__main__":
    main()
