#!/usr/bin/env python3
"""CCC of the FTP server: the client's close_notify, the server's, and then raw, to the byte.

Without this a command that stands right behind the close_notify is lost, or an end passes for a CCC.
"""

import ftplib
import hashlib
import io
import os
import re
import socket
import unittest

from ftp_case import VERSIONS, FtpCase, say
from ftp_programs import PASSWORD, USER


class FtpServerLeavesTlsExactlyTest(FtpCase):
    def ready_for_ccc(self, version=VERSIONS[-1]):
        server = self.server()
        tls = self.enter_tls(self.connect(server.port), version)
        self.log_in(tls)
        return server, tls

    def leave(self, tls, behind):
        """CCC, and `behind` in one segment with the close_notify."""
        self.assertEqual(say(tls, b"CCC")[:3], b"200")
        tls.socket.sendall(tls.close_notify() + behind)
        self.assertEqual(tls.read(1), b"")  # the server's close_notify, and nothing before it

    def check_glued_commands(self, version):
        server, tls = self.ready_for_ccc(version)
        self.leave(tls, b"PWD\r\nNOOP\r\nTY")
        tls.socket.sendall(b"PE I\r\nQUIT\r\n")
        tls.fin()  # whoever has lost something waits for no more
        self.assertEqual(tls.raw_line(), b'257 "/"\r\n')
        self.assertEqual(tls.raw_line()[:3], b"200")
        self.assertEqual(tls.raw_line(), b"200 TYPE I\r\n")
        server.await_ended("in order", left_tls=1)

    def test_commands_in_one_segment_with_the_close_notify_survive_tls_1_2(self):
        self.check_glued_commands(VERSIONS[0])

    def test_commands_in_one_segment_with_the_close_notify_survive_tls_1_3(self):
        self.check_glued_commands(VERSIONS[1])

    def test_an_end_is_no_close_notify(self):
        server, tls = self.ready_for_ccc()
        self.assertEqual(say(tls, b"CCC")[:3], b"200")
        tls.fin()
        tls.ending()
        server.find(lambda line: True if re.match("session: left TLS 0 times, ended: (?!in order)", line) else None)

    def test_a_command_under_tls_behind_ccc_is_refused(self):
        server, tls = self.ready_for_ccc()
        tls.write_records(b"CCC\r\n", b"NOOP\r\n")
        self.assertEqual(tls.read(4), b"200 ")
        server.await_ended("the peer sent data where its close_notify was due")

    def test_three_rounds_on_one_connection_each_with_a_login_of_its_own(self):
        body = os.urandom(300_000)
        server = self.server()
        for version in VERSIONS:
            with self.subTest(version.name), ftplib.FTP_TLS(context=self.context(version)) as ftp:
                ftp.connect("localhost", server.port)
                for turn in range(3):
                    ftp.auth()
                    with self.assertRaisesRegex(ftplib.error_perm, "530"):
                        ftp.sendcmd("PWD")
                    self.use(ftp, body, f"{version.name}-{turn}")
                ftp.quit()
            server.await_ended("in order", left_tls=3)

    def use(self, ftp, body, name):
        ftp.login(USER, PASSWORD, secure=False)  # auth() has been
        ftp.prot_p()
        ftp.ccc()
        # unwrap() has left an SSLSocket without TLS, which ftplib would take for TLS.
        ftp.sock = self.enterContext(socket.socket(fileno=ftp.sock.detach()))
        ftp.file = ftp.sock.makefile("r", encoding=ftp.encoding)
        ftp.storbinary(f"STOR {name}", io.BytesIO(body))
        fetched = hashlib.sha256()
        ftp.retrbinary(f"RETR {name}", fetched.update)
        self.assertEqual(fetched.hexdigest(), hashlib.sha256(body).hexdigest())
        self.assertIn(name, ftp.nlst())


if __name__ == "__main__":
    unittest.main()
