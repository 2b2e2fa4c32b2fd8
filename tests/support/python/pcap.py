"""A recorded connection as a capture file, for the programs that read those."""

import struct

from tls_records import RecordReader

_CLIENT, _SERVER = (b"\x0a\0\0\1", 50000), (b"\x0a\0\0\2", 443)
_SYN, _ACK, _PSH = 2, 16, 8
_RAW_IP = 101
_MAX_REST = 32768


def _packet(source, target, seq, ack, flags, payload=b""):
    # Checksums of 0: nobody here looks at them.
    tcp = struct.pack("!HHIIBBHHH", source[1], target[1], seq, ack, 5 << 4, flags, 65535, 0, 0)
    size = 20 + len(tcp) + len(payload)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, 6, 0, source[0], target[0])
    return ip + tcp + payload


def _packets(pieces):
    sent = {"up": 1, "down": 1}
    yield _packet(_CLIENT, _SERVER, 0, 0, _SYN)
    yield _packet(_SERVER, _CLIENT, 0, 1, _SYN | _ACK)
    yield _packet(_CLIENT, _SERVER, 1, 1, _ACK)
    for direction, record in _records(pieces):
        ends, back = ((_CLIENT, _SERVER), "down") if direction == "up" else (
            (_SERVER, _CLIENT), "up")
        yield _packet(*ends, sent[direction], sent[back], _ACK | _PSH, record)
        sent[direction] += len(record)


def _records(pieces):
    """Each record, in the order of their last bytes; at the end what is none."""
    streams = {"up": bytearray(), "down": bytearray()}
    readers = {direction: RecordReader() for direction in streams}
    given = {"up": 0, "down": 0}
    for direction, piece in pieces:
        stream, reader = streams[direction], readers[direction]
        stream += piece
        reader.feed(piece)
        for record in reader.records:
            if given[direction] <= record.start and record.end <= len(stream):
                yield direction, bytes(stream[record.start:record.end])
                given[direction] = record.end
    for direction, stream in streams.items():
        if given[direction] < len(stream):
            yield direction, bytes(stream[given[direction]:][:_MAX_REST])


def write_pcap(path, pieces):
    """`pieces`: (direction, bytes), as a Connection of the relay has them. A packet per record."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 1 << 18, _RAW_IP))
        for number, packet in enumerate(_packets(pieces)):
            file.write(struct.pack("<IIII", 0, number, len(packet), len(packet)) + packet)
