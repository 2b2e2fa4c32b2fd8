"""TLS records, as anybody on the path sees them."""

import dataclasses

CHANGE_CIPHER_SPEC = 20
ALERT = 21
HANDSHAKE = 22
APPLICATION_DATA = 23

HEADER_SIZE = 5
# RFC 9846 §5.2; TLS 1.2 allowed more (RFC 5246 §6.2.3).
MAX_BODY = (1 << 14) + 2048

# A close_notify of TLS 1.3 without padding: 2 bytes, the type, and a tag of 16.
CLOSE_NOTIFY_SIZE = HEADER_SIZE + 2 + 1 + 16


def is_close_notify(record):
    """As far as a record shows it: in TLS 1.3 by its size, in TLS 1.2 by its type."""
    return record.type == ALERT or record.size == CLOSE_NOTIFY_SIZE


class NotRecords(AssertionError):
    """The stream is not a sequence of whole records."""


@dataclasses.dataclass(frozen=True)
class Record:
    start: int  # in its stream, of the header's first byte
    type: int
    version: int
    length: int  # of the body

    @property
    def end(self):
        return self.start + HEADER_SIZE + self.length

    @property
    def size(self):
        return HEADER_SIZE + self.length

    def body(self, stream):
        return stream[self.start + HEADER_SIZE:self.end]


class RecordReader:
    """Finds the records of a stream that comes in pieces. Keeps their headers, not their bodies."""

    def __init__(self):
        self.records = []  # those of which the whole header has come
        self.size = 0  # bytes seen
        self._header = b""

    def feed(self, piece):
        offset = 0
        while offset < len(piece):
            at = self.size + offset
            begins = self.records[-1].end if self.records else 0
            if at < begins:
                offset += min(begins - at, len(piece) - offset)
                continue
            self._header += piece[offset:offset + HEADER_SIZE - len(self._header)]
            offset = begins + len(self._header) - self.size
            if len(self._header) == HEADER_SIZE:
                self.records.append(_parse(begins, self._header))
                self._header = b""
        self.size += len(piece)

    @property
    def header_in_progress(self):
        """Where the header stands that is not whole yet; without one, the size of the stream."""
        return self.size - len(self._header)


def _parse(start, header):
    return Record(start, header[0], int.from_bytes(header[1:3], "big"),
                  int.from_bytes(header[3:5], "big"))


def walk(stream):
    """The records of `stream`, which has to consist of nothing else, to the last byte."""
    reader = RecordReader()
    reader.feed(stream)
    for record in reader.records:
        plausible = (CHANGE_CIPHER_SPEC <= record.type <= APPLICATION_DATA
                     and record.version >> 8 == 3 and record.length <= MAX_BODY)
        if not plausible:
            header = stream[record.start:record.start + HEADER_SIZE]
            raise NotRecords(f"no record header at {record.start}: {header.hex(' ')}")
    end = reader.records[-1].end if reader.records else 0
    if end != len(stream):
        raise NotRecords(f"{len(stream)} bytes, but the last record ends at {end}")
    return reader.records
