#!/usr/bin/env python3
"""tls.pairing = "loopback": the reverse proxy connects to itself, and takes nobody else for itself.

Without this whoever is on its machine would pass for its TLS server, and so for any client, or be handed a
client's bytes.
"""

import pathlib
import socket
import threading
import unittest

from curl import INNER_NAME, as_bob, curl, through
from processes import PATIENCE
from tunnel_case import TunnelCase

CONNECT_ONLY = {"detach": {"modes": ["connect"]}}
PAIRED = {"tls": {"pairing": "loopback"}, **CONNECT_ONLY}
TUNNELS = 3
# Between listening and connecting to itself the reverse proxy sleeps for so many microseconds.
SLOWLY = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=connect", "-e", "signal=none",
          "-e", "inject=connect:delay_enter=300000", "--"]


def listening_ports():
    """The TCP ports of this network that somebody listens on."""
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A"}


class Intruder(threading.Thread):
    """A process of this machine that connects to whatever begins to listen, and speaks first."""

    def __init__(self):
        super().__init__()
        self._spared = listening_ports()
        self._over = threading.Event()
        self.connections = 0
        self.served = []

    def run(self):
        while not self._over.is_set():
            for port in listening_ports() - self._spared:
                self._try(port)

    def _try(self, port):
        with socket.socket() as end:
            end.settimeout(PATIENCE)
            try:
                end.connect(("127.0.0.1", port))
                self.connections += 1
                end.sendall(b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n")
                if got := end.recv(1):
                    self.served.append(got)
            except ConnectionError:
                pass  # refused, or reset

    def stop(self):
        self._over.set()
        self.join()


class ReverseLetsNobodyIntoItsLoopbackTest(TunnelCase):
    def test_whoever_connects_first_and_many_and_in_a_race(self):
        nginx = self.nginx()
        reverse = self.reverse_proxy(nginx.port, prefix=SLOWLY, **PAIRED)
        client = self.client_proxy(reverse.port, **CONNECT_ONLY)
        self.assertIsNotNone(client.port)  # whoever listens by now is no loopback
        intruders = [Intruder() for _ in range(3)]
        for intruder in intruders:
            intruder.start()
            self.addCleanup(intruder.stop)
        for _ in range(TUNNELS):
            ran = curl(*as_bob(self.pki), *through(client.port, nginx.port), f"https://{INNER_NAME}/")
            self.assertEqual(ran.stdout, f"CN=bob TLSv1.3 {INNER_NAME}\n".encode(), ran.stderr)
        for intruder in intruders:
            intruder.stop()
        self.assertEqual([intruder.served for intruder in intruders], [[], [], []])
        self.assertGreaterEqual(sum(intruder.connections for intruder in intruders), TUNNELS)


if __name__ == "__main__":
    unittest.main()
