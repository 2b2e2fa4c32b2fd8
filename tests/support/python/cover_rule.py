"""The cover rule of docs/PROTOCOL.md once more, written plainly, to check the proxies against.

It judges a whole recorded connection at once, where the proxies' observer has to judge a stream.
"""

import dataclasses

import tls_records
from tls_records import APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE

CLIENT_HELLO, SERVER_HELLO = 1, 2
_RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
_TLS13_SUITES = range(0x1301, 0x1306)
_TLS12_SUITES = (0x9e, 0x9f, 0xc02b, 0xc02c, 0xc02f, 0xc030, 0xc09e, 0xc09f, 0xc0ac, 0xc0ad,
                 0xcca8, 0xcca9, 0xccaa)


@dataclasses.dataclass
class RawFrom:
    """Offsets into the inner streams at which they leave the cover; None: they never do."""

    up: int | None = None
    down: int | None = None


@dataclasses.dataclass
class _Seen:
    client_hellos: int = 0
    client_hellos_due: int = 1
    tls13: bool = False
    tls12: bool = False
    changed: dict = dataclasses.field(default_factory=lambda: {"up": False, "down": False})

    def armed(self, direction):
        enough = self.client_hellos >= self.client_hellos_due
        return enough and (self.tls13 or (self.tls12 and self.changed[direction]))


def raw_from(pieces):
    """`pieces`: (direction, bytes) of the inner stream, in the order in which they passed."""
    seen, result = _Seen(), RawFrom()
    streams = {"up": b"", "down": b""}
    done = {"up": 0, "down": 0}  # bytes of records that have been looked at
    for direction, piece in pieces:
        streams[direction] += piece
        if getattr(result, direction) is not None:
            continue
        reader = tls_records.RecordReader()
        reader.feed(streams[direction])
        for record in reader.records:
            if record.start < done[direction]:
                continue
            if record.type == APPLICATION_DATA and seen.armed(direction):
                setattr(result, direction, record.start)
                break
            if record.end > len(streams[direction]):
                break
            _look(seen, direction, record, record.body(streams[direction]))
            done[direction] = record.end
    return result


def _look(seen, direction, record, body):
    if record.type == CHANGE_CIPHER_SPEC and seen.tls12:
        seen.changed[direction] = True
    hello_passed = seen.tls12 or seen.tls13
    if record.type != HANDSHAKE or hello_passed or not body:
        return
    if direction == "up" and body[0] == CLIENT_HELLO:
        seen.client_hellos += 1
    elif direction == "down" and body[0] == SERVER_HELLO:
        _choose(seen, body[4:4 + int.from_bytes(body[1:4], "big")])


def _choose(seen, hello):
    if hello[2:34] == _RETRY_RANDOM:
        seen.client_hellos_due = 2
        return
    after_session_id = 35 + hello[34]
    suite = int.from_bytes(hello[after_session_id:after_session_id + 2], "big")
    version = _selected_version(hello[after_session_id + 3:])
    seen.tls13 = version == 0x0304 and suite in _TLS13_SUITES
    seen.tls12 = version is None and hello[:2] == b"\3\3" and suite in _TLS12_SUITES


def _selected_version(extensions):
    rest = extensions[2:]
    while rest:
        size = int.from_bytes(rest[2:4], "big")
        if rest[:2] == b"\0\x2b":
            return int.from_bytes(rest[4:6], "big")
        rest = rest[4 + size:]
    return None
