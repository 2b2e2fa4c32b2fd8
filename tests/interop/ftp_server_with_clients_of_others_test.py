#!/usr/bin/env python3
"""curl and lftp with our FTP server: they log in under TLS, leave it with CCC, store a file and fetch it again.

Without this our CCC would be one that we alone understand.
"""

import concurrent.futures
import dataclasses
import hashlib
import os
import subprocess
import unittest

import interop_table
from ftp_case import FtpCase
from ftp_programs import PASSWORD, USER, FtpServer
from processes import PATIENCE

SIZE = 3_000_000

EXACT = "exact"
# What the server says at the end of the session, or the client.
WHY_NOT = {
    "nothing came from the peer within 5000 ms": "no: it sends no close_notify",
    "the connection ended without close_notify": "no: it sends no close_notify",
    "SSL_write() error": "no: it writes to the TLS that both ends have left",
}


@dataclasses.dataclass(frozen=True)
class Cell:
    client: str
    version: str
    protection: str


class Session:
    """One client's work with a server of its own, in a directory of its own."""

    def __init__(self, cell, pki, directory):
        directory.mkdir()
        self.cell, self.pki, self.directory = cell, pki, directory
        self.stored, self.fetched = directory / "stored", directory / "fetched"
        self.stored.write_bytes(os.urandom(SIZE))

    def verdict(self):
        with FtpServer(self.pki, self.directory, "--tls-max", self.cell.version) as server:
            commands = self.curl if self.cell.client.startswith("curl") else self.lftp
            endings = []
            for number, command in enumerate(commands(server.port), 1):
                ran = self.run(command)
                endings = server.await_endings(number)
                if endings[-1][1] != "in order":
                    break
            there = server.folder / "file"
            moved = [hashed(path) for path in (self.stored, there, self.fetched)]
            if all(ended == (1, "in order") for ended in endings) and len(set(moved)) == 1:
                return EXACT
            said = f"{endings} {moved} {ran}"
            for words, verdict in WHY_NOT.items():
                if words in said:
                    return verdict
            raise AssertionError(f"{self.cell}: {said}")

    def run(self, command):
        return subprocess.run(command, env={**os.environ, "HOME": str(self.directory)}, capture_output=True,
                              text=True, timeout=PATIENCE, check=False)

    def curl(self, port):
        """One process, so one session, for each direction."""
        how = "--ssl-reqd" if self.cell.protection == "P" else "--ftp-ssl-control"
        options = ["curl", "-sS", how, "--ftp-ssl-ccc", "--ftp-ssl-ccc-mode", self.cell.client.split()[1],
                   "--cacert", self.pki / "server-ca.pem", "--user", f"{USER}:{PASSWORD}"]
        url = f"ftp://localhost:{port}/file"
        return [[*options, "--upload-file", self.stored, url], [*options, "--output", self.fetched, url]]

    def lftp(self, port):
        protect = "yes" if self.cell.protection == "P" else "no"
        return [["lftp", "--norc", "-e", f"""
            set ssl:ca-file {self.pki}/server-ca.pem; set cmd:fail-exit yes; set net:max-retries 1;
            set ftp:ssl-force yes; set ftp:ssl-use-ccc yes;
            set ftp:ssl-protect-data {protect}; set ftp:ssl-protect-list {protect};
            open -u {USER},{PASSWORD} -p {port} ftp://localhost;
            put {self.stored} -o file; get file -o {self.fetched}; ls; bye"""]]


def hashed(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else f"no {path.name}"


def version_of(program):
    """"curl 7.88.1", of what `--version` says."""
    words = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split()
    return f"{program} {words[words.index('Version') + 1] if 'Version' in words[:4] else words[1]}"


class FtpServerWithClientsOfOthersTest(FtpCase):
    def test_every_client(self):
        cells = [Cell(client, version, protection)
                 for client in ("curl active", "curl passive", "lftp")
                 for version in ("1.2", "1.3") for protection in ("C", "P")]
        sessions = [Session(cell, self.pki, self.directory / str(number)) for number, cell in enumerate(cells)]
        with concurrent.futures.ThreadPoolExecutor(len(cells)) as pool:
            verdicts = list(pool.map(Session.verdict, sessions))
        interop_table.check("ftp-server", ", ".join(map(version_of, ("curl", "lftp"))), ("client", "TLS", "PROT"),
                            {dataclasses.astuple(cell): verdict for cell, verdict in zip(cells, verdicts)})


if __name__ == "__main__":
    unittest.main()
