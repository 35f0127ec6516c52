#!/usr/bin/env python3
"""The log of a job through a fail-over: three members, append, kill -9 the active, append to the next one; what is read
is whole and in order. A PUT that the client sends again to the new active is appended once, as the agent's client does
when it lost its answer (contract §0.10, §5.1). Job log, content bundle and object are the same bytes on whichever member is active
(PRE-06; files and ISOs are not stored by this version).

    job_log_failover.py DAEMON
"""
import sys

from cluster_harness import TRANSPORT, Cluster
from harness import Workplace, wait_for

OCTETS = {"Content-Type": "application/octet-stream"}


def append(node, job, text):
    return node.client(timeout=10).request("PUT", f"/api/v3/jobs/{job}/log", text, OCTETS)[0]


def append_somewhere(cluster, job, text):
    """As a client that knows all members: the next one when one does not answer."""
    def tried():
        for node in cluster.alive():
            try:
                if append(node, job, text) == 204:
                    return True
            except TRANSPORT:
                pass
        return False
    wait_for(tried, 30, f"{text!r} to be appended")


def text_on(node, job):
    status, _, data = node.client(timeout=10).request("GET", f"/api/v3/jobs/{job}/log")
    assert status == 200, (status, data[:200])
    return data


def all_of_it(node, job):
    """From its own store: it is the active one."""
    out = [text_on(node, job)]
    for path in ("contents/of-all", "profiles/in-the-bundle", "profiles/of-all"):
        status, _, data = node.client(timeout=10).request("GET", "/api/v3/" + path)
        assert status == 200, (node.address, path, status, data[:200])
        out.append(data)
    return out


def same_on_every_member(cluster, job):
    """PRE-06."""
    text = "\u00e4 " * 1000
    client = cluster.active().client(timeout=10)
    client.call("POST", "contents", {"meta": {"Name": "of-all", "Version": "1.0"}, "sections": {
        "profiles": {"in-the-bundle": {"Name": "in-the-bundle", "Description": text}}}})
    client.call("POST", "profiles", {"Name": "of-all", "Description": text})
    first = all_of_it(cluster.active(), job)
    for node in cluster.nodes:
        active = cluster.active()
        if node is not active:
            active.client(timeout=10).call("POST", f"system/consensus/transfer/{node.state_file()['ConsensusID']}")
        assert wait_for(lambda: cluster.active(), 20, "the role") is node, "PRE-06: the role did not go where it was sent"
        assert all_of_it(node, job) == first, f"PRE-06: {node.address} serves other bytes"


def main():
    with Workplace(sys.argv[1]) as place:
        cluster = Cluster(place).form()
        first = cluster.active()
        client = first.client(timeout=10)
        client.call("POST", "tasks", {"Name": "one"})
        machine = client.call("POST", "machines", {"Name": "m1", "Tasks": ["one"]})["Uuid"]
        job = client.call("POST", "jobs", {"Machine": machine})["Uuid"]
        passive = next(node for node in cluster.nodes if node is not first)
        expected = f"Log for Job: {job}\n".encode()
        for number in range(20):
            line = b"line %d \xff\x00\n" % number
            assert append(first if number % 2 else passive, job, line) == 204
            expected += line
        # One active took both: these are two lines.
        for _ in range(2):
            assert append(first, job, b"same\n") == 204
            expected += b"same\n"
        last = b"x" * 300_000 + b"\n"
        assert append(first, job, last) == 204
        expected += last
        first.kill()
        # The client never saw the answer and sends it again.
        append_somewhere(cluster, job, last)
        second = cluster.active(without=(first,))
        assert text_on(second, job) == expected, "the repeat after the fail-over was appended a second time, or lines are lost"
        for number in range(20):
            line = b"after %d\n" % number
            append_somewhere(cluster, job, line)
            expected += line
        assert text_on(second, job) == expected
        first.start(wait=False)
        wait_for(lambda: first.ready(), 60, "the killed member to be back")
        cluster.wait_at_rest()
        for node in cluster.nodes:
            assert text_on(node, job) == expected, f"{node.address} gives out another log"
        same_on_every_member(cluster, job)
        second = cluster.active()
        second.kill()
        third = cluster.active(seconds=30, without=(second,))
        append_somewhere(cluster, job, b"end\n")
        assert text_on(third, job) == expected + b"end\n"
        print("job logs: whole and in order through two fail-overs, a repeat appended once; the same bytes on every member")


if __name__ == "__main__":
    main()
