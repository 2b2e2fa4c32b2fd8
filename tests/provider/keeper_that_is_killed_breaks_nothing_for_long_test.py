#!/usr/bin/env python3
"""A server whose keeper is killed under load fails handshakes, says why, and works again with the next.

Who is connected stays so: an open connection does not need the keeper any more.
"""

import pathlib
import socket
import ssl
import tempfile
import threading
import unittest

from keeper import Keeper, entry, make_identity, openssl_config
from openssl_ends import SClient, SServer
from processes import PATIENCE

CLIENTS = 3


class Load:
    """Clients that connect to a port again and again, and count."""

    def __init__(self, ports):
        self._ports = ports
        self._news = threading.Condition()
        self._counts = {True: 0, False: 0}
        self._over = False
        self._threads = [threading.Thread(target=self._connect, args=(port,)) for port in ports]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over = True
        for thread in self._threads:
            thread.join()

    def wait_for(self, made, more):
        """Waits until so many more handshakes than now were made, or failed."""
        with self._news:
            enough = self._counts[made] + more
            if not self._news.wait_for(lambda: self._counts[made] >= enough, PATIENCE):
                raise AssertionError(f"made, failed: {self._counts}")

    def _connect(self, port):
        while not self._over:
            made = handshake(port)
            with self._news:
                self._counts[made] += 1
                self._news.notify_all()


def handshake(port):
    """Whether a handshake comes to its end: the server has proved its key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as raw:
        try:
            with context.wrap_socket(raw):
                return True
        except (ssl.SSLError, ConnectionError):
            return False


class KeeperThatIsKilledBreaksNothingForLongTest(unittest.TestCase):
    def test_under_load(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        server_pem = make_identity(folder, "server", "rsa:2048")
        entries = [entry("server", server_pem, "tls-server")]
        keeper = self.enterContext(Keeper(folder, *entries))
        environment = openssl_config(folder / "openssl.cnf", keeper.socket)
        options = ["-cert", "identity:server", "-key", "identity:server", "-cert_chain",
                   server_pem, "-CAfile", server_pem]

        def serve():
            return self.enterContext(SServer(folder, *options, env=environment))

        lasting = serve()
        client = self.enterContext(SClient(folder, lasting.port, "-CAfile", server_pem))
        client.say("before")
        lasting.hear("before")
        servers = [serve() for _ in range(CLIENTS)]
        with Load([server.port for server in servers]) as load:
            load.wait_for(True, 20)
            keeper.kill()
            load.wait_for(False, 20)
            servers[0].find(lambda line: line if "no keeper" in line else None)
            keeper = self.enterContext(Keeper(folder, *entries))
            load.wait_for(True, 20)
        client.say("after")
        lasting.hear("after")


if __name__ == "__main__":
    unittest.main()
