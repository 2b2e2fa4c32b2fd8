#!/usr/bin/env python3
"""ftp_ccc_client with a server that sends what somebody on the path could have sent."""

import socket
import ssl
import threading
import unittest

from ftp_case import FtpCase, read_line
from ftp_programs import ftp_client
from inner_tls import TlsEnd
from processes import PATIENCE


class Server:
    """One control connection, spoken by a script that runs in a thread."""

    def __init__(self, case, script):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(case.pki / "server.pem")
        self._listener = case.enterContext(socket.create_server(("127.0.0.1", 0)))
        self._listener.settimeout(PATIENCE)
        self.port = self._listener.getsockname()[1]
        self.data = case.enterContext(socket.create_server(("127.0.0.1", 0)))
        self.data.settimeout(PATIENCE)
        self.trouble = None
        self._thread = threading.Thread(target=self._run, args=(script,))
        self._thread.start()
        case.addCleanup(self._thread.join)

    def _run(self, script):
        control, _ = self._listener.accept()
        with control:
            control.settimeout(PATIENCE)
            control.sendall(b"220 hello\r\n")
            try:
                script(self, control)
            except (OSError, ssl.SSLError) as trouble:
                self.trouble = trouble

    def enter_tls(self, end):
        tls = TlsEnd(end, self._context, server_side=True)
        tls.handshake()
        return tls

    def log_in(self, control):
        """Up to the client's CCC."""
        assert read_line(control) == b"AUTH TLS\r\n"
        control.sendall(b"234 go\r\n")
        tls = self.enter_tls(control)
        for reply in (b"331 ?", b"230 !", b"200 PBSZ", b"200 PROT"):
            self.answer(tls, reply)
        return tls

    @staticmethod
    def answer(tls, reply):
        while tls.read(1) != b"\n":
            pass
        tls.write(reply + b"\r\n")

    def leave_tls(self, control, behind=b""):
        tls = self.log_in(control)
        self.answer(tls, b"200 CCC")
        assert tls.read(1) == b""  # the client's close_notify
        control.sendall(tls.close_notify() + behind)
        return tls


class FtpClientBelievesNoForgedEndTest(FtpCase):
    def run_client(self, script, *arguments):
        server = Server(self, script)
        return ftp_client(self.pki, self.directory, server.port, *arguments)

    def test_a_reply_that_is_smuggled_in_behind_234_is_none(self):
        def script(server, control):
            read_line(control)
            control.sendall(b"234 go\r\n331 smuggled\r\n")
            server.enter_tls(control)

        ended = self.run_client(script)
        self.assertEqual((ended.returncode, ended.stderr), (1, "ftp_ccc_client: TLS: wrong version number\n"))

    def test_an_end_in_place_of_the_close_notify_is_no_ccc(self):
        def script(server, control):
            tls = server.log_in(control)
            server.answer(tls, b"200 CCC")
            tls.fin()

        self.assertEqual(self.run_client(script).returncode, 1)

    def test_a_reply_in_one_segment_with_the_close_notify_survives(self):
        def script(server, control):
            server.leave_tls(control, b"221-bye\r\n221 bye\r\n")
            read_line(control)

        ended = self.run_client(script)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))

    def check_download(self, end):
        def script(server, control):
            server.leave_tls(control)
            for reply in (b"200 TYPE", b"229 (|||%d|)" % server.data.getsockname()[1], b"150 here"):
                read_line(control)
                control.sendall(reply + b"\r\n")
            raw, _ = server.data.accept()
            with raw:
                connection = server.enter_tls(raw)
                connection.write(b"half")
                end(connection)
            control.sendall(b"226 done\r\n")
            read_line(control)
            control.sendall(b"221 bye\r\n")

        return self.run_client(script, "--get", "report", self.directory / "report")

    def test_a_download_that_ends_without_close_notify_is_none(self):
        self.assertEqual(self.check_download(TlsEnd.fin).returncode, 1)

    def test_a_download_that_ends_with_close_notify_is_one(self):
        """The positive control."""
        ended = self.check_download(lambda end: end.socket.sendall(end.close_notify()))
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertEqual((self.directory / "report").read_bytes(), b"half")

    def test_an_answer_to_epsv_that_ends_behind_the_digits_is_none(self):
        """A string of 30 bytes fills its memory: ASan sees who reads on behind it."""
        def script(server, control):
            server.leave_tls(control)
            for reply in (b"200 TYPE", b"229 passive mode, yes: (|||123"):
                read_line(control)
                control.sendall(reply + b"\r\n")

        ended = self.run_client(script, "--list")
        self.assertEqual((ended.returncode, ended.stderr),
                         (1, "ftp_ccc_client: the server's answer to EPSV names no port\n"))

    def test_a_name_of_two_lines_is_not_sent(self):
        sent = []

        def script(server, control):
            server.leave_tls(control)
            for reply in (b"200 TYPE", b"229 (|||%d|)" % server.data.getsockname()[1], b"550 no", b"550 no"):
                sent.append(read_line(control))
                control.sendall(reply + b"\r\n")

        ended = self.run_client(script, "--get", "a\r\nDELE b", self.directory / "report")
        self.assertEqual((ended.returncode, ended.stderr), (1, "ftp_ccc_client: a name of two lines\n"))
        self.assertNotIn(b"DELE b\r\n", sent)


if __name__ == "__main__":
    unittest.main()
