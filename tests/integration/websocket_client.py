"""A websocket client of a few lines (RFC 6455), so that tests can also send what no proper client would."""
import base64
import json
import os
import socket
import struct

from harness import BASIC, client_context

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


class WebSocket:
    def __init__(self, node, path="/api/v3/ws", authorization=BASIC, timeout=10.0):
        raw = socket.create_connection((node.address, node.api_port), timeout=timeout)
        self.connection = client_context().wrap_socket(raw)
        self.rest = b""
        head = (f"GET {path} HTTP/1.1\r\nHost: unix\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n")
        if authorization:
            head += f"Authorization: {authorization}\r\n"
        self.connection.sendall(head.encode() + b"\r\n")
        while b"\r\n\r\n" not in self.rest:
            piece = self.connection.recv(65536)
            if not piece:
                break
            self.rest += piece
        answer, _, self.rest = self.rest.partition(b"\r\n\r\n")
        self.status = int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else 0

    def frame(self, payload, opcode=TEXT, masked=True, length=None, final=True):
        """Sends one frame; `length` may lie about the payload."""
        size = len(payload) if length is None else length
        head = bytes([(0x80 if final else 0) | opcode])
        mark = 0x80 if masked else 0
        if size < 126:
            head += bytes([mark | size])
        elif size < 1 << 16:
            head += bytes([mark | 126]) + struct.pack(">H", size)
        else:
            head += bytes([mark | 127]) + struct.pack(">Q", size)
        if masked:
            key = os.urandom(4)
            payload = key + bytes(b ^ key[i % 4] for i, b in enumerate(payload))
        self.connection.sendall(head + payload)

    def send(self, text):
        self.frame(text.encode())

    def take(self, count):
        while len(self.rest) < count:
            piece = self.connection.recv(65536)
            if not piece:
                raise EOFError
            self.rest += piece
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def receive(self, timeout=10.0):
        """The next text frame decoded from JSON; None when the server closed."""
        self.connection.settimeout(timeout)
        while True:
            try:
                first, second = self.take(2)
                size = second & 0x7F
                if size == 126:
                    size = struct.unpack(">H", self.take(2))[0]
                elif size == 127:
                    size = struct.unpack(">Q", self.take(8))[0]
                payload = self.take(size)
            except (EOFError, ConnectionError):
                return None
            if first & 0x0F == CLOSE:
                return None
            if first & 0x0F == TEXT:
                return json.loads(payload)
            if first & 0x0F == PING:
                self.frame(payload, opcode=10)

    def silent(self, seconds=0.3):
        """True when nothing comes for so long."""
        try:
            return self.receive(seconds) is None
        except TimeoutError:
            return True

    def close(self):
        self.connection.close()
