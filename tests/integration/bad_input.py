#!/usr/bin/env python3
"""Bad input from the network: a clear error in the contract's shape or a closed connection, bounded memory,
and a node that goes on serving.

    bad_input.py DAEMON
"""
import json
import pathlib
import socket
import ssl
import sys
import time

from harness import BASIC, Workplace, client_context, wait_for
from websocket_client import BINARY, WebSocket

AUTH = b"Host: x\r\nAuthorization: " + BASIC.encode() + b"\r\n"
MEMORY_KB = 96 * 1024  # what all of this together may add to the daemon


def tls(node, timeout=10.0):
    raw = socket.create_connection((node.address, node.api_port), timeout=timeout)
    return client_context().wrap_socket(raw)


def client_hello():
    """The first bytes of a handshake, as a real client sends them."""
    out = ssl.MemoryBIO()
    session = client_context().wrap_bio(ssl.MemoryBIO(), out)
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


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


def bodies(node):
    """Refused with the contract's error: what is no JSON, no object, too deep, not UTF-8, or of another type."""
    deep = "[" * 2000 + "]" * 2000
    refused(node, "POST", "/api/v3/profiles", "[" * 100000 + "]" * 100000, 400)
    for method, path in (("POST", "profiles"), ("PUT", "profiles/bob"), ("PATCH", "profiles/bob"),
                         ("POST", "profiles/bob/params/x"), ("PATCH", "profiles/bob/params"),
                         ("PATCH", "meta/profiles/bob"), ("POST", "prefs"), ("POST", "events"),
                         ("POST", "contents"), ("PUT", "users/rocketskates/password")):
        path = "/api/v3/" + path
        refused(node, method, path, "{\"Name\": ", 400)
        refused(node, method, path, deep, 400)
        refused(node, method, path, b"{\"Name\":\"\xff\xfe\"}", 400)
        refused(node, method, path, "{}", 400, {"Content-Type": "text/plain"}, "Invalid content type: text/plain")
        refused(node, method, path, "{} {}", 400)
    for number in ("0." + "0" * 400 + "12345678901234567890123", "0.0000000001234567890123456789e-320", "1e-99999",
                   "0e92", "-8838888617828888801356378e283"):
        status, _, data = node.client().request("PUT", "/api/v3/profiles/bob", '{"Name":"bob","Params":{"x":%s}}' % number)
        assert status == 200, (number, status, data[:200])
    for number in ("-8838888617828888801356378e288", "1.8e308", "1e309"):
        refused(node, "PUT", "/api/v3/profiles/bob", '{"Name":"bob","Params":{"x":%s}}' % number, 400)
    nested = b"[{\"op\":\"add\",\"path\":\"/Params/x\",\"value\":" + b"[" * 200 + b"]" * 200 + b"}]"
    refused(node, "PATCH", "/api/v3/profiles/bob", nested, 400)
    pack = b"{\"meta\":{\"Name\":\"p\"},\"sections\":{\"profiles\":{\"q\":{\"Name\":\"q\",\"Params\":{\"x\":"
    refused(node, "POST", "/api/v3/contents", pack + b"[" * 200 + b"]" * 200 + b"}}}}}", 400)
    refused(node, "POST", "/api/v3/profiles", "[]", 400)
    refused(node, "POST", "/api/v3/profiles", "{\"Name\":5}", 400)
    refused(node, "POST", "/api/v3/profiles", "{\"Name\":\"a/../b\"}", 422)
    refused(node, "PATCH", "/api/v3/profiles/bob", "[{\"op\":\"fly\",\"path\":\"/Name\"}]", 400)
    refused(node, "PATCH", "/api/v3/profiles/bob", "{}", 400)
    refused(node, "PATCH", "/api/v3/profiles/bob", [{"op": "copy", "from": "", "path": "/Params/x"}] * 40, 409,
            text="nested too deeply")


