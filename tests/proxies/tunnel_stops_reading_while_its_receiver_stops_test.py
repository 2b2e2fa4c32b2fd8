#!/usr/bin/env python3
"""A receiver that stops stops its sender: between them the proxies hold a bounded number of bytes.

Without this one client that asks for a large file and does not read it takes the proxy's memory; or
a tunnel in which both ends write at first hangs for ever; or loses bytes when it goes on.
"""

import concurrent.futures
import hashlib
import random
import select
import unittest

import tls_records
from resources import anonymous_memory
from socket_queues import queued
from tunnel_case import TunnelCase

# What a proxy may hold of one direction: TlsLeg::kMaxHeld under cover, raw what a pipe in the kernel
# holds.
HELD_UNDER_COVER = 64 * 1024
HELD_RAW = 256 * 1024
MEMORY = 512 * 1024  # what the whole program may have grown by

AT_LEAST = 1 << 20
# The kernel's table counts bytes twice, received and on their way, while it knows of no
# acknowledgement. What was held may seem less than nothing then, and is measured again.
MEASUREMENTS = 5
TAG = 17  # of TLS 1.3: the type, and 16 bytes


class Stream:
    """One direction, from the socket of its sender to that of its receiver."""

    def __init__(self, sender, receiver):
        self.sender, self.receiver = sender, receiver
        self.sent, self.hash = 0, hashlib.sha256()
        self._bytes = random.Random(1).randbytes(1 << 18)
        sender.setblocking(False)

    def send(self):
        """As much as is taken now."""
        try:
            while True:
                piece = self._bytes[self.sent % len(self._bytes):]
                size = self.sender.send(piece)
                self.hash.update(piece[:size])
                self.sent += size
        except BlockingIOError:
            pass

    def send_and_end(self, count):
        self.sender.setblocking(True)
        last = self._bytes[:count]
        self.sender.sendall(last)
        self.hash.update(last)
        self.sent += count
        self.sender.shutdown(1)

    def receive(self):
        """All there is: how much, and its hash."""
        self.receiver.setblocking(True)
        size, received = 0, hashlib.sha256()
        while piece := self.receiver.recv(1 << 18):
            size += len(piece)
            received.update(piece)
        return size, received.hexdigest()


class TunnelStopsReadingWhileItsReceiverStopsTest(TunnelCase):
    def open_tunnel(self, raw):
        destinations = self.listener()
        self.client, wire, self.reverse = self.both_proxies(destinations.getsockname()[1])
        if raw:
            ends = self.tls_ends(self.client.port, destinations)
            for writer, reader in (ends, ends[::-1]):
                writer.write(b"raw")
                self.assertEqual(reader.read(3), b"raw")
            self.browser, self.destination = (end.socket for end in ends)
        else:
            self.browser, self.destination = self.plain_ends(self.client.port, destinations)
        self.wire = wire.connection()
        self.up = Stream(self.browser, self.destination)
        self.down = Stream(self.destination, self.browser)

    def places(self, stream):
        """How far the stream has come: what the browser's side has sent; read and written by the
        first proxy; read and written by the second. In the bytes of that leg."""
        wire = self.wire.up if stream is self.up else self.wire.down
        near, far = ((self.wire.client, self.wire.server) if stream is self.up
                     else (self.wire.server, self.wire.client))
        return (stream.sent - queued(stream.sender.getsockname(), stream.sender.getpeername()),
                len(wire.received) + queued(near.getpeername(), near.getsockname()),
                len(wire.sent) - queued(far.getsockname(), far.getpeername()),
                queued(stream.receiver.getpeername(), stream.receiver.getsockname()))

    def fill(self, *streams):
        """Sends until nothing moves any more. Returns the places of each stream."""
        poll = select.poll()
        for stream in streams:
            poll.register(stream.sender, select.POLLOUT)
        before = None
        while True:
            for stream in streams:
                stream.send()
            now = [self.places(stream) for stream in streams]
            if not poll.poll(300) and now == before:
                return now
            before = now

    def drain(self, *streams):
        """Lets the receivers go on, sends the rest, and compares."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for stream in (self.up, self.down):
                pool.submit(stream.send_and_end, 1000 if stream in streams else 0)
            received = [pool.submit(stream.receive) for stream in (self.up, self.down)]
            for stream, result in zip((self.up, self.down), received):
                self.assertEqual(result.result(), (stream.sent, stream.hash.hexdigest()))
        self.wire.wait_until(lambda wire: wire.over)

    def held(self, stream, places, raw):
        """What the two proxies held of the stream at those places, in bytes of the tunnel."""
        wire = bytes((self.wire.up if stream is self.up else self.wire.down).received)
        read_1, wrote_1, read_2, wrote_2 = places
        behind = behind_raw if raw else behind_covered
        return (read_1 - (stream.sent - behind(wire, wrote_1)),
                stream.sent - behind(wire, read_2) - wrote_2)

    def measure(self, raw, names):
        """Fills a tunnel of its own, lets it go on, and returns what each proxy held of each stream."""
        self.open_tunnel(raw)
        streams = [getattr(self, name) for name in names]
        memory = [anonymous_memory(proxy) for proxy in (self.client, self.reverse)]
        places = self.fill(*streams)
        growth = [anonymous_memory(proxy) - before
                  for proxy, before in zip((self.client, self.reverse), memory)]
        self.assertGreater(min(stream.sent for stream in streams), AT_LEAST)
        self.assertLess(max(growth), MEMORY)
        self.drain(*streams)
        self.assertEqual(self.reverse.event("tunnel_end")["raw_up"] > 0, raw)
        held = [self.held(stream, place, raw) for stream, place in zip(streams, places)]
        print("sent", [stream.sent for stream in streams], "held", held, "memory", growth)
        return [count for counts in held for count in counts]

    def check(self, raw, *names):
        for _ in range(MEASUREMENTS):
            held = self.measure(raw, names)
            if min(held) >= 0:
                break
        self.assertGreaterEqual(min(held), 0)
        self.assertLessEqual(max(held), HELD_RAW if raw else HELD_UNDER_COVER)

    def test_under_cover_up(self):
        self.check(False, "up")

    def test_under_cover_down(self):
        self.check(False, "down")

    def test_under_cover_both_ways(self):
        self.check(False, "up", "down")

    def test_raw_up(self):
        self.check(True, "up")

    def test_raw_down(self):
        self.check(True, "down")

    def test_raw_both_ways(self):
        self.check(True, "up", "down")


def behind_raw(wire, offset):
    """How many of the tunnel's bytes stand on the wire behind `offset`."""
    return len(wire) - offset


def behind_covered(wire, offset):
    """The same within TLS records, the last of which is a close_notify."""
    count = 0
    for record in tls_records.walk(wire)[:-1]:
        first = record.start + tls_records.HEADER_SIZE
        count += max(0, first + record.length - TAG - max(first, offset))
    return count


if __name__ == "__main__":
    unittest.main()
