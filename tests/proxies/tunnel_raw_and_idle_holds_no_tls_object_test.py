#!/usr/bin/env python3
"""A raw, idle tunnel costs both proxies together at most 6.5 KB of memory and two descriptors each.

An SSL object alone would be 20 to 60 KB. Without this a proxy with 10,000 idle users needs a
gigabyte, and a forgotten TLS object may still write into a raw stream.
"""

import unittest

from resources import anonymous_memory, descriptors
from tunnel_case import TunnelCase

TUNNELS = 300
LIMIT = 6.5 * 1024


class TunnelRawAndIdleHoldsNoTlsObjectTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destinations = self.listener()
        reverse = self.reverse_proxy(self.destinations.getsockname()[1])
        self.client = self.client_proxy(reverse.port)
        self.proxies = (self.client, reverse)

    def open_raw_tunnels(self, count):
        for _ in range(count):
            browser, destination = self.tls_ends(self.client.port, self.destinations)
            for writer, reader in ((browser, destination), (destination, browser)):
                writer.write(b"raw")
                self.assertEqual(reader.read(3), b"raw")

    def test_memory_and_descriptors(self):
        self.open_raw_tunnels(30)  # what is allocated once is there now
        memory = [anonymous_memory(proxy) for proxy in self.proxies]
        sockets = [descriptors(proxy).count("socket") for proxy in self.proxies]
        self.open_raw_tunnels(TUNNELS)
        growth = [anonymous_memory(proxy) - before
                  for proxy, before in zip(self.proxies, memory, strict=True)]
        print("bytes per tunnel:", [each / TUNNELS for each in growth])
        self.assertLessEqual(sum(growth), TUNNELS * LIMIT)
        for proxy, before in zip(self.proxies, sockets, strict=True):
            self.assertEqual(descriptors(proxy).count("socket"), before + 2 * TUNNELS)
            self.assertLess(descriptors(proxy).count("pipe"), 40)


if __name__ == "__main__":
    unittest.main()
