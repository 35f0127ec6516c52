"""Watch fan-out: 100 clients that hear of every write, websockets here, the gateway's watch stream there."""
import asyncio
import base64
import json
import os
import ssl
import time

from systems import BASIC_AUTH, Etcd, Holdfast, b64
from table import percentile

WATCHERS = 100


async def open_holdfast(node):
    """A websocket of events, by its opening handshake (RFC 6455 §4.1) and one masked text frame."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(node.address, node.api_port, ssl=context)
    writer.write((f"GET /api/v3/ws HTTP/1.1\r\nHost: {node.address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
                  f"Authorization: {BASIC_AUTH}\r\n\r\n").encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 101 " in head.split(b"\r\n")[0], head
    text, mask = b"register profiles.update.*", os.urandom(4)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(text))
    writer.write(bytes([0x81, 0x80 | len(text)]) + mask + masked)
    await writer.drain()
    return reader, writer


async def open_etcd(node):
    reader, writer = await asyncio.open_connection(node.address, node.port)
    body = json.dumps({"create_request": {"key": b64("watched"), "range_end": b64("watchee")}})
    writer.write((f"POST /v3/watch HTTP/1.1\r\nHost: {node.address}\r\nContent-Type: application/json\r\n"
                  f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
    await reader.readuntil(b'"created":true')
    return reader, writer


class Listener:
    """Counts down what it has heard; the value of write n ends in a mark of its own."""

    def __init__(self, reader, writer):
        self.reader, self.writer, self.buffer = reader, writer, b""

    async def hear(self, mark):
        while mark not in self.buffer:
            data = await self.reader.read(1 << 16)
            assert data, "the watch ended"
            self.buffer = self.buffer[-(1 << 17):] + data
        self.buffer = self.buffer[self.buffer.index(mark) + len(mark):]


async def measure(system, opener, writes):
    node = system.leader()
    listeners = [Listener(*await opener(node)) for _ in range(WATCHERS)]
    put = system.writer(node, 10)
    loop = asyncio.get_running_loop()
    await asyncio.sleep(0.3)
    taken = []
    for number in range(writes):
        text = f"@{number:08d}@" * 3  # 30 bytes: the middle mark stands at a multiple of three, whatever the encoding
        mark = f"@{number:08d}@" if isinstance(system, Holdfast) else b64(text)[:40]
        mark = mark.encode() if isinstance(mark, str) else mark
        began = time.monotonic()
        waiting = [asyncio.ensure_future(each.hear(mark)) for each in listeners]
        assert await loop.run_in_executor(None, put, "watched", text)
        await asyncio.wait_for(asyncio.gather(*waiting), 20)
        taken.append((time.monotonic() - began) * 1000)
    put.close()
    for each in listeners:
        each.writer.close()
    return taken


def watch(bench):
    """One write until all of 100 watchers heard of it."""
    writes = 20 if bench.options.quick else 200
    ours, theirs = Holdfast(bench.daemon, bench.work / "watch"), Etcd(bench.work / "etcd-watch")
    try:
        got = {"holdfast": [], "etcd": []}
        for system in (ours, theirs):
            system.start()
        ours.leader().client().call("POST", "profiles", {"Name": "watched"})
        for _ in range(bench.options.rounds):
            got["holdfast"] += asyncio.run(measure(ours, open_holdfast, writes))
            got["etcd"] += asyncio.run(measure(theirs, open_etcd, writes))
        bench.table.add(f"write until {WATCHERS} watchers heard", "ms", got["holdfast"], got["etcd"],
                        note="the watchers are one Python process; ours decrypt TLS in it")
        bench.table.add("  the same, p99", "ms", [percentile(got["holdfast"], 0.99)],
                        [percentile(got["etcd"], 0.99)])
    finally:
        ours.stop()
        theirs.stop()
