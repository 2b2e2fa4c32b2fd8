#!/usr/bin/env python3
"""Proxies whose identities are in a keeper have no number of a key in memory, nor in a core file.

After a thousand handshakes, of either, with keys of all types. The same search finds the numbers where
the proxies read the keys themselves: so it can fail. Without this whoever breaks into the reverse
proxy takes its key with him.
"""

import contextlib
import os
import signal
import socket
import ssl
import unittest

import proxies
from inner_tls import accept, listen
from keeper import KEY_TYPES, Keeper, entry, make_identity
from kept_case import KeptCase, OwnKeeperCase, keepers_of, monitor_of
from private_key import WORKED_OUT, components, found_in, found_in_core
from processes import PATIENCE
from resources import wait_until
from tunnel_case import TunnelCase

# Botan's TLS takes no Ed25519 key.
TYPES = ["rsa", "p256", "p384"] + ([] if proxies.WITH_BOTAN else ["ed25519"])
HANDSHAKES = 1000 // (2 * len(TYPES)) + 1  # of each proxy with each
VERSION = ssl.TLSVersion.TLSv1_2 if proxies.TLS12_ONLY else ssl.TLSVersion.TLSv1_3


class ProxyWithAKeeperHoldsNoPrivateKeyTest(KeptCase):
    """One identity of each type in the keeper and in files: the client's, and the server's."""

    def setUp(self):
        TunnelCase.setUp(self)
        self.keeper_folder = self.directory / "keeper"
        self.keeper_folder.mkdir()
        self.files = {(role, name): make_identity(self.directory, f"{role}-{name}", *KEY_TYPES[name])
                      for role in ("server", "client") for name in TYPES}
        self.start(Keeper(self.keeper_folder, *(
            entry(f"{role}-{name}", path, f"tls-{role}", unsafe_tls12=proxies.TLS12_ONLY)
            for (role, name), path in self.files.items())))

    def reverse(self, name, kept):
        uri = f"identity:server-{name}" if kept else f"file:{self.files['server', name]}"
        return self.reverse_proxy(1, **self.kept_reverse(uri))

    def client(self, name, kept, port):
        uri = f"identity:client-{name}" if kept else f"file:{self.files['client', name]}"
        return self.client_proxy(port, **self.kept_client(uri))

    def shake_hands_with_the_reverse_proxy(self, proxy, count):
        """As its clients do, and leave."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = VERSION
        context.load_cert_chain(self.pki / "client.pem")
        for _ in range(count):
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as raw, \
                    context.wrap_socket(raw) as tls:
                self.assertFalse(tls.session_reused)

    def server_context(self, name):
        """Of a reverse proxy that remembers no session, so that each handshake is signed."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = context.maximum_version = VERSION
        context.options |= ssl.OP_NO_TICKET
        if VERSION is ssl.TLSVersion.TLSv1_3:
            context.num_tickets = 0
        context.load_cert_chain(self.pki / "server.pem")
        context.load_verify_locations(self.files["client", name].with_suffix(".crt"))
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def shake_hands_with_the_client_proxy(self, proxy, listener, name, count):
        """A browser asks it for a tunnel; the reverse proxy, who refuses it, is this test."""
        certificate = ssl.PEM_cert_to_DER_cert(
            self.files["client", name].with_suffix(".crt").read_text())
        request = b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n"
        for _ in range(count):
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as browser:
                browser.sendall(request)
                context = self.server_context(name)  # a new one has no cache of sessions
                with contextlib.closing(accept(listener)) as raw, \
                        context.wrap_socket(raw, server_side=True) as tls:
                    self.assertEqual(tls.getpeercert(binary_form=True), certificate)
                    self.assertFalse(tls.session_reused)
                    tls.recv(4096)
                    tls.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
                    self.assertRegex(browser.recv(4096), rb"^HTTP/1\.1 \d")

    def found(self, proxy, role, name, search):
        """The numbers of its own key that a proxy has. Its certificate is found in any case."""
        path = self.files[role, name]
        certificate = ssl.PEM_cert_to_DER_cert(path.with_suffix(".crt").read_text())
        found = search(proxy.pid, {**components(path), "certificate": certificate})
        self.assertIn("certificate", found)
        return found - {"certificate"}

    def both_after(self, name, kept, count, searches):
        """What each search finds in the reverse and the client proxy after so many handshakes."""
        reverse = self.reverse(name, kept)
        self.shake_hands_with_the_reverse_proxy(reverse, count)
        with listen() as listener:
            client = self.client(name, kept, listener.getsockname()[1])
            self.shake_hands_with_the_client_proxy(client, listener, name, count)
        return [self.found(proxy, role, name, search) for search in searches
                for proxy, role in ((reverse, "server"), (client, "client"))]

    def in_core(self, pid, wanted):
        return found_in_core(pid, wanted, self.directory)

    def test_no_number_of_the_keys_is_in_memory_or_in_a_core_file(self):
        for name in TYPES:
            with self.subTest(name):
                found = self.both_after(name, True, HANDSHAKES, [found_in, self.in_core])
                self.assertEqual(found, [set()] * 4)

    def test_the_search_finds_what_is_read_from_files(self):
        for name in TYPES:
            searches = [found_in, self.in_core] if name == "rsa" else [found_in]
            wanted = components(self.files["server", name]).keys() - WORKED_OUT
            with self.subTest(name):
                for found in self.both_after(name, False, 2, searches):
                    self.assertLessEqual(wanted, found)


class ProxyThatStartsItsKeeperHoldsNoPrivateKeyTest(OwnKeeperCase):
    """Nor does the monitor between them; the proxy's own file says where the key is."""

    def test_after_handshakes_and_a_reload(self):
        destination = self.listener()
        client, reverse = self.own_proxies(destination.getsockname()[1])
        self.tls_ends(client.port, destination)
        for proxy in (client, reverse):
            proxy.signal(signal.SIGHUP)
            proxy.event("reloaded")
        self.tls_ends(client.port, destination)
        for proxy, name in ((client, "client"), (reverse, "server")):
            key = self.pki / f"{name}.key"
            lines = dict(enumerate(key.read_bytes().split(b"\n")[1:-2]))
            numbers = components(key)
            for process in (proxy.pid, monitor_of(proxy)):
                self.assertEqual(found_in(process, {**numbers, **lines}), set())
            if os.geteuid() == 0:  # the keeper hides its memory from everybody else
                wait_until(lambda proxy=proxy: len(keepers_of(proxy)) == 1,
                           "the first keeper has ended")
                keeper, = keepers_of(proxy)
                self.assertLessEqual(numbers.keys() - WORKED_OUT, found_in(keeper, numbers))


if __name__ == "__main__":
    unittest.main()
