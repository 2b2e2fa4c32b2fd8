#!/usr/bin/env python3
"""A foreign TLS stack, in both roles, against examples/detach_echo and our client: foreign_stack_test.py STACK.

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

# For each stack: the ways to use it, each with the program that does.
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


class ForeignStackTest(unittest.TestCase):
    stack = None

    @classmethod
    def setUpClass(cls):
        cls.pki = cls.enterClassContext(certificates())
        cls.echo = cls.enterClassContext(
            Program([_ECHO, "--cert", cls.pki / "server.crt", "--key", cls.pki / "server.key"]))
        cls.echo_port = cls.echo.find(
            lambda line: int(line.rpartition(":")[2]) if line.startswith("listening on ") else None)
        cls.ours = cls.enterClassContext(StackProgram(_OURS, "openssl", cls.pki))

    def test_leaves_tls_and_enters_it_again_as_the_document_says(self):
        verdicts = {}
        versions = []
        for way, command in WAYS[self.stack].items():
            with StackProgram(*command, self.pki) as theirs:
                versions.append(theirs.call("version"))
                for cell in cells():
                    verdicts[way, cell.role, cell.version, cell.first] = verdict(
                        cell, theirs, self.echo_port, self.ours)
        interop_table.check(self.stack, versions[0], ("with", "role", "TLS", "closes first"), verdicts)


if __name__ == "__main__":
    ForeignStackTest.stack = sys.argv.pop(1)
    unittest.main()
