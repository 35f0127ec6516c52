"""What tests of a cluster share beside the harness: the CLI, expectations, raw enrolment calls."""
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile

from harness import PASSWORD, USER, wait_for


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


class Cli:
    """The `holdfast` binary, speaking to one node at a time, with a home of its own."""

    def __init__(self, binary, home):
        self.binary, self.home = binary, pathlib.Path(home)
        self.home.mkdir(exist_ok=True)

    def run(self, node, *words, timeout=120):
        """(exit code, stdout, stderr)"""
        variables = {"HOME": str(self.home), "PATH": os.environ["PATH"],
                     "RS_ENDPOINT": f"https://{node.address}:{node.api_port}"}
        done = subprocess.run([self.binary, *words], env=variables, capture_output=True, text=True, timeout=timeout)
        return done.returncode, done.stdout, done.stderr

    def ha(self, node, *words, timeout=120):
        """The decoded output of a `system ha` command that must succeed."""
        code, out, err = self.run(node, "system", "ha", *words, timeout=timeout)
        expect(code == 0, f"holdfast system ha {' '.join(words)}: {code}: {err}")
        return json.loads(out) if out.strip() else None

    def refused(self, node, *words, timeout=120):
        """The error text of a `system ha` command that must fail."""
        code, out, err = self.run(node, "system", "ha", *words, timeout=timeout)
        expect(code == 1, f"holdfast system ha {' '.join(words)} ended with {code}: {out[:300]}")
        return err

    def enroll(self, via, target, *pairs, timeout=120):
        return self.ha(via, "enroll", url_of(target), USER, PASSWORD, *pairs, timeout=timeout)


def url_of(node):
    return f"https://{node.address}:{node.api_port}"


def own_id(node):
    return node.state_file()["ConsensusID"]


def file_hash(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def state_hash(node):
    return file_hash(node.root / "ha-state.json")


def tree_hashes(folder):
    folder = pathlib.Path(folder)
    return {str(path.relative_to(folder)): file_hash(path) for path in folder.rglob("*") if path.is_file()}


def post_enroll(node, body):
    status, _, data = node.client(timeout=90).request("POST", "/api/v3/system/consensus/enroll", body)
    return status, data.decode()


def refused(node, body, status, *texts):
    """The node must refuse with this status, naming the texts, and keep its settings file as it was."""
    before = state_hash(node)
    got, answer = post_enroll(node, body)
    expect(got == status, f"expected {status}, got {got}: {answer[:400]}")
    for text in texts:
        expect(text.lower() in answer.lower(), f"'{text}' is missing in: {answer[:400]}")
    expect(state_hash(node) == before, f"SEL-07: a refused enrolment changed ha-state.json ({answer[:200]})")
    return answer


def peers(node, timeout=5):
    return node.client(timeout=timeout).call("GET", "system/consensus/peers")


def peer_ids(node):
    return sorted(peer["ConsensusID"] for peer in peers(node))


def term_of(node):
    return node.client().call("GET", "system/consensus/health")["Term"]


def wait_member(cluster, node, seconds=60):
    """Until all living members list the node and it votes."""
    def votes():
        health = node.client(timeout=2).call("GET", "system/consensus/health")
        return not health["Joining"] and health["Role"] in ("follower", "leader")
    wait_for(lambda: quietly(votes), seconds, f"{node.address} to have a vote")


def quietly(condition):
    """False while the node cannot be asked."""
    try:
        return condition()
    except (OSError, AssertionError, KeyError, __import__("http").client.HTTPException):
        return False


def write_json(value):
    handle, path = tempfile.mkstemp(suffix=".json")
    with os.fdopen(handle, "w") as file:
        json.dump(value, file)
    return path
