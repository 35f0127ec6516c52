"""Who writes, at every moment: a process in each member's namespace asks that very member, as a fellow member would
(so it answers itself or refuses, and passes nothing on), to write; all the time.

What is acknowledged is written down with its time and the member's term. The term only grows, so a write between two
looks that saw the same term was acknowledged by that term's leader. Two writers at one moment are then told from
honest succession for certain: two members acknowledged in one term, or a write of an older term was begun after one
of a newer term had been acknowledged."""
import http.client
import itertools
import json
import os
import signal
import socket
import ssl
import time

from harness import BASIC
from member_calls import SERVER_NAME, Authority
from vip_rig import Journal, enter
from vip_tickets import raft_id

PAUSE = 0.01


def judge(rows):
    """Of [member, term, began, ended]: the first contradiction, or nothing."""
    leaders, newest = {}, None
    by_end = sorted(rows, key=lambda row: row[3])
    at = 0
    for row in sorted(rows, key=lambda row: row[2]):
        member, term, began, _ = row
        if leaders.setdefault(term, member) != member:
            return f"members {leaders[term]} and {member} both acknowledged writes in term {term}"
        while at < len(by_end) and by_end[at][3] < began:
            if newest is None or by_end[at][1] > newest[1]:
                newest = by_end[at]
            at += 1
        if newest and term < newest[1]:
            return (f"member {member} acknowledged a write of term {term} that was begun at {began:.3f}, after member "
                    f"{newest[0]} had acknowledged one of term {newest[1]} at {newest[3]:.3f}")
    return None


def self_test():
    honest = [["a", 1, 0.0, 0.1], ["a", 1, 0.2, 0.5], ["b", 2, 0.4, 0.6], ["b", 2, 0.7, 0.8], ["a", 3, 0.9, 1.0]]
    assert judge(honest) is None, judge(honest)
    assert judge([*honest, ["c", 2, 0.7, 0.8]]) is not None
    assert judge([*honest, ["a", 1, 0.61, 0.7]]) is not None
    assert judge([*honest, ["a", 1, 0.59, 0.7]]) is None  # began before the newer one was acknowledged


class WriterSamples:
    """Use as a context manager, on a cluster that has formed."""

    def __init__(self, cluster, folder):
        self.cluster, self.folder, self.pids, self.journals = cluster, folder, [], {}

    def __enter__(self):
        self_test()
        nodes = self.cluster.nodes
        authority = Authority(self.folder / "authority", nodes[0].state_file()["Roots"][0])
        client = self.cluster.active(30).client()
        for node in nodes:
            client.call("POST", "profiles", {"Name": f"writer-{node.k}"})
            # As some other member: nobody is passed on what it sent itself.
            other = nodes[node.k % len(nodes)]
            credential = authority.issue(raft_id(other), "127.0.0.1")
            path = self.folder / f"writes-of-{node.k}.jsonl"
            self.journals[node.k] = Journal(path)
            pid = os.fork()
            if pid == 0:
                try:
                    enter(self.cluster.rig.ns(node.k))
                    sample(node, credential, path)
                finally:
                    os._exit(1)
            self.pids.append(pid)
        return self

    def rows(self):
        return [[k, *row] for k, journal in self.journals.items() for row in journal.read()]

    def check(self):
        """Raises when two members wrote at one moment."""
        rows = self.rows()
        why = judge(rows)
        if why:
            raise AssertionError(f"CON-02: two writers: {why}")
        return rows

    def __exit__(self, *_):
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


class Asker:
    """A kept connection that shows a member's certificate."""

    def __init__(self, node, credential):
        self.port, self.connection = node.api_port, None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        self.context.load_cert_chain(*map(str, credential))

    def request(self, method, path, body=None):
        """(status, data), or nothing: unknown."""
        try:
            if self.connection is None:
                raw = socket.create_connection(("127.0.0.1", self.port), timeout=1.0)
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1.0)
                self.connection.sock = self.context.wrap_socket(raw, server_hostname=SERVER_NAME)
            self.connection.request(method, "/api/v3/" + path, body=body and json.dumps(body),
                                    headers={"Authorization": BASIC, "Content-Type": "application/json"})
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except Exception:  # a daemon that is gone, stopped or starts: all the same
            self.connection = None
            return None

    def term(self):
        answer = self.request("GET", "system/vip")
        return json.loads(answer[1])["Epoch"] if answer and answer[0] == 200 else None


def sample(node, credential, path):
    asker, before = Asker(node, credential), None
    with open(path, "w", buffering=1) as out:
        for number in itertools.count():
            began = time.monotonic()
            answer = asker.request("PUT", f"profiles/writer-{node.k}",
                                   {"Name": f"writer-{node.k}", "Description": f"{node.k} {number}"})
            ended = time.monotonic()
            term = asker.term() if answer and answer[0] < 300 else None
            if term is not None and term == before:
                out.write(json.dumps([term, began, ended]) + "\n")
            before = term
            time.sleep(PAUSE)
