#!/usr/bin/env python3
"""A program links the TLS libraries of the backends that it was built with, and no other.

Its arguments are the names of those. Without this a build that does without a library needs it all
the same, where it runs or where it is built.
"""

import subprocess
import sys
import unittest

import proxies
from openssl_ends import SClient
from processes import PATIENCE, Program
from tunnel_case import TunnelCase

DETACH_ECHO = "examples/detach_echo"
LIBRARIES = {"openssl": "libssl.so", "botan": "libbotan-"}
BACKENDS = sys.argv[1:]
STACKS = {"openssl": "OpenSSL", "botan": r"Botan [\d.]+"}
DESCRIBED = " and ".join(rf'"{name}" \({STACKS[name]}\)' for name in BACKENDS)


def run(*command):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=PATIENCE,
                          check=False)


class ProgramLinksItsOwnBackendsOnlyTest(TunnelCase):
    def test_its_libraries(self):
        for program in (DETACH_ECHO, proxies.CLIENT_PROXY, proxies.REVERSE_PROXY):
            with self.subTest(program):
                needed = run("readelf", "-d", program).stdout
                self.assertIn("libc.so", needed)
                self.assertEqual({name for name, library in LIBRARIES.items() if library in needed},
                                 set(BACKENDS))

    def test_what_an_example_offers(self):
        self.assertIn(f"{{{','.join(BACKENDS)}}}", run(DETACH_ECHO, "--help").stdout)

    def test_an_example_speaks_tls_by_each(self):
        for backend in BACKENDS:
            with self.subTest(backend):
                echo = self.start(Program([DETACH_ECHO, "--backend", backend, "--cert",
                                           self.pki / "server.crt", "--key",
                                           self.pki / "server.key"]))
                address = echo.find(lambda line: line.removeprefix("listening on ")
                                    if line.startswith("listening on ") else None)
                client = self.start(SClient(self.pki, address.rpartition(":")[2]))
                client.say(f"hello, {backend}")
                client.hear(f"hello, {backend}")
                client.leave()

    def test_what_a_proxy_takes(self):
        for backend in ("gnutls", *LIBRARIES):
            config = self.directory / f"{backend}.toml"
            config.write_text(proxies.to_toml(proxies.reverse_config(
                self.pki, [9], tls={"backend": backend, "min_version": "1.2"},
                detach={"modes": ["connect"]})))
            checked = run(proxies.REVERSE_PROXY, "--config", config, "--check-config")
            with self.subTest(backend):
                self.assertEqual(checked.returncode, 0 if backend in BACKENDS else 2)
                if backend not in BACKENDS:
                    self.assertRegex(checked.stderr, r":\d+:\d+: .* is no TLS backend of this "
                                                     f"build, which has {DESCRIBED}\n")

    def test_what_a_proxy_says_about_itself(self):
        for program in (proxies.CLIENT_PROXY, proxies.REVERSE_PROXY):
            said = " ".join(run(program, "--help").stdout.split())
            self.assertRegex(said, f"names none: {DESCRIBED}\\.")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
