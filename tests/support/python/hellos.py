"""Inner hellos made by hand, which a proxy's observer takes for TLS, or just not."""

from tls_records import APPLICATION_DATA, HANDSHAKE

RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
TLS13_SUITE = 0x1301


def record(content_type, body, version=0x0303):
    return bytes([content_type]) + version.to_bytes(2, "big") + _sized(body, 2)


def data(body=b"20 bytes, all secret"):
    return record(APPLICATION_DATA, body)


def client_hello(body=b"name"):
    return record(HANDSHAKE, b"\1" + _sized(body, 3))


def server_hello(suite=TLS13_SUITE, *, version=0x0304, random=bytes(32), padding=0):
    """`version` is that of supported_versions; None: TLS 1.2, without extensions."""
    extensions = b""
    if version is not None:
        extensions += b"\0\x2b" + _sized(version.to_bytes(2, "big"), 2)
    if padding:
        extensions += b"\0\x15" + _sized(bytes(padding), 2)
    body = b"\3\3" + random + b"\0" + suite.to_bytes(2, "big") + b"\0"
    body += _sized(extensions, 2) if extensions else b""
    return record(HANDSHAKE, b"\2" + _sized(body, 3))


def hello_retry_request():
    return server_hello(random=RETRY_RANDOM)


def _sized(body, bytes_of_size):
    return len(body).to_bytes(bytes_of_size, "big") + body
