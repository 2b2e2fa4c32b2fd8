#!/usr/bin/env python3
"""Our FTP client and server, each on every TLS backend of this build: three rounds of TLS, CCC and files."""

import itertools
import os
import re
import subprocess
import unittest

from ftp_case import FtpCase
from ftp_programs import CLIENT, FtpServer, ftp_client

ROUNDS = 3


def backends():
    said = subprocess.run([CLIENT, "--help"], check=True, capture_output=True, text=True).stdout
    return re.search(r"--backend TEXT:\{(.*?)\}", said)[1].split(",")


class FtpClientAndServerOnEveryBackendTest(FtpCase):
    def test_three_rounds_with_files(self):
        stored = self.directory / "stored"
        stored.write_bytes(os.urandom(1_000_000))
        for number, (client, server, version, protection) in enumerate(
                itertools.product(backends(), backends(), ("1.2", "1.3"), "CP")):
            with self.subTest(client=client, server=server, version=version, protection=protection):
                self.three_rounds(stored, self.directory / str(number), version, server,
                                  ["--backend", client, "--tls-max", version, "--prot", protection])

    def three_rounds(self, stored, directory, version, backend, flags):
        directory.mkdir()
        fetched = directory / "fetched"
        with FtpServer(self.pki, directory, "--tls-max", version, "--backend", backend) as server:
            ended = ftp_client(self.pki, directory, server.port, *flags, "--rounds", ROUNDS,
                               "--put", stored, "file", "--get", "file", fetched)
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
            server.await_ended("in order", left_tls=ROUNDS)
        self.assertEqual(fetched.read_bytes(), stored.read_bytes())


if __name__ == "__main__":
    unittest.main()