def requests(node):
    refused(node, "GET", "/api/v3/freds/john", None, 404, text="No route")
    refused(node, "FROB", "/api/v3/profiles", None, 405)
    refused(node, "OPTIONS", "/api/v3/profiles", None, 405)
    refused(node, "DELETE", "/api/v3/info", None, 405, text="Method not allowed")
    refused(node, "GET", "/api/v3/profiles?limit=-1", None, 406, text="Limit cannot be negative")
    refused(node, "GET", "/api/v3/profiles?limit=99999999999999999999", None, 406)
    refused(node, "GET", "/api/v3/profiles?consistency=maybe", None, 406, text="linear or local")
    refused(node, "GET", "/api/v3/profiles/bob", None, 400, {"Prefer": "wait=soon"}, "Prefer")
    refused(node, "GET", "/api/v3/profiles/bob", None, 400, {"If-None-Match": "no quotes"}, "If-None-Match")
    refused(node, "POST", "/api/v3/profiles", "{}", 400, {"Idempotency-Key": "x" * 201}, "Idempotency-Key")
    refused(node, "GET", "/api/v3/profiles/bob", None, 403, {"Authorization": "Bearer nonsense"}, "Invalid token")
    assert node.client(authorization="Basic !!!").request("GET", "/api/v3/info")[0] in (400, 401, 403)

    for path in (b"/api/v3/files/../../etc/passwd", b"/api/v3/files/%2e%2e/%2e%2e/etc/passwd",
                 b"/api/v3/files/..%2f..%2fetc/passwd", b"/api/v3/profiles/%ff%fe", b"/api/v3/profiles/a%00b",
                 b"/api/v3/profiles/%zz", b"/api/v3/profiles?Name=%ff", b"//../etc/passwd"):
        answer = raw_exchange(node, b"GET " + path + b" HTTP/1.1\r\n" + AUTH + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 400"), (path, answer[:200])
        assert b"root:" not in answer


def malformed(node):
    """What is no HTTP is answered 400 (or 431, 501, 505) or cut, and never reaches a route."""
    body = b"{\"Name\":\"smuggled\"}"
    head = b"POST /api/v3/profiles HTTP/1.1\r\n" + AUTH + b"Content-Type: application/json\r\n"
    for payload in (b"\x16\x03\x01garbage" * 20, b"GET\r\n\r\n", b"GET /api/v3/info HTTP/9.9\r\n" + AUTH + b"\r\n",
                    b"GET /api/v3/info HTTP/1.1\r\nNo colon here\r\n\r\n",
                    b"GET /api/v3/info HTTP/1.1\r\nX\x00Y: z\r\n" + AUTH + b"\r\n",
                    b"GET /api/v3/info HTTP/1.1\r\n" + AUTH + b"A: b\r\n" * 5000 + b"\r\n",
                    b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\n" + AUTH + b"\r\n",
                    head + b"Content-Length: 21\r\nTransfer-Encoding: chunked\r\n\r\n" + body,
                    head + b"Content-Length: 21\r\nContent-Length: 5\r\n\r\n" + body,
                    head + b"Content-Length: -5\r\n\r\n" + body,
                    head + b"Content-Length: 99999999999999999999999\r\n\r\n" + body,
                    head + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + body,
                    head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + body,
                    head + b"Transfer-Encoding: gzip\r\n\r\n" + body):
        answer = raw_exchange(node, payload)
        status = answer[9:12]
        assert answer == b"" or status in (b"400", b"413", b"431", b"501", b"505"), (payload[:80], answer[:200])
    assert node.client().request("GET", "/api/v3/profiles/smuggled")[0] == 404
    # Plain HTTP on the TLS port, and bytes that are nothing.
    for payload in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 4096):
        with socket.create_connection((node.address, node.api_port), timeout=10) as plain:
            plain.sendall(payload)
            try:
                assert b"200 OK" not in plain.recv(4096)
            except OSError:
                pass


