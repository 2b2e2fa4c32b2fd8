"""Inner hellos made by hand, which a proxy's observer takes for TLS, or just not."""

import os

from curl import INNER_NAME
from tls_records import APPLICATION_DATA, HANDSHAKE

RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
TLS13_SUITE = 0x1301


def record(content_type, body, version=0x0303):
    return bytes([content_type]) + version.to_bytes(2, "big") + _sized(body, 2)


def data(body=b"20 bytes, all secret"):
    return record(APPLICATION_DATA, body)


def client_hello(body=b"name"):
    return record(HANDSHAKE, b"\1" + _sized(body, 3))


def named_client_hello(extensions=b""):
    """A whole one of TLS 1.2 and 1.3 that names INNER_NAME. `extensions`: further ones, encoded."""
    name = _sized(b"\0" + _sized(INNER_NAME.encode(), 2), 2)
    extensions = (extension(0, name) + extension(43, _sized(b"\3\4\3\3", 1))) + extensions
    suites = bytes.fromhex("1301c02bc0b4")
    body = b"\3\3" + os.urandom(32) + _sized(os.urandom(32), 1) + _sized(suites, 2) + b"\1\0"
    return record(HANDSHAKE, b"\1" + _sized(body + _sized(extensions, 2), 3), 0x0301)


def extension(number, body):
    return number.to_bytes(2, "big") + _sized(body, 2)


def server_hello(suite=TLS13_SUITE, *, version=0x0304, random=bytes(32), padding=0,
                 extensions=b""):
    """`version` is that of supported_versions; None: TLS 1.2. `extensions`: more, encoded."""
    if version is not None:
        extensions += extension(43, version.to_bytes(2, "big"))
    if padding:
        extensions += extension(21, bytes(padding))
    body = b"\3\3" + random + b"\0" + suite.to_bytes(2, "big") + b"\0"
    body += _sized(extensions, 2) if extensions else b""
    return record(HANDSHAKE, b"\2" + _sized(body, 3))


def hello_retry_request():
    return server_hello(random=RETRY_RANDOM)


def _sized(body, bytes_of_size):
    return len(body).to_bytes(bytes_of_size, "big") + body
