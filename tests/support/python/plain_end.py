"""An inner end without TLS: it sends what it is told to, and notes how the other end leaves."""

import contextlib
import socket

from inner_tls import ending


class PlainEnd:
    def __init__(self, end):
        self.socket = end
        self.received = b""
        self._left = None

    def send(self, message):
        """Returns whether the connection still stood."""
        try:
            if self._left is None:
                self.socket.sendall(message)
        except ConnectionResetError:
            self._left = "RST"
        return self._left is None

    def receive(self, size):
        """Receives exactly so much; returns whether it came."""
        wanted = len(self.received) + size
        try:
            while self._left is None and len(self.received) < wanted:
                piece = self.socket.recv(wanted - len(self.received))
                self.received += piece
                if not piece:
                    self._left = "FIN"
        except ConnectionResetError:
            self._left = "RST"
        return len(self.received) == wanted

    def fin(self):
        if self._left is None:
            with contextlib.suppress(OSError):  # the other end may have left
                self.socket.shutdown(socket.SHUT_WR)

    def ending(self):
        """Waits for the other end to leave: "FIN" or "RST"."""
        if self._left is None:
            self._left = ending(self.socket)
        return self._left


def converse(*steps):
    """Steps are (sender, receiver, message); ends behind the first that did not get through."""
    return all(sender.send(message) and receiver.receive(len(message))
               for sender, receiver, message in steps)
