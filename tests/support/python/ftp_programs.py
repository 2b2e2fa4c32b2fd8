"""The FTP server and client of examples/, started for a test."""

import pathlib
import re
import subprocess

from processes import PATIENCE, Program

SERVER = "examples/ftp_ccc_server"
CLIENT = "examples/ftp_ccc_client"
USER, PASSWORD = "alice", "correct-horse"


class FtpServer(Program):
    """ftp_ccc_server. `folder` is what it serves; it lies in `directory`."""

    def __init__(self, pki, directory, *flags):
        self.folder = pathlib.Path(directory) / "served"
        self.folder.mkdir()
        super().__init__([
            SERVER, "--cert", pki / "server.crt", "--key", pki / "server.key", "--folder", self.folder,
            "--user", USER, "--password-file", _password_file(directory), *flags])
        self.port = int(self.find(lambda line: re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)", line))[1])

    def await_ended(self, how, left_tls=0):
        """Waits until a session has ended so, having left TLS so often."""
        self.find(lambda line: True if line == f"session: left TLS {left_tls} times, ended: {how}" else None)

    def await_endings(self, count):
        """Waits for the end of so many sessions: how often each had left TLS, and how it ended."""
        endings = []

        def all_of_them(line):
            if match := re.fullmatch(r"session: left TLS (\d+) times, ended: (.*)", line):
                endings.append((int(match[1]), match[2]))
            return endings if len(endings) == count else None

        return self.find(all_of_them)


def ftp_client(pki, directory, port, *arguments):
    """Runs ftp_ccc_client to its end. Returns its CompletedProcess, with text."""
    return subprocess.run(
        [CLIENT, "localhost", str(port), "--ca", pki / "server-ca.pem", "--user", USER,
         "--password-file", _password_file(directory), *map(str, arguments)],
        capture_output=True, text=True, timeout=PATIENCE, check=False)


def _password_file(directory):
    path = pathlib.Path(directory) / "password"
    path.write_text(f"{PASSWORD}\n")
    return path
