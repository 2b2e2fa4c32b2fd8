"""What tests of whole tunnels begin with."""

import pathlib
import tempfile
import unittest

import proxies
from nginx import Nginx
from pki import certificates
from tcp_relay import Relay


class TunnelCase(unittest.TestCase):
    """Starts what a test asks for, and ends it after the test, the last first.

    browser -> client proxy -> [relay] -> reverse proxy -> [relay] -> destination
    """

    @classmethod
    def setUpClass(cls):
        cls.pki = cls.enterClassContext(certificates())

    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def start(self, program):
        """Starts `program`; what it has said follows the test's output, for whoever has to read it."""
        self.addCleanup(lambda: print(f"--- {program.command[0]}", *program.lines, sep="\n"))
        return self.enterContext(program)

    def nginx(self, **options):
        return self.start(Nginx(self.pki, self.directory, **options))

    def relay_to(self, port, **actions):
        return self.enterContext(Relay(("127.0.0.1", port), **actions))

    def reverse_proxy(self, *ports, prefix=(), **changes):
        config = proxies.reverse_config(self.pki, ports, **changes)
        return self.start(
            proxies.Proxy(proxies.REVERSE_PROXY, config, self.directory, prefix=prefix))

    def client_proxy(self, reverse_port, *, prefix=(), **changes):
        config = proxies.client_config(self.pki, reverse_port, **changes)
        return self.start(
            proxies.Proxy(proxies.CLIENT_PROXY, config, self.directory, prefix=prefix))
