"""Inner ends that a test holds in its hands: their TLS and, separately, their TCP socket."""

import concurrent.futures
import contextlib
import socket
import ssl

from curl import INNER_NAME
from processes import PATIENCE
from tcp_relay import reset

# What OpenSSL 3.0 and 3.5 call a record that its keys did not make.
REFUSED_RECORD = "BAD_RECORD_MAC|RECORD_LAYER_FAILURE"


class Refused(AssertionError):
    """No tunnel: the proxy's answer was not 200."""


class TlsEnd:
    """TLS over `socket`, which stays usable below: for a FIN without close_notify, or an RST."""

    def __init__(self, end, context, *, server_side=False, server_name=INNER_NAME):
        self.socket = end
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._received, self._to_send, server_side=server_side,
                                    server_hostname=None if server_side else server_name)

    def handshake(self):
        self._run(self.tls.do_handshake)

    def write(self, message):
        view = memoryview(message)
        while view:
            view = view[self._run(lambda: self.tls.write(view[:65536])):]

    def write_records(self, *messages):
        """Each as a record of its own, all in one segment."""
        for message in messages:
            self.tls.write(message)
        self._flush()

    def read(self, size):
        """Exactly so many bytes, or fewer if the stream ends."""
        message = bytearray()
        with contextlib.suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
            while len(message) < size:
                piece = self._run(lambda: self.tls.read(min(65536, size - len(message))))
                if not piece:
                    break
                message += piece
        return bytes(message)

    def close_notify(self):
        """Ends the sending direction of the TLS; returns the alert, which the caller sends."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self._to_send.read()

    def raw_line(self):
        """The next raw line, once the other end's close_notify has been read."""
        line = b""
        while not line.endswith(b"\n"):
            byte = self._received.read(1) or self.socket.recv(1)
            if not byte:
                break
            line += byte
        return line

    def fin(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        reset(self.socket)

    def ending(self):
        """How the other end leaves: "FIN" or "RST". Whatever comes before that is skipped."""
        return ending(self.socket)

    def _run(self, step):
        while True:
            try:
                result = step()
                self._flush()
                return result
            except ssl.SSLWantReadError:
                self._flush()
                piece = self.socket.recv(65536)
                if piece:
                    self._received.write(piece)
                else:
                    self._received.write_eof()

    def _flush(self):
        if self._to_send.pending:
            self.socket.sendall(self._to_send.read())


def recorded_handshake(pki):
    """The flights of a TLS 1.3 handshake: the client's first, the server's, the client's second.

    Whoever only looks on, as the proxies do, takes them again and again.
    """
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = bob_context(pki).wrap_bio(down, up, server_hostname=INNER_NAME)
    server = server_context(pki).wrap_bio(up, down, server_side=True)
    flights = []
    for end, received, sent in ((client, down, up), (server, up, down), (client, down, up)):
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()
        flights.append(sent.read())
        sent.write(flights[-1])
        received.read()
    return flights


def ending(end):
    """How the other end of a socket leaves: "FIN" or "RST"."""
    try:
        while end.recv(65536):
            pass
    except ConnectionResetError:
        return "RST"
    return "FIN"


def connect_through(proxy_port, destination_port):
    """A browser's connection behind the proxy's 200."""
    end = socket.create_connection(("127.0.0.1", proxy_port), timeout=PATIENCE)
    authority = f"localhost:{destination_port}"
    end.sendall(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        byte = end.recv(1)
        if not byte:
            break
        answer += byte
    if not answer.startswith(b"HTTP/1.1 200 "):
        end.close()
        raise Refused(f"the proxy answered {answer!r}")
    return end


def bob_context(pki):
    context = ssl.create_default_context(cafile=pki / "server-ca.pem")
    context.load_cert_chain(pki / "other-client.pem")
    return context


def server_context(pki):
    """Of a destination that demands a client certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=pki / "client-ca.pem")
    context.load_cert_chain(pki / "server.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def listen():
    return socket.create_server(("127.0.0.1", 0), backlog=1024)


def accept(listener):
    listener.settimeout(PATIENCE)
    end, _ = listener.accept()
    end.settimeout(PATIENCE)
    return end


def shake_hands(browser, destination):
    """Runs both ends' handshakes, each of which waits for the other."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(end.handshake) for end in (browser, destination)]:
            done.result(PATIENCE)
