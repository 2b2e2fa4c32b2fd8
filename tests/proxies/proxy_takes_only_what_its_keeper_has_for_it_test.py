#!/usr/bin/env python3
"""An identity: that the keeper does not have for this proxy is refused, with what to do about it.

At the start, and at a reload, which keeps the configuration in force.
"""

import os
import signal
import socket
import ssl
import subprocess
import unittest

import proxies
from keeper import KEEPER
from kept_case import KeptCase
from processes import PATIENCE


class ProxyTakesOnlyWhatItsKeeperHasForItTest(KeptCase):
    def check(self, program, config, blamed, why):
        """`blamed`: a text in the line of the configuration to blame."""
        text = proxies.to_toml(config)
        line = 1 + next(number for number, line in enumerate(text.splitlines()) if blamed in line)
        path = self.directory / "proxy.toml"
        path.write_text(text)
        words = ["run"] if program == proxies.CLIENT_PROXY else []
        ended = subprocess.run([program, *words, "--config", path, "--check-config"],
                               capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(ended.returncode, 2, ended.stderr)
        self.assertRegex(ended.stderr, rf"^{path}:{line}:\d+: [^\n]*{why}[^\n]*\n$")

    def check_reverse(self, blamed, why, uri="identity:web", **changes):
        config = proxies.reverse_config(self.pki, [9], **self.kept_reverse(uri, **changes))
        self.check(proxies.REVERSE_PROXY, config, blamed, why)

    def check_client(self, blamed, why, uri="identity:alice", **changes):
        config = proxies.client_config(self.pki, 9, **self.kept_client(uri, **changes))
        self.check(proxies.CLIENT_PROXY, config, blamed, why)

    def test_without_a_keeper(self):
        why = r"none is configured; add \[keeper\] with socket = [^\n]*\[\[keeper.identity\]\]"
        self.check_reverse("identity:web", why, keeper=None)
        self.check_client("identity:alice", why, keeper=None)

    def test_either_a_socket_or_rows(self):
        rows = [{"name": "web", "uri": f"file:{self.pki}/server.pem"}]
        why = "either the socket of a keeper that runs already, or a \\[\\[keeper.identity\\]\\]"
        for both in ({"keeper.identity": rows}, {"keeper": {"socket": None}}):
            self.check_reverse("[keeper]", why, **both)
            self.check_client("[keeper]", why, **both)

    def test_what_is_started_has_no_socket(self):
        """The key of the other way is named, not called unknown."""
        for more in ({}, {"keeper.identity": [{"name": "web", "uri": "file:/none"}]}):
            why = "either the socket" if more else "runs already; remove one of the two"
            blamed = "[keeper]" if more else "/none/keeper"
            tables = {"keeper": {"program": "/none/keeper"}, **more}
            self.check_reverse(blamed, why, **tables)
            self.check_client(blamed, why, **tables)

    def check_rows(self, blamed, why, *rows, program=KEEPER, **more):
        table = {"socket": None, "program": os.path.abspath(program), **more}
        self.check_reverse(blamed, why, keeper=table, **{"keeper.identity": list(rows)})
        self.check_client(blamed, why, keeper=table, **{"keeper.identity": list(rows)})

    def test_what_the_keeper_finds_wrong_in_its_rows(self):
        good = {"name": "web", "uri": f"file:{self.pki}/server.pem"}
        self.check_rows("/nowhere", "/nowhere.pem: No such file",
                        {"name": "web", "uri": "file:/nowhere.pem"})
        self.check_rows("purpose", 'unknown key "purpose"', {**good, "purpose": "tls-server"})
        self.check_rows('"A b"', "cannot be a name", {**good, "name": "A b"})
        self.check_rows("socekt", 'unknown key "socekt"', good, socekt="/x")
        self.check_rows("/detach-none", "no keeper can be started: .*detach-none: No such file or "
                        "directory; install it there, or say .* program = ", good, program="detach-none")
        self.check_rows("/usr/bin/true", "the keeper's monitor has ended", good,
                        program="/usr/bin/true")

    def test_a_keeper_that_is_not_there(self):
        nowhere = {"keeper": {"socket": "/nowhere/socket"}}
        why = "/nowhere/socket: No such file or directory; does detach-keeper run there"
        self.check_reverse("/nowhere", why, **nowhere)
        self.check_client("/nowhere", why, **nowhere)

    def test_a_name_that_is_not_there(self):
        why = 'has no identity "nobody"; it has web, alice'
        self.check_reverse("identity:nobody", why, "identity:nobody")
        self.check_client("identity:nobody", why, "identity:nobody")
        self.check_reverse('"identity:"', 'has no identity ""; it has web, alice', "identity:")

    def test_an_identity_for_the_other_side(self):
        self.check_reverse("identity:alice", 'purpose is "tls-server"', "identity:alice")
        self.check_client("identity:web", 'purpose is "tls-client"', "identity:web")

    def test_a_provider_that_is_not_there(self):
        self.check_reverse("/nowhere.so", "OpenSSL cannot load /nowhere.so; install detach.so in /",
                           keeper={"provider": "/nowhere.so"})

    def test_a_reload_keeps_the_configuration_before(self):
        listener = self.listener()
        port = listener.getsockname()[1]
        client, reverse = self.kept_proxies(port)
        client.event("listening")
        for proxy, config in (
                (reverse, proxies.reverse_config(
                    self.pki, [port], **self.kept_reverse("identity:nobody"))),
                (client, proxies.client_config(
                    self.pki, reverse.port, **self.kept_client("identity:nobody")))):
            proxy.write_config(config)
            proxy.signal(signal.SIGHUP)
            self.assertIn('no identity "nobody"', proxy.event("reload_failed")["reason"])
        self.check_that_it_passes_bytes(*self.tls_ends(client.port, listener))

    def test_a_reload_takes_another_keeper(self):
        listener = self.listener()
        port = listener.getsockname()[1]
        client, reverse = self.kept_proxies(port)
        client.event("listening")
        self.keeper_folder = self.directory / "other"
        self.keeper_folder.mkdir()
        other = self.start_keeper()
        for proxy, config in (
                (reverse, proxies.reverse_config(self.pki, [port], **self.kept_reverse())),
                (client, proxies.client_config(self.pki, reverse.port, **self.kept_client()))):
            proxy.write_config(config)
            proxy.signal(signal.SIGHUP)
            proxy.event("reloaded")
        self.keeper.kill()
        self.check_that_it_passes_bytes(*self.tls_ends(client.port, listener))
        self.assertIsNone(other.process.poll())

    def test_tls_1_2_only_where_the_keeper_signs_it(self):
        old = {"min_version": "1.2"}
        connect = {"modes": ["connect"]}
        listener = self.listener()
        port = listener.getsockname()[1]
        reverse = self.reverse_proxy(port, **self.kept_reverse(tls=old, detach=connect))
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.shake_hands_over_tls_1_2(reverse.port)
        self.assertIn("signs for TLS 1.3 only", reverse.event("refused")["reason"])
        self.keeper.kill()
        self.keeper = self.start_keeper(unsafe_tls12=True)
        self.shake_hands_over_tls_1_2(reverse.port)

    def shake_hands_over_tls_1_2(self, port):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(self.pki / "client.pem")
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as raw, \
                context.wrap_socket(raw):
            pass


if __name__ == "__main__":
    unittest.main()
