"""A client of a proxy whose every byte the test writes itself."""

import contextlib
import dataclasses
import socket
import ssl

from processes import PATIENCE


@dataclasses.dataclass
class Answer:
    status: int
    fields: dict  # by lower-case name
    body: str
    rest: bytes  # whatever stands behind the answer's end


def alice_context(pki, certificate="client"):
    """Of a client of the reverse proxy; `certificate` None: without one."""
    context = ssl.create_default_context(cafile=pki / "server-ca.pem")
    if certificate:
        context.load_cert_chain(pki / f"{certificate}.pem")
    return context


@contextlib.contextmanager
def connected(port, context=None):
    """A socket to a proxy; with a context, in TLS."""
    with contextlib.ExitStack() as stack:
        end = stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))
        if context:
            end = stack.enter_context(context.wrap_socket(end, server_hostname="localhost",
                                                          suppress_ragged_eofs=False))
        yield end


def ask(port, request, context=None):
    """Sends `request` and takes the answer to it, until the proxy closes. In TLS it has to do so by
    close_notify."""
    with connected(port, context) as end:
        end.sendall(request)
        return read_answer(end)


def read_answer(end):
    """The answer of a proxy that refuses: all that comes until it closes, which is one answer."""
    received = b""
    while piece := end.recv(65536):
        received += piece
    head, _, behind = received.decode("ascii").partition("\r\n\r\n")
    status_line, *lines = head.split("\r\n")
    version, _, status = status_line.partition(" ")
    if version != "HTTP/1.1":
        raise AssertionError(f"no answer: {received!r}")
    pairs = (line.partition(": ") for line in lines)
    fields = {name.lower(): value for name, _, value in pairs}
    size = int(fields["content-length"])
    return Answer(int(status[:3]), fields, behind[:size], behind[size:].encode())
