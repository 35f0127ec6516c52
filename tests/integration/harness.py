"""Starts real holdfastd processes on loopback addresses and talks to them; standard library alone.

Every wait is for a condition with a deadline. A test that cannot run here exits 77 with the reason, which
Meson counts as skipped.
"""
import base64
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

USER = "rocketskates"
PASSWORD = "r0cketsk8ts"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
SKIP = 77


def skip(reason):
    print(f"skipped: {reason}", file=sys.stderr)
    sys.exit(SKIP)


def free_port(address="127.0.0.1"):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def wait_for(condition, seconds, what, step=0.01):
    """Polls until the condition holds and returns its value; fails naming what was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(step)


def client_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Client:
    """One kept connection. A transport error raises OSError or http.client.HTTPException: outcome unknown."""

    def __init__(self, address, port, timeout=5.0, authorization=BASIC):
        self.address, self.port, self.timeout = address, port, timeout
        self.authorization = authorization
        self.context = client_context()
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def request(self, method, path, body=None, headers=None):
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(
                self.address, self.port, timeout=self.timeout, context=self.context)
        send = {"Authorization": self.authorization, "Content-Type": "application/json"}
        send.update(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        try:
            self.connection.request(method, path, body=body, headers=send)
            answer = self.connection.getresponse()
            data = answer.read()
        except BaseException:
            self.close()
            raise
        return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), data

    def call(self, method, path, body=None, headers=None):
        """The decoded answer of a request that must succeed."""
        status, _, data = self.request(method, "/api/v3/" + path, body, headers)
        if status >= 400:
            raise AssertionError(f"{method} {path}: {status} {data[:400]!r}")
        return json.loads(data) if data else None


class Node:
    """One daemon with a base root of its own."""

    def __init__(self, daemon, root, address="127.0.0.1", api_port=None, consensus_port=None, extra=()):
        self.daemon, self.root, self.address = daemon, pathlib.Path(root), address
        self.api_port = api_port or free_port(address)
        self.consensus_port = consensus_port or free_port(address)
        self.extra = list(extra)
        self.authorization = BASIC
        self.process = None
        self.log_path = self.root.parent / (self.root.name + ".log")

    def start(self, wrapper=(), wait=True, timeout=20.0):
        self.root.mkdir(parents=True, exist_ok=True)
        self.log = open(self.log_path, "ab")
        command = [*wrapper, self.daemon, "--base-root", str(self.root), "--static-ip", self.address,
                   "--api-port", str(self.api_port), "--consensus-port", str(self.consensus_port), *self.extra]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        self.log.close()
        if wait:
            wait_for(self.ready, timeout, f"node {self.address}:{self.api_port} to serve")
        return self

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.log_tail()}")
        try:
            status, _, _ = Client(self.address, self.api_port, timeout=2.0).request("GET", "/health/ready")
            return status == 200
        except (OSError, http.client.HTTPException):
            return False

    def log_text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self, lines=30):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def kill(self):
        self.process.kill()
        self.process.wait()

    def terminate(self, timeout=15.0):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def wait_end(self, timeout):
        return self.process.wait(timeout)

    def client(self, **options):
        return Client(self.address, self.api_port, **{"authorization": self.authorization, **options})

    def state_file(self):
        return json.loads((self.root / "ha-state.json").read_text())


class Workplace:
    """A temporary folder and the nodes in it; kept, and named, when the test fails."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-test-"))
        self.nodes = []

    def node(self, name="n1", **options):
        node = Node(self.daemon, self.path / name, **options)
        self.nodes.append(node)
        return node

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                node.process.send_signal(signal.SIGCONT)
                node.kill()
        if kind is None or (kind is SystemExit and error.code in (0, SKIP)):
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            print(f"kept for inspection: {self.path}", file=sys.stderr)
            for node in self.nodes:
                print(f"--- {node.log_path}\n{node.log_tail()}", file=sys.stderr)


def need_root():
    if os.geteuid() != 0:
        skip("needs root")


def need_program(name):
    if shutil.which(name) is None:
        skip(f"needs the program {name}")
