"""What tests of whole tunnels begin with."""

import concurrent.futures
import contextlib
import pathlib
import tempfile
import unittest

import inner_tls
import proxies
from nginx import Nginx
from pki import certificates
from processes import PATIENCE
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
        """Starts `program`; what it says follows the test's output."""
        self.addCleanup(lambda: print(f"--- {program.command[:2]}", *program.lines, sep="\n"))
        return self.enterContext(program)

    def nginx(self, **options):
        return self.start(Nginx(self.pki, self.directory, **options))

    def relay_to(self, port, **actions):
        return self.enterContext(Relay(("127.0.0.1", port), **actions))

    def reverse_proxy(self, *ports, prefix=(), env=None, **changes):
        config = proxies.reverse_config(self.pki, ports, **changes)
        return self.start(proxies.Proxy(proxies.REVERSE_PROXY, config, self.directory,
                                        prefix=prefix, env=env))

    def client_proxy(self, reverse_port, *, prefix=(), env=None, **changes):
        config = proxies.client_config(self.pki, reverse_port, **changes)
        return self.start(proxies.Proxy(proxies.CLIENT_PROXY, config, self.directory,
                                        prefix=prefix, env=env))

    def both_proxies(self, *ports, reverse=None, client=None, wire=None):
        """Both of them, and the relay in between. Returns (client proxy, relay, reverse proxy)."""
        reverse_proxy = self.reverse_proxy(*ports, **(reverse or {}))
        relay = self.relay_to(reverse_proxy.port, **(wire or {}))
        return self.client_proxy(relay.port, **(client or {})), relay, reverse_proxy

    @contextlib.contextmanager
    def in_background(self, function, *arguments):
        """Runs `function` in a thread while the block runs; its failure is the block's."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            done = pool.submit(function, *arguments)
            yield
            done.result(PATIENCE)

    def listener(self):
        return self.enterContext(inner_tls.listen())

    def plain_ends(self, proxy_port, listener, *, to=None):
        """The sockets of a browser and a destination, joined by a tunnel.

        `to`: the port to ask for, where a relay stands before `listener`.
        """
        browser = inner_tls.connect_through(proxy_port, to or listener.getsockname()[1])
        self.enterContext(contextlib.closing(browser))
        destination = inner_tls.accept(listener)
        self.enterContext(contextlib.closing(destination))
        return browser, destination

    def tls_ends(self, proxy_port, listener):
        """The same two as inner_tls.TlsEnd, behind a handshake, each with its certificate."""
        browser, destination = self.plain_ends(proxy_port, listener)
        browser = inner_tls.TlsEnd(browser, inner_tls.bob_context(self.pki))
        destination = inner_tls.TlsEnd(destination, inner_tls.server_context(self.pki),
                                       server_side=True)
        inner_tls.shake_hands(browser, destination)
        return browser, destination
