#!/usr/bin/env python3
"""No number of a private key is in a server's memory when a keeper has the key.

The same search finds them where the server reads the key itself: so it can fail. A thousand
handshakes, over the types of keys.
"""

import pathlib
import socket
import ssl
import tempfile
import unittest

from keeper import KEY_TYPES, Keeper, entry, make_identity, openssl_config
from openssl_ends import SServer
from private_key import WORKED_OUT, components, found_in
from processes import PATIENCE

HANDSHAKES = 1000


def shake_hands(port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as raw, \
            context.wrap_socket(raw):
        pass


class ServerWithAKeeperHoldsNoPrivateKeyTest(unittest.TestCase):
    def test_of_each_type(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        paths = {name: make_identity(folder, name, *options)
                 for name, options in KEY_TYPES.items()}
        keeper = self.enterContext(Keeper(
            folder, *(entry(name, path, "tls-server") for name, path in paths.items())))
        environment = openssl_config(folder / "openssl.cnf", keeper.socket)
        for name, path in paths.items():
            secret = components(path)
            certificate = path.with_suffix(".crt")
            for uri, handshakes in ((f"identity:{name}", HANDSHAKES // len(KEY_TYPES) + 1),
                                    (f"file:{path}", 3)):
                with self.subTest(uri=uri), \
                        SServer(folder, "-cert", uri, "-key", uri, "-cert_chain", certificate,
                                "-CAfile", certificate, env=environment) as server:
                    for _ in range(handshakes):
                        shake_hands(server.port)
                    found = found_in(server.pid, secret)
                    if uri.startswith("identity:"):
                        self.assertEqual(found, set())
                    else:
                        self.assertLessEqual(secret.keys() - WORKED_OUT, found,
                                             "the search does not find it even where it is")


if __name__ == "__main__":
    unittest.main()
