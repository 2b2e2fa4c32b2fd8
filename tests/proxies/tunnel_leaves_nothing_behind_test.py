#!/usr/bin/env python3
"""1,000 tunnels that end in every phase of their life, in every way: nothing of them is left.

Without this a proxy that runs for a year is out of descriptors, or of memory, within weeks: browsers
drop two of three tunnels in mid-handshake.
"""

import collections
import signal
import socket
import unittest

import inner_tls
from raw_client import alice_context
from resources import anonymous_memory, descriptors, wait_until
from tcp_relay import reset
from tunnel_case import TunnelCase

# What a tunnel may leave: the heap's fragments, and sessions that can be resumed.
KEPT = 2 * 1024
AT_A_TIME = 42

PHASES = ("before CONNECT", "in the middle of CONNECT", "in the middle of the outer handshake",
          "behind the outer handshake", "behind CONNECT", "under cover", "one direction raw", "raw")
WAYS = (("browser", socket.socket.close), ("browser", reset),
        ("destination", socket.socket.close), ("destination", reset))


class TunnelLeavesNothingBehindTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destinations = self.listener()
        self.flights = inner_tls.recorded_handshake(self.pki)
        self.context = alice_context(self.pki)
        self.reverse = self.reverse_proxy(self.destinations.getsockname()[1])
        self.client = self.client_proxy(self.reverse.port)
        self.proxies = (self.client, self.reverse)
        self.ports = [proxy.port for proxy in self.proxies]

    def open(self, phase):
        """The ends of a connection that has come to this phase."""
        stage = PHASES.index(phase)
        if stage < PHASES.index("behind CONNECT"):
            return (self.open_early(stage),)
        browser = inner_tls.connect_through(self.ports[0], self.destinations.getsockname()[1])
        destination = inner_tls.accept(self.destinations)
        ends = (browser, destination), (destination, browser), (browser, destination)
        for (sender, receiver), flight in list(zip(ends, self.flights))[:stage - 4]:
            sender.sendall(flight)
            self.assertEqual(receive(receiver, len(flight)), flight)
        return browser, destination

    def open_early(self, stage):
        end = socket.create_connection(("127.0.0.1", self.ports[stage > 1]))
        if stage == 1:
            end.sendall(b"CONNECT localhost")
        elif stage == 2:
            end.sendall(self.flights[0][:200])
        elif stage == 3:
            tls = inner_tls.TlsEnd(end, self.context, server_name="localhost")
            tls.handshake()
        return end

    def run_tunnels(self, count):
        """Some are open at a time; they end in the order in which they were opened."""
        still_open = collections.deque()
        for number in range(count):
            still_open.append((number, self.open(PHASES[number % len(PHASES)])))
            if len(still_open) == AT_A_TIME:
                self.end(*still_open.popleft())
        while still_open:
            self.end(*still_open.popleft())
        wait_until(lambda: self.sockets() == self.idle_sockets, "sockets are left open")

    def end(self, number, ends):
        who, how = WAYS[number // len(PHASES) % len(WAYS)]
        ends = ends if who == "browser" else ends[::-1]
        how(ends[0])
        for end in ends[1:]:
            inner_tls.ending(end)
            end.close()

    def sockets(self):
        return [descriptors(proxy).count("socket") for proxy in self.proxies]

    def memory(self):
        return [anonymous_memory(proxy) for proxy in self.proxies]

    def test_1000_tunnels(self):
        self.idle_sockets = self.sockets()
        self.run_tunnels(200)  # what is allocated once is there now
        memory, count = self.memory(), [len(descriptors(proxy)) for proxy in self.proxies]
        self.run_tunnels(1000)
        growth = [now - before for now, before in zip(self.memory(), memory)]
        print("bytes for each tunnel:", [each / 1000 for each in growth])
        self.assertEqual({(event["raw_up"] > 0, event["raw_down"] > 0)
                          for event in self.reverse.events("tunnel_end")},
                         {(False, False), (False, True), (True, True)})
        self.assertLessEqual(max(growth), 1000 * KEPT)
        self.assertEqual([len(descriptors(proxy)) for proxy in self.proxies], count)
        for proxy in self.proxies:
            proxy.signal(signal.SIGTERM)
            self.assertEqual(proxy.event("draining")["connections"], 0)
            self.assertEqual(proxy.wait(), 0)


def receive(end, size):
    received = b""
    while len(received) < size and (piece := end.recv(size - len(received))):
        received += piece
    return received


if __name__ == "__main__":
    unittest.main()
