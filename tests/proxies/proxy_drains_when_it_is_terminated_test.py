#!/usr/bin/env python3
"""SIGTERM: nobody new, whoever is there finishes, exit code 0. A second one: at once.

Without this every restart cuts downloads, or never ends.
"""

import signal
import socket
import unittest

from inner_tls import ending
from processes import PATIENCE
from tunnel_case import TunnelCase


class ProxyDrainsWhenItIsTerminatedTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destinations = self.listener()
        self.pid_files = {name: self.directory / name for name in ("reverse", "client")}
        self.client, _, self.reverse = self.both_proxies(
            self.destinations.getsockname()[1],
            **{name: {"pid_file": str(path)} for name, path in self.pid_files.items()})

    def proxies(self):
        return (("client", self.client), ("reverse", self.reverse))

    def check_is_closed(self, port):
        """The port is closed soon behind the log's line: asked until it is so."""
        for _ in range(100_000):
            try:
                socket.create_connection(("127.0.0.1", port), PATIENCE).close()
            except ConnectionRefusedError:
                return
            except ConnectionResetError:  # it had been queued
                pass
        self.fail("still accepts")

    def terminate(self, proxy):
        port = proxy.port
        proxy.signal(signal.SIGTERM)
        self.assertEqual(proxy.event("draining")["connections"], 1)
        self.check_is_closed(port)

    def check_drains(self, ends, write, read):
        """Both proxies drain; the tunnel still works, and ends as it wants to."""
        browser, destination = ends
        for name, proxy in self.proxies():
            self.assertEqual(int(self.pid_files[name].read_text()), proxy.pid)
            self.terminate(proxy)
        for writer, reader in ((browser, destination), (destination, browser)):
            write(writer, b"still here")
            self.assertEqual(read(reader, 10), b"still here")
        for end in ends:
            getattr(end, "socket", end).shutdown(socket.SHUT_WR)
        for end in ends:
            self.assertEqual(ending(getattr(end, "socket", end)), "FIN")
        for name, proxy in self.proxies():
            self.assertEqual(proxy.wait(), 0)
            self.assertEqual(proxy.event("stopped")["cut"], 0)
            self.assertFalse(self.pid_files[name].exists())

    def test_a_raw_tunnel_ends_well(self):
        ends = self.tls_ends(self.client.port, self.destinations)
        self.check_drains(ends, lambda end, message: end.write(message),
                          lambda end, size: end.read(size))

    def test_a_covered_tunnel_ends_well(self):
        ends = self.plain_ends(self.client.port, self.destinations)
        self.check_drains(ends, lambda end, message: end.sendall(message),
                          lambda end, size: end.recv(size))

    def covered_ends(self):
        """With something on the way already."""
        ends = self.plain_ends(self.client.port, self.destinations)
        for writer, reader in (ends, reversed(ends)):
            writer.sendall(b"covered")
            self.assertEqual(reader.recv(7), b"covered")
        return ends

    def check_second(self, name, proxy, ends):
        self.terminate(proxy)
        proxy.signal(signal.SIGTERM)
        self.assertEqual(proxy.wait(), 0)
        self.assertEqual(proxy.event("stopped")["cut"], 1)
        self.assertFalse(self.pid_files[name].exists())
        self.assertEqual([ending(getattr(end, "socket", end)) for end in ends], ["RST", "RST"])

    def test_a_second_one_cuts_raw_tunnels_of_the_client_proxy(self):
        self.check_second("client", self.client, self.tls_ends(self.client.port, self.destinations))

    def test_a_second_one_cuts_raw_tunnels_of_the_reverse_proxy(self):
        self.check_second("reverse", self.reverse,
                          self.tls_ends(self.client.port, self.destinations))

    def test_a_second_one_cuts_covered_tunnels_of_the_client_proxy(self):
        self.check_second("client", self.client, self.covered_ends())

    def test_a_second_one_cuts_covered_tunnels_of_the_reverse_proxy(self):
        self.check_second("reverse", self.reverse, self.covered_ends())

    def test_a_program_that_is_killed_leaves_no_covered_tunnel_that_seems_to_have_ended(self):
        ends = self.covered_ends()
        self.reverse.kill()
        self.assertEqual([ending(end) for end in ends], ["RST", "RST"])

    def test_without_connections_the_first_one_is_enough(self):
        for _, proxy in self.proxies():
            proxy.event("listening")
            proxy.signal(signal.SIGTERM)
            self.assertEqual(proxy.wait(), 0)


if __name__ == "__main__":
    unittest.main()
