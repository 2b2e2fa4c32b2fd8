#!/usr/bin/env python3
"""The clients of docs/PLUGGING-IN.md: before, and after they have learnt to leave TLS."""

import socket
import ssl
import subprocess
import threading
import unittest

from echo_server import certificates, echo_server
from inner_tls import TlsEnd
from processes import PATIENCE

PROGRAMS = "examples/plugging_in/"
AGREED = {"bio_after": b"DETACH\n", "event_loop_after": b"DETACH AFTER ME\n"}


class PluggingInClientLeavesTlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pki = cls.enterClassContext(certificates())

    def run_client(self, program, port):
        return subprocess.run([PROGRAMS + program, "localhost", str(port), self.pki / "server-ca.pem"],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)

    def check(self, program, said):
        for version in ("1.2", "1.3"):
            with self.subTest(version), echo_server(self.pki, "--tls-max", version) as port:
                ended = self.run_client(program, port)
                self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, said, ""))

    def test_bio_before(self):
        self.check("bio_before", "under TLS\n")

    def test_bio_after(self):
        self.check("bio_after", "under TLS\nGO\nin clear\n")

    def test_event_loop_before(self):
        self.check("event_loop_before", "under TLS\n")

    def test_event_loop_after(self):
        self.check("event_loop_after", "under TLS\nGO\nbehind its close_notify: READY\nin clear\n")

    def with_server(self, program, end):
        """What the client does when the server ends TLS by `end`, and what it says from there on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pki / "server.pem")
        came = []

        def serve(listener):
            raw, _ = listener.accept()
            with raw:
                raw.settimeout(PATIENCE)
                tls = TlsEnd(raw, context, server_side=True)
                tls.handshake()
                tls.write(tls.read(len(b"under TLS\n")))
                tls.read(len(AGREED[program]))
                tls.write(b"GO\n")
                end(tls)
                while piece := raw.recv(65536):
                    came.append(piece)

        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(PATIENCE)
            server = threading.Thread(target=serve, args=(listener,))
            server.start()
            ended = self.run_client(program, listener.getsockname()[1])
            server.join()
        return ended, b"".join(came)

    def test_an_end_in_place_of_close_notify_is_no_detach(self):
        for program in AGREED:
            with self.subTest(program):
                ended, came = self.with_server(program, TlsEnd.fin)
                self.assertEqual(ended.returncode, 1)
                self.assertIn("the server has not left TLS", ended.stderr)
                self.assertNotIn(b"in clear", came)

    def test_a_close_notify_is_one(self):
        """The positive control."""
        for program in AGREED:
            with self.subTest(program):
                _, came = self.with_server(program, lambda tls: (tls.socket.sendall(tls.close_notify()), tls.fin()))
                self.assertIn(b"in clear\n", came)


if __name__ == "__main__":
    unittest.main()
