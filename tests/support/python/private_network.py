"""A network and a resolver of a test's own: no name leaves the machine, and no port is taken."""

import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading

_MARK = "DETACH_TEST_PRIVATE_NETWORK"
_A, _AAAA = 1, 28
_NO_SUCH_NAME = 3


def enter():
    """Runs this program anew in namespaces of its own, with nothing but a loopback interface and
    127.0.0.1 as the resolver. Returns there; or a reason, where the system does not let us."""
    if _MARK in os.environ:
        _set_up()
        return None
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "--net"]
    tried = subprocess.run([*unshare, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"no namespaces of its own: {tried.stderr.strip()}"
    os.execvpe(unshare[0], [*unshare, sys.executable, *sys.argv], {**os.environ, _MARK: "1"})


def _set_up():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    directory = pathlib.Path(os.environ.get("TEST_TMPDIR", "/tmp"))
    # Longer than a test waits: whoever has to wait for the resolver does not pass.
    for name, text in (("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n"),
                       ("nsswitch.conf", "hosts: dns\n")):
        ours = directory / f"{os.getpid()}.{name}"
        ours.write_text(text)
        subprocess.run(["mount", "--bind", ours, os.path.realpath(f"/etc/{name}")], check=True)
        ours.unlink()


class Resolver:
    """A DNS server on 127.0.0.1. A context manager.

    `answers` has for each name the answers to its questions, one after the other, the last for
    ever: lists of addresses; None is silence. `asked` are the names of all questions for IPv4.
    """

    def __init__(self, **answers):
        self.answers = {name.replace("_", "."): list(given) for name, given in answers.items()}
        self.asked = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self):
        while True:
            question, client = self._socket.recvfrom(512)
            if not question:  # __exit__
                return
            answer = self._answer(question)
            if answer:
                self._socket.sendto(answer, client)

    def _answer(self, message):
        end = message.index(b"\0", 12)
        kind, = struct.unpack_from("!H", message, end + 1)
        name = _labels(message[12:end])
        given = self._addresses(name, kind)
        if given is None:
            return None
        known = name in self.answers
        family = socket.AF_INET if kind == _A else socket.AF_INET6
        records = [b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(address)) + address
                   for address in (socket.inet_pton(family, text) for text in given)]
        header = message[:2] + struct.pack("!HHHHH", 0x8580 | (0 if known else _NO_SUCH_NAME), 1,
                                           len(records), 0, 0)
        return header + message[12:end + 5] + b"".join(records)

    def _addresses(self, name, kind):
        """One answer serves a question for IPv4 and the one for IPv6 that goes with it."""
        if kind == _A:
            self.asked.append(name)
        nth = self.asked.count(name) - 1
        given = self.answers.get(name, [[]])
        answer = given[min(max(nth, 0), len(given) - 1)]
        if answer is None or kind not in (_A, _AAAA):
            return answer and []
        return [text for text in answer if (":" in text) == (kind == _AAAA)]


def _labels(encoded):
    labels = []
    while encoded:
        size = encoded[0]
        labels.append(encoded[1:1 + size].decode("ascii"))
        encoded = encoded[1 + size:]
    return ".".join(labels)
