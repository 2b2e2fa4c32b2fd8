#!/usr/bin/env python3
"""Our FTP client with ProFTPD's mod_tls: CCC, and then files both ways, on data connections of both kinds.

Without this our CCC would be one that we alone understand.
"""

import os
import unittest

import interop_table
from ftp_case import FtpCase
from ftp_programs import ftp_client
from proftpd import ProFtpd, proftpd_version

SIZE = 3_000_000


class FtpClientWithProftpdTest(FtpCase):
    def setUp(self):
        super().setUp()
        self.proftpd = self.enterContext(ProFtpd(self.pki, self.directory))
        self.stored, self.fetched = self.directory / "stored", self.directory / "fetched"
        self.stored.write_bytes(os.urandom(SIZE))

    def verdict(self, *arguments):
        there = self.proftpd.folder / "file"
        for path in (there, self.fetched):
            path.unlink(missing_ok=True)
        ended = ftp_client(self.pki, self.directory, self.proftpd.port, *arguments,
                           "--put", self.stored, "file", "--list", "--get", "file", self.fetched)
        body = self.stored.read_bytes()
        if ended.returncode == 0:
            self.assertIn(" file\n", ended.stdout.replace("\r", ""))
            if there.read_bytes() == body and self.fetched.read_bytes() == body:
                return "exact"
        return f"no: {ended.stderr.strip().removeprefix('ftp_ccc_client: ')}"

    def test_every_version_and_protection(self):
        verdicts = {}
        for version in ("1.2", "1.3"):
            for protection in ("C", "P"):
                verdicts["1", version, protection] = self.verdict("--tls-max", version, "--prot", protection)
            verdicts["2", version, "P"] = self.verdict("--tls-max", version, "--rounds", "2")
        interop_table.check("ftp-client", f"ProFTPD {proftpd_version()}", ("AUTH TLS and CCC, times", "TLS", "PROT"),
                            verdicts)


if __name__ == "__main__":
    unittest.main()
