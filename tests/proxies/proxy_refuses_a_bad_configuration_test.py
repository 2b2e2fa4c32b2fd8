#!/usr/bin/env python3
"""A bad configuration is one line with file:line:column, exit code 2, and nothing has started.

Without this a typing error opens the proxy, or its operator has to guess what it did not like.
"""

import subprocess
import unittest

import proxies
from processes import PATIENCE
from tunnel_case import TunnelCase


class ProxyRefusesABadConfigurationTest(TunnelCase):
    def run_proxy(self, program, text, *flags):
        self.config = self.directory / "proxy.toml"
        self.config.write_text(text)
        return self.run_with(program, "--config", self.config, *flags)

    def run_with(self, program, *arguments):
        words = ["run"] if program == proxies.CLIENT_PROXY else []
        return subprocess.run([program, *words, *arguments], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)

    def configs(self, **changes):
        return ((proxies.REVERSE_PROXY, proxies.reverse_config(self.pki, [9], **changes)),
                (proxies.CLIENT_PROXY, proxies.client_config(self.pki, 9, **changes)))

    def check(self, program, text, blamed, why):
        """When it is only checked, and when it is run. `blamed`: a text in the line to blame."""
        line = 1 + next(number for number, line in enumerate(text.splitlines()) if blamed in line)
        for flags in (["--check-config"], []):
            ended = self.run_proxy(program, text, *flags)
            self.assertEqual((ended.returncode, ended.stdout), (2, ""), ended.stderr)
            self.assertRegex(ended.stderr, rf"^{self.config}:{line}:\d+: [^\n]*{why}[^\n]*\n$")
            self.assertFalse((self.directory / "pid").exists())

    def check_both(self, blamed, why, **changes):
        for program, config in self.configs(pid_file=f"{self.directory}/pid", **changes):
            with self.subTest(program):
                self.check(program, proxies.to_toml(config), blamed, why)

    def check_one(self, program, blamed, why, **changes):
        config = dict(self.configs(pid_file=f"{self.directory}/pid", **changes))[program]
        self.check(program, proxies.to_toml(config), blamed, why)

    def test_a_good_one_is_called_good(self):
        for program, config in self.configs():
            ended = self.run_proxy(program, proxies.to_toml(config), "--check-config")
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
            self.assertIn("good", ended.stdout)

    def test_an_unknown_key(self):
        self.check_both("colour", "colour", colour="red")

    def test_an_unknown_key_of_a_table(self):
        self.check_both("colour", "colour", detach={"colour": "red"})

    def test_a_wrong_type(self):
        self.check_both("threads", "threads", threads="two")

    def test_a_wrong_value(self):
        self.check_both("modes", "uncovered", detach={"modes": ["uncovered"]})

    def test_a_backend_that_there_is_not(self):
        self.check_both("backend", "is no TLS backend of this build, which has \"",
                        tls={"backend": "gnutls"})

    def test_a_missing_key(self):
        self.check_both("", "listen", listen=None)

    def test_what_is_no_toml(self):
        for program, config in self.configs():
            with self.subTest(program):
                self.check(program, f"{proxies.to_toml(config)}colour = red\n", "colour", "")

    def test_a_missing_file(self):
        self.check_one(proxies.REVERSE_PROXY, "identity", "/none.pem",
                       tls={"identity": "file:/none.pem"})
        self.check_one(proxies.REVERSE_PROXY, "crl", "/none.crl", tls={"crl": "/none.crl"})
        self.check_one(proxies.CLIENT_PROXY, "identities", "/none.pem",
                       identities=["file:/none.pem"])
        self.check_one(proxies.CLIENT_PROXY, "trust_anchors", "/none.pem",
                       reverse_proxy={"trust_anchors": "/none.pem"})

    def test_a_key_that_is_not_there(self):
        self.check_one(proxies.REVERSE_PROXY, "identity", "key",
                       tls={"identity": f"file:{self.pki}/server.crt"})

    def test_a_key_that_cannot_be_read(self):
        garbled = self.directory / "garbled.pem"
        text = (self.pki / "server.pem").read_text()
        garbled.write_text(text.replace("PRIVATE KEY-----\n", "PRIVATE KEY-----\nMIIB", 1))
        for uri in (f"file:{self.directory}", f"file:{garbled}"):
            with self.subTest(uri):
                self.check_one(proxies.REVERSE_PROXY, "identity", uri[5:], tls={"identity": uri})

    def test_a_port_that_is_taken(self):
        taken = self.listener().getsockname()[1]
        for program, config in self.configs(listen=[f"127.0.0.1:{taken}"],
                                            pid_file=f"{self.directory}/pid"):
            with self.subTest(program):
                ended = self.run_proxy(program, proxies.to_toml(config))
                self.assertEqual((ended.returncode, ended.stdout), (2, ""))
                self.assertRegex(ended.stderr, rf"^{self.config}:1:\d+: [^\n]*{taken}[^\n]*\n$")
                self.assertFalse((self.directory / "pid").exists())

    def test_a_port_for_everybody_at_the_client_proxy(self):
        self.check_one(proxies.CLIENT_PROXY, "listen", "unsafe_listen", listen=["0.0.0.0:0"])

    def test_a_configuration_that_is_not_there(self):
        for program in (proxies.REVERSE_PROXY, proxies.CLIENT_PROXY):
            ended = self.run_with(program, "--config", "/none.toml")
            self.assertEqual((ended.returncode, ended.stdout), (2, ""))
            self.assertRegex(ended.stderr, r"^/none.toml: [^\n]+\n$")

    def test_wrong_usage(self):
        for program in (proxies.REVERSE_PROXY, proxies.CLIENT_PROXY):
            self.assertEqual(self.run_with(program, "--colour").returncode, 2)


if __name__ == "__main__":
    unittest.main()
