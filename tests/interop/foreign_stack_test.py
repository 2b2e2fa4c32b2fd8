#!/usr/bin/env python3
"""A foreign TLS stack, in both roles, against examples/detach_echo and our client: foreign_stack_test.py TABLE.

Without this only our own stack would have shown that a detach is a detach. What each stack does stands in
docs/INTEROP.md; a stack that cannot is named there too, and what to do about it.
"""

import sys
import unittest

import interop_table
from conversation import cells, verdict
from pki import certificates
from processes import Program
from stack_program import StackProgram

_STACKS = "tests/interop/stacks"
_OURS = f"{_STACKS}/detachable_socket"
_ECHO = "examples/detach_echo"
# The flags of a program that lives for seconds.
_JAVA = ("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", f"{_STACKS}/java_ssl.jar")

# For each table: the ways to use a stack, each with the program that does.
WAYS = {
    "gnutls": {
        "GnuTLS": (f"{_STACKS}/gnutls",),
    },
    "go": {
        "net.Conn": (f"{_STACKS}/go_tls.program", "bare"),
        "record reader": (f"{_STACKS}/go_tls.program", "records"),
    },
    "java": {
        "close()": (*_JAVA, "close"),
        "shutdownOutput()": (*_JAVA, "shutdownOutput"),
    },
    "node": {
        "net.Socket": ("node", f"{_STACKS}/node_tls.js", "socket"),
        "record stream": ("node", f"{_STACKS}/node_tls.js", "records"),
    },
    "openssl": {
        "SSL_set_fd": (f"{_STACKS}/openssl", "plain"),
        "read_ahead": (f"{_STACKS}/openssl", "read_ahead"),
        "record gate": (f"{_STACKS}/openssl", "gate"),
    },
    "python": {
        "SSLSocket": ("python3", f"{_STACKS}/python_ssl.py", "socket"),
        "SSLObject": ("python3", f"{_STACKS}/python_ssl.py", "object"),
    },
}
# Where our end is Botan: the exact ones once more.
WAYS["botan"] = {
    "GnuTLS": WAYS["gnutls"]["GnuTLS"],
    "Go, record reader": WAYS["go"]["record reader"],
    "Java, shutdownOutput()": WAYS["java"]["shutdownOutput()"],
    "OpenSSL": WAYS["openssl"]["SSL_set_fd"],
    "Python, SSLObject": WAYS["python"]["SSLObject"],
}


class ForeignStackTest(unittest.TestCase):
    table = None

    @classmethod
    def setUpClass(cls):
        backend = "botan" if cls.table == "botan" else "openssl"
        cls.pki = cls.enterClassContext(certificates())
        cls.echo = cls.enterClassContext(Program([
            _ECHO, "--backend", backend, "--cert", cls.pki / "server.crt", "--key", cls.pki / "server.key"]))
        cls.echo_port = cls.echo.find(
            lambda line: int(line.rpartition(":")[2]) if line.startswith("listening on ") else None)
        cls.ours = cls.enterClassContext(StackProgram(_OURS, backend, cls.pki))
        cls.our_version = cls.ours.call("version")

    def test_leaves_tls_and_enters_it_again_as_the_document_says(self):
        ours_goes_to_13 = not self.our_version.startswith("Botan 2")
        matrix = cells(versions=("1.2", "1.3") if ours_goes_to_13 else ("1.2",))
        verdicts = {}
        stacks = []
        for way, command in WAYS[self.table].items():
            with StackProgram(*command, self.pki) as theirs:
                stacks.append(theirs.call("version"))
                for cell in matrix:
                    verdicts[way, cell.role, cell.version, cell.first] = verdict(
                        cell, theirs, self.echo_port, self.ours)
        versions = self.our_version if self.table == "botan" else stacks[0]
        interop_table.check(self.table, versions, ("with", "role", "TLS", "closes first"), verdicts)


if __name__ == "__main__":
    ForeignStackTest.table = sys.argv.pop(1)
    unittest.main()
