"""`openssl s_client` and `openssl s_server` as the inner ends of a tunnel."""

import subprocess

from curl import INNER_NAME
from processes import Program


class _End(Program):
    def __init__(self, *words, env=None):
        super().__init__(["openssl", *words], env=env, stdin=subprocess.PIPE)

    def say(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def hear(self, line):
        self.find(lambda heard: True if heard.endswith(line) else None)


class SServer(_End):
    """Prints what it gets, sends what it is told to say. Of `options` the last that says it counts."""

    def __init__(self, pki, *options, env=None):
        super().__init__("s_server", "-accept", "127.0.0.1:0", "-cert", pki / "server.pem",
                         "-cert_chain", pki / "server.pem", "-CAfile", pki / "client-ca.pem",
                         *options, env=env)
        address = self.find(lambda line: line.removeprefix("ACCEPT ")
                            if line.startswith("ACCEPT ") else None)
        self.port = int(address.rpartition(":")[2])


class SClient(_End):
    """Connects to a port of this machine. Ends when its input ends."""

    def __init__(self, pki, port, *options, env=None):
        super().__init__("s_client", "-connect", f"127.0.0.1:{port}", "-quiet", "-no_ign_eof",
                         "-servername", INNER_NAME, "-CAfile", pki / "server-ca.pem",
                         "-verify_return_error", *options, env=env)

    @property
    def resumed(self):
        """It verified no certificate. To be asked when it has ended."""
        return "verify return:1" not in self.lines

    def leave(self):
        """Ends the connection, with close_notify. Returns the exit code."""
        self.process.stdin.close()
        return self.wait()


def as_bob(pki):
    """s_client's options for a client certificate."""
    return ["-cert", pki / "other-client.crt", "-key", pki / "other-client.key",
            "-cert_chain", pki / "other-client.crt"]
