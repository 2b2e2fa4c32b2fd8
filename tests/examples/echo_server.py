"""Starts detach_echo for a test."""

import contextlib
import pathlib
import subprocess
import tempfile

DETACH_ECHO = "examples/detach_echo"
MAKE_PKI = "tests/support/make_pki"


@contextlib.contextmanager
def certificates():
    """The files of tests/support/test_pki.h, in a directory of their own."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([MAKE_PKI, directory], check=True)
        yield pathlib.Path(directory)


@contextlib.contextmanager
def echo_server(pki, *flags):
    """A running detach_echo; its port."""
    command = [DETACH_ECHO, "--cert", pki / "server.crt", "--key", pki / "server.key", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            words = server.stdout.readline().split()
            assert words[:2] == ["listening", "on"], words
            yield int(words[2].rpartition(":")[2])
        finally:
            server.kill()