def large(node):
    """64 MiB of header, of declared body and of undeclared body."""
    head = b"GET /api/v3/info HTTP/1.1\r\nHost: x\r\nX-Big: "
    answer = raw_exchange(node, head + b"a" * (64 << 20) + b"\r\n\r\n", timeout=60)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400")), answer[:200]
    body = b"{\"Name\":\"" + b"b" * (64 << 20) + b"\"}"
    head = b"POST /api/v3/profiles HTTP/1.1\r\n" + AUTH + b"Content-Type: application/json\r\n"
    for rest in (b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body,
                 b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"):
        answer = raw_exchange(node, head + rest, timeout=60)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 413"), answer[:200]
    for path in (b"jobs/x/log", b"files/x"):
        answer = raw_exchange(node, b"PUT /api/v3/" + path + b" HTTP/1.1\r\n" + AUTH + b"Content-Length: " +
                              str(len(body)).encode() + b"\r\n\r\n" + body, timeout=60)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer[:200]


def websockets(node):
    """A frame that is too long, no text, not masked, or no registration ends its connection and no other."""
    good = WebSocket(node)
    good.send("register profiles.*.*")
    assert good.receive()["Type"] == "websocket"
    for bad in (lambda s: s.frame(b"x" * 100, length=1 << 62), lambda s: s.frame(b"register a.b.c", masked=False),
                lambda s: s.frame(b"register a.b.c", opcode=BINARY), lambda s: s.frame(b"\xff\xfe"),
                lambda s: s.frame(b"x" * (1 << 20)), lambda s: s.send("hello"),
                lambda s: s.frame(b"register a.b.c", opcode=7)):
        session = WebSocket(node)
        assert session.status == 101
        try:
            bad(session)
        except OSError:
            pass  # the server may close while we still send
        assert session.receive(30) is None
        session.close()
    refused_pattern = WebSocket(node)
    refused_pattern.send("register nodots")
    assert refused_pattern.receive()["Action"] == "error"
    refused_pattern.close()
    node.client().call("POST", "profiles", {"Name": "still-here"})
    assert good.receive()["Key"] == "still-here"
    good.close()


def slow(node):
    """Half-open TLS (nothing sent, or half a ClientHello), slow heads and slow bodies, silent or a byte now and then:
    many of them must not keep others from being served, and each is cut in the end."""
    half_open = [socket.create_connection((node.address, node.api_port)) for _ in range(200)]
    for connection in half_open[::2]:
        connection.sendall(client_hello()[:100])
    heads, drips = [], []
    for _ in range(50):
        connection = tls(node)
        connection.sendall(b"GET /api/v3/info HTTP/1.1\r\nHo")
        heads.append(connection)
        connection = tls(node)
        connection.sendall(b"POST /api/v3/profiles HTTP/1.1\r\n" + AUTH + b"Content-Type: application/json\r\n"
                           b"Content-Length: 1000000\r\n\r\n{")
        drips.append(connection)
    began = time.monotonic()
    assert node.client().call("GET", "profiles/bob")["Name"] == "bob"
    assert time.monotonic() - began < 5.0

    def cut(connection):
        connection.settimeout(0.05)
        try:
            return not connection.recv(4096).startswith(b"HTTP/1.1 2")
        except TimeoutError:
            return False
        except OSError:
            return True

    def cut_though_fed(connection):
        try:
            connection.sendall(b"x")
        except OSError:
            return True
        return cut(connection)

    wait_for(lambda: cut_though_fed(heads[0]), 60, "a head of a byte now and then to be cut", step=0.5)
    wait_for(lambda: cut_though_fed(drips[0]), 120, "a body of a byte now and then to be cut", step=0.5)
    for what, connections in (("half-open handshakes", half_open), ("slow heads", heads), ("slow bodies", drips)):
        left = list(connections)

        def all_cut():
            left[:] = [connection for connection in left if not cut(connection)]
            return not left

        wait_for(all_cut, 120, f"all {what} to be cut", step=0.2)
    for connection in half_open + heads + drips:
        connection.close()


def main():
    with Workplace(sys.argv[1]) as place:
        node = place.node().start()
        node.client().call("POST", "profiles", {"Name": "bob"})
        before = resident_kb(node)
        for part in (bodies, requests, malformed, large, websockets, slow):
            part(node)
            grown = resident_kb(node) - before
            assert grown < MEMORY_KB, f"after {part.__name__} memory has grown by {grown} KiB"
            assert node.client().call("GET", "profiles/bob")["Name"] == "bob"
        assert node.terminate() == 0
        print(f"every bad input was answered or cut, memory grew by {grown} KiB; the node went on serving")


if __name__ == "__main__":
    main()
