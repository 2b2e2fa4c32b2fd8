"""What can be told from recorded bytes alone, without any key.

The wire between the proxies is one sequence of TLS records. The wire between the reverse proxy and
the destination carries the inner TLS. So whatever both have in common at their ends was spliced;
whatever the second has before it travelled under cover, encrypted twice.
"""

import dataclasses
import struct

HEADER_SIZE = 5
APPLICATION_DATA = 23
TLS12 = 0x0303  # the version that every record of TLS 1.2 and 1.3 but the first says
TLS13_OVERHEAD = HEADER_SIZE + 1 + 16  # header, content type, AEAD tag (RFC 9846 section 5.2)
CLOSE_NOTIFY_SIZE = TLS13_OVERHEAD + 2


class Malformed(Exception):
    """The bytes are no sequence of TLS records."""


@dataclasses.dataclass(frozen=True)
class Record:
    offset: int
    size: int  # header included
    type: int
    version: int


def records_of(stream):
    """Returns the TLS records that `stream` consists of, to its last byte."""
    found = []
    offset = 0
    while offset < len(stream):
        if offset + HEADER_SIZE > len(stream):
            raise Malformed(f"the bytes end within a record's header, at {offset}")
        kind, version, length = struct.unpack_from("!BHH", stream, offset)
        if not 20 <= kind <= 23 or version >> 8 != 3 or length > 16384 + 256:
            start = bytes(stream[offset:offset + HEADER_SIZE]).hex(" ")
            raise Malformed(f"no TLS record begins at {offset}: {start}")
        if offset + HEADER_SIZE + length > len(stream):
            raise Malformed(f"the bytes end within the record that begins at {offset}")
        found.append(Record(offset, HEADER_SIZE + length, kind, version))
        offset += HEADER_SIZE + length
    return found


def common_suffix_size(one, other):
    size = min(len(one), len(other))
    if one[len(one) - size:] == other[len(other) - size:]:
        return size
    low, high = 0, size  # equal at low, not at high
    while high - low > 1:
        middle = (low + high) // 2
        if one[len(one) - middle:] == other[len(other) - middle:]:
            low = middle
        else:
            high = middle
    return low


def _application_data(records):
    """How many of the last `records` say that they are application data."""
    return sum(1 for r in records if r.type == APPLICATION_DATA)


class Direction:
    """One direction of a tunnel: `outer` as recorded between the proxies, `inner` behind them.

    Its records are, in this order: `handshake` (the outer TLS's, and CONNECT), `covered`,
    `close_notify` (one, or none), `raw`. Where nothing is raw, nobody without the keys can tell
    where the handshake ends: then all application data is `covered`.
    """

    def __init__(self, outer, inner):
        records = records_of(outer)
        common = common_suffix_size(outer, inner)
        self.raw = [r for r in records if len(outer) - r.offset <= common]
        self.raw_size = sum(r.size for r in self.raw)
        self.covered_size = len(inner) - self.raw_size  # inner bytes, counted once
        self.inner_covered = records_of(inner[:self.covered_size])
        under_tls = records[:len(records) - len(self.raw)]
        self.close_notify = []
        if self.raw and under_tls and under_tls[-1].size == CLOSE_NOTIFY_SIZE:
            self.close_notify = [under_tls.pop()]
        covered = self._carrying(under_tls) if self.raw else _application_data(under_tls)
        self.handshake = under_tls[:len(under_tls) - covered]
        self.covered = under_tls[len(under_tls) - covered:]

    def _carrying(self, records):
        """How many of the last `records` carry the covered bytes, and nothing else."""
        left = self.covered_size
        count = 0
        while left > 0 and count < len(records):
            count += 1
            left -= records[-count].size - TLS13_OVERHEAD
        return count if left == 0 else 0

    def records(self):
        return self.handshake + self.covered + self.close_notify + self.raw

    def after_handshake(self):
        """What follows the outer handshake's records in clear."""
        records = self.records()
        while records and records[0].type != APPLICATION_DATA:
            records.pop(0)
        return records
