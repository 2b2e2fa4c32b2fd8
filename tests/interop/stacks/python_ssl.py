"""Python's ssl module as a stack program (../stack_program.py): python_ssl.py socket|object PKI."""

import pathlib
import socket
import ssl
import sys

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Cannot(Exception):
    """The stack has no such call."""


class Sockets:
    """SSLSocket, whose unwrap() leaves both directions."""

    def __init__(self, connection):
        self._connection = connection

    def handshake(self, context, **side):
        self._connection = context.wrap_socket(self._connection, **side)
        return self._connection.version()

    def write(self, line):
        self._connection.sendall(line)

    def read_byte(self):
        return self._connection.recv(1)

    def detach(self):
        self._connection = self._connection.unwrap()

    def answer(self):
        if self._connection.recv(1):
            raise ValueError("no close_notify")
        self._connection = self._connection.unwrap()

    def close(self):
        raise Cannot("unwrap() leaves both directions")

    def hangup(self):
        self._connection.close()


class Objects:
    """SSLObject: the program moves the bytes, and what follows the close_notify stays in the incoming MemoryBIO."""

    def __init__(self, connection):
        self._connection = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._sending = self._receiving = None

    def handshake(self, context, **side):
        self._sending = self._receiving = context.wrap_bio(self._incoming, self._outgoing, **side)
        self._drive(self._sending.do_handshake)
        return self._sending.version()

    def write(self, line):
        if self._sending:
            self._sending.write(line)
            line = self._outgoing.read()
        self._connection.sendall(line)

    def read_byte(self):
        if self._receiving:
            return self._drive(lambda: self._receiving.read(1))
        return self._incoming.read(1) or self._connection.recv(1)

    def detach(self):
        self._drive(self._receiving.unwrap)
        self._sending = self._receiving = None

    def answer(self):
        if self.read_byte():
            raise ValueError("no close_notify")
        self.detach()

    def close(self):
        try:
            self._sending.unwrap()
        except ssl.SSLWantReadError:
            pass
        self._connection.sendall(self._outgoing.read())
        self._sending = None

    def await_close(self):
        self._drive(self._receiving.unwrap)
        self._receiving = None

    def hangup(self):
        self._connection.close()

    def _drive(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                pass
            finally:
                self._connection.sendall(self._outgoing.read())
            piece = self._connection.recv(65536)
            if not piece:
                raise EOFError("the end")
            self._incoming.write(piece)


class Commands:
    """The commands of ../stack_program.py."""

    def __init__(self, new_end, pki):
        self._new_end = new_end
        self._pki = pki
        self._listener = self._end = None
        self._server_side = False

    def version(self):
        return f"Python {sys.version.split()[0]} with {' '.join(ssl.OPENSSL_VERSION.split()[:2])}"

    def listen(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        return self._listener.getsockname()[1]

    def accept(self):
        self._begin(self._listener.accept()[0], server_side=True)
        self._listener.close()

    def connect(self, port):
        self._begin(socket.create_connection(("127.0.0.1", int(port))), server_side=False)

    def _begin(self, connection, *, server_side):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._end = self._new_end(connection)
        self._server_side = server_side

    def handshake(self, version):
        if self._server_side:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._pki / "server.pem")
            side = {"server_side": True}
        else:
            context = ssl.create_default_context(cafile=self._pki / "server-ca.pem")
            side = {"server_hostname": "localhost"}
        context.minimum_version = context.maximum_version = _VERSIONS[version]
        return self._end.handshake(context, **side).removeprefix("TLSv")

    def write(self, *words):
        self._end.write(" ".join(words).encode() + b"\n")

    def read(self):
        line = b""
        while not line.endswith(b"\n"):
            byte = self._end.read_byte()
            if not byte:
                raise EOFError("the end")
            line += byte
        return line.decode(errors="replace").rstrip("\n")

    def detach(self):
        self._end.detach()

    def answer(self):
        self._end.answer()

    def close(self):
        self._end.close()

    def await_close(self):
        self._end.await_close()

    def hangup(self):
        self._end.hangup()


def main():
    new_end = {"socket": Sockets, "object": Objects}[sys.argv[1]]
    commands = Commands(new_end, pathlib.Path(sys.argv[2]))
    for line in sys.stdin:
        name, *words = line.split()
        try:
            answer = getattr(commands, name)(*words)
            print("ok" if answer is None else f"ok {answer}", flush=True)
        except Cannot as cannot:
            print(f"cannot {cannot}", flush=True)
        except (OSError, EOFError, ValueError) as error:
            print("error", " ".join(f"{type(error).__name__} {error}".split()), flush=True)


if __name__ == "__main__":
    main()
