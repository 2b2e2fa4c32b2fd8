"""As much of the WebSocket protocol (RFC 6455) as a test needs, over an inner_tls.TlsEnd."""

import base64
import hashlib
import os
import struct

from curl import INNER_NAME

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WebSocket:
    """One end, behind the handshake. Only the client's frames are masked."""

    def __init__(self, end, *, masked):
        self._end = end
        self._masked = masked

    def send(self, opcode, payload):
        size = len(payload)
        bit = 0x80 if self._masked else 0
        if size < 126:
            header = struct.pack("!BB", 0x80 | opcode, bit | size)
        elif size < 1 << 16:
            header = struct.pack("!BBH", 0x80 | opcode, bit | 126, size)
        else:
            header = struct.pack("!BBQ", 0x80 | opcode, bit | 127, size)
        if self._masked:
            mask = os.urandom(4)
            header, payload = header + mask, _masked(payload, mask)
        self._end.write(header + payload)

    def receive(self):
        """The opcode and the payload of the next frame."""
        opcode, size = self._end.read(2)
        masked, size = size & 0x80, size & 0x7f
        if size >= 126:
            size = int.from_bytes(self._end.read(2 if size == 126 else 8), "big")
        mask = self._end.read(4) if masked else b""
        payload = self._end.read(size)
        return opcode & 0x0f, _masked(payload, mask) if masked else payload


def connect(end):
    """The client's end of a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    end.write(f"GET /chat HTTP/1.1\r\nHost: {INNER_NAME}\r\nUpgrade: websocket\r\n"
              f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
              "Sec-WebSocket-Version: 13\r\n\r\n".encode())
    answer = _head(end)
    if (answer.split()[1], answer.count(_accept(key))) != ("101", 1):
        raise AssertionError(answer)
    return WebSocket(end, masked=True)


def serve(end):
    """The server's end."""
    fields = dict(line.split(": ", 1) for line in _head(end).split("\r\n")[1:] if line)
    end.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              f"Sec-WebSocket-Accept: {_accept(fields['Sec-WebSocket-Key'])}\r\n\r\n".encode())
    return WebSocket(end, masked=False)


def _head(end):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = end.read(1)
        if not byte:
            raise AssertionError(f"it ended behind {head!r}")
        head += byte
    return head.decode()


def _accept(key):
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    return base64.b64encode(digest).decode()


def _masked(payload, mask):
    repeated = (mask * (len(payload) // 4 + 1))[:len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(
        len(payload), "big")
