#!/usr/bin/env python3
"""The reverse proxy serves, and reloads, with next to no rights: on every thread of it.

Without this whoever breaks into it has the machine; or, worse for most, a reload fails because of it.
"""

import json
import os
import pathlib
import signal
import tempfile
import unittest

import proxies
from raw_client import alice_context, ask
from tunnel_case import TunnelCase

NO_LANDLOCK = "this kernel has no Landlock: no folder is outside"


class ReverseIsConfinedWhileItServesTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destination = self.listener()
        self.port = self.destination.getsockname()[1]

    def folder(self):
        return pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def check_tunnel(self, reverse):
        client = self.client_proxy(reverse.port)
        browser, destination = self.tls_ends(client.port, self.destination)
        for writer, reader in ((browser, destination), (destination, browser)):
            writer.write(b"raw bytes")
            self.assertEqual(reader.read(9), b"raw bytes")

    def test_each_thread_has_no_new_privileges_and_a_filter(self):
        reverse = self.reverse_proxy(self.port)
        self.check_tunnel(reverse)
        threads = list(pathlib.Path(f"/proc/{reverse.pid}/task").iterdir())
        self.assertGreaterEqual(len(threads), 5)  # main, two that set up, two of the relay
        for thread in threads:
            status = (thread / "status").read_text()
            self.assertRegex(status, r"\nNoNewPrivs:\t1\n")
            self.assertRegex(status, r"\nSeccomp:\t2\n")

    def test_it_says_what_holds(self):
        reverse = self.reverse_proxy(self.port)
        confined = reverse.event("confined")
        self.assertIs(confined["no_new_privileges"], True)
        self.assertGreater(confined["system_calls"], 0)
        if confined["landlock"] == 0:
            self.assertEqual(confined["level"], "warning")
            self.assertIn("no Landlock", confined["readable"])
        else:
            readable = confined["readable"].split(", ")
            for folder in (self.directory, self.pki, pathlib.Path("/etc")):
                self.assertIn(str(folder), readable)
            self.assertNotIn("/", readable)
            self.assertNotIn(str(self.directory.parent), readable)

    def test_the_pid_file_goes_with_it(self):
        folder = self.folder()
        reverse = self.reverse_proxy(self.port, pid_file=f"{folder}/reverse.pid")
        reverse.event("listening")
        self.assertEqual([file.name for file in folder.iterdir()], ["reverse.pid"])
        reverse.signal(signal.SIGTERM)
        self.assertEqual(reverse.wait(), 0)
        self.assertEqual(list(folder.iterdir()), [])

    def test_files_that_are_renamed_into_place_are_read_again(self):
        """So does every editor, and whoever fetches CRLs."""
        crl = self.folder() / "clients.crl"
        crl.write_bytes((self.pki / "client-root-only.crl").read_bytes())
        reverse = self.reverse_proxy(self.port, tls={"crl": str(crl)})
        with self.assertRaises(OSError):  # unknown_ca: its CRL is missing
            self.answer(reverse)

        replace(crl, (self.pki / "client.crl").read_bytes())
        changed = proxies.reverse_config(self.pki, (8,), tls={"crl": str(crl)})
        replace(reverse.config_file, proxies.to_toml(changed).encode())
        self.assertEqual(reload(reverse)["event"], "reloaded")
        self.assertEqual(self.answer(reverse).status, 403)  # known now, and the new file has no row

    def answer(self, reverse):
        request = b"CONNECT localhost:9 HTTP/1.1\r\nHost: localhost:9\r\n\r\n"
        return ask(reverse.port, request, alice_context(self.pki))

    def test_a_reload_that_leads_outside_is_refused(self):
        reverse = self.reverse_proxy(self.port)
        if reverse.event("confined")["landlock"] == 0:
            self.skipTest(NO_LANDLOCK)
        outside = self.folder()
        crl = outside / "clients.crl"
        crl.write_bytes((self.pki / "client.crl").read_bytes())
        moved = proxies.reverse_config(self.pki, (self.port,), tls={"crl": str(crl)})
        reverse.write_config(moved)
        failed = reload(reverse)
        self.assertEqual(failed["event"], "reload_failed")
        self.assertRegex(failed["reason"],
                         rf"^{reverse.config_file}:\d+:\d+: {crl}: Permission denied; ")
        self.assertIn(f"reads only {self.pki}", failed["reason"])
        self.assertIn("restart it", failed["reason"])
        self.check_tunnel(reverse)  # as before

        restarted = self.reverse_proxy(self.port, tls={"crl": str(crl)})
        self.assertIn(str(outside), restarted.event("confined")["readable"])
        self.check_tunnel(restarted)


def reload(reverse):
    """Returns the event that tells what became of it."""
    reverse.signal(signal.SIGHUP)
    return reverse.find(lambda line: json.loads(line) if '"event":"reload' in line else None)


def replace(file, contents):
    """Puts another file in its place, as a whole."""
    fresh = file.with_suffix(".new")
    fresh.write_bytes(contents)
    os.replace(fresh, file)


if __name__ == "__main__":
    unittest.main()
