#!/usr/bin/env python3
"""Bad input from the network: a clear error in the contract's shape or a closed connection, bounded memory,
and a node that goes on serving.

    bad_input.py DAEMON
"""
import json
import pathlib
import socket
import sys
import time

from harness import BASIC, Workplace, client_context, wait_for


def tls(node, timeout=10.0):
    raw = socket.create_connection((node.address, node.api_port), timeout=timeout)
    return client_context().wrap_socket(raw)


def raw_exchange(node, payload, timeout=10.0):
    """Sends bytes and returns what came back until the server closed or the answer stopped."""
    with tls(node, timeout) as connection:
        try:
            connection.sendall(payload)
        except OSError:
            pass  # the server may close while we still send
        data = b""
        try:
            while True:
                piece = connection.recv(65536)
                if not piece:
                    break
                data += piece
                if b"\r\n\r\n" in data and b"content-length" in data.lower():
                    head, _, body = data.partition(b"\r\n\r\n")
                    length = int([line.split(b":")[1] for line in head.lower().split(b"\r\n")
                                  if line.startswith(b"content-length")][0])
                    if len(body) >= length:
                        break
        except OSError:
            pass
        return data


def resident_kb(node):
    for line in pathlib.Path(f"/proc/{node.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def refused(node, method, path, body, code, headers=None, text=None):
    status, _, data = node.client().request(method, path, body, headers)
    assert status == code, f"{method} {path}: {status} {data[:300]!r}, expected {code}"
    parsed = json.loads(data)
    assert set(parsed) == {"Model", "Key", "Type", "Messages", "Code"}, parsed
    assert parsed["Code"] == code and parsed["Messages"], parsed
    if text:
        assert text in " ".join(parsed["Messages"]), parsed
    return parsed


def main():
    with Workplace(sys.argv[1]) as place:
        node = place.node().start()
        node.client().call("POST", "profiles", {"Name": "bob"})
        deep = "[" * 100000 + "]" * 100000

        refused(node, "POST", "/api/v3/profiles", "{\"Name\": ", 400)
        refused(node, "POST", "/api/v3/profiles", "{}", 400, {"Content-Type": "text/plain"}, "Invalid content type")
        refused(node, "POST", "/api/v3/profiles", deep, 400)
        refused(node, "POST", "/api/v3/profiles", b"{\"Name\":\"\xff\xfe\"}", 400)
        refused(node, "GET", "/api/v3/freds/john", None, 404, text="No route")
        refused(node, "FROB", "/api/v3/profiles", None, 405)
        refused(node, "PATCH", "/api/v3/profiles/bob", "[{\"op\":\"fly\",\"path\":\"/Name\"}]", 400)
        refused(node, "GET", "/api/v3/profiles?limit=-1", None, 406, text="Limit cannot be negative")
        refused(node, "GET", "/api/v3/profiles/bob", None, 403, {"Authorization": "Bearer nonsense"}, "Invalid token")
        assert node.client(authorization="Basic !!!").request("GET", "/api/v3/info")[0] in (400, 401, 403)

        for path in (b"/api/v3/files/../../etc/passwd", b"/api/v3/files/%2e%2e/%2e%2e/etc/passwd",
                     b"/api/v3/profiles/%ff%fe", b"/api/v3/profiles/a%00b"):
            answer = raw_exchange(node, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nAuthorization: " +
                                  BASIC.encode() + b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 400"), answer[:200]
            assert b"root:" not in answer

        before = resident_kb(node)
        head = b"GET /api/v3/info HTTP/1.1\r\nHost: x\r\nX-Big: "
        answer = raw_exchange(node, head + b"a" * (64 << 20) + b"\r\n\r\n", timeout=60)
        assert answer == b"" or answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400")), answer[:200]
        body = b"{\"Name\":\"" + b"b" * (64 << 20) + b"\"}"
        answer = raw_exchange(node, b"POST /api/v3/profiles HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                              b"Authorization: " + BASIC.encode() + b"\r\nContent-Length: " +
                              str(len(body)).encode() + b"\r\n\r\n" + body, timeout=60)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 413"), answer[:200]
        grown = resident_kb(node) - before
        assert grown < 40 * 1024, f"64 MiB of header and body grew memory by {grown} KiB"

        # Half-open TLS and slow heads: many of them must not keep others from being served.
        half_open = [socket.create_connection((node.address, node.api_port)) for _ in range(200)]
        slow = []
        for _ in range(50):
            connection = tls(node)
            connection.sendall(b"GET /api/v3/info HTTP/1.1\r\nHo")
            slow.append(connection)
        began = time.monotonic()
        assert node.client().call("GET", "profiles/bob")["Name"] == "bob"
        assert time.monotonic() - began < 2.0

        def cut(connection):
            connection.settimeout(0.05)
            try:
                return connection.recv(4096) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        wait_for(lambda: cut(half_open[0]), 30, "a half-open handshake to be cut", step=0.2)
        wait_for(lambda: cut(slow[0]) or cut(slow[0]), 60, "a slow head to be cut", step=0.2)
        for connection in half_open + slow:
            connection.close()
        assert node.client().call("GET", "profiles/bob")["Name"] == "bob"
        assert node.terminate() == 0
        print("every bad input was answered or cut; the node went on serving")


if __name__ == "__main__":
    main()
