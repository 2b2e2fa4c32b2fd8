"""Three rounds of TLS and raw on one TCP connection, between a foreign TLS stack and ours.

A relay stands between the two. Where an end sends close_notify and has raw bytes to send behind it without
waiting for the peer, the relay holds both back and passes them on in one segment.
"""

import contextlib
import dataclasses

from stack_program import Refused
from tcp_relay import Relay

ROUNDS = 3
# What a raw line begins with: to a stack that goes on reading records, the header of one.
_HEADER = "\x17\x03\x03\x01\x01"

OURS, THEIRS = "ours", "theirs"
OURS_AT_ONCE, THEIRS_AT_ONCE = "ours, raw at once", "theirs, raw at once"
# What the client says to detach_echo.
_WORDS = {OURS: "DETACH", OURS_AT_ONCE: "DETACH AT ONCE",
          THEIRS: "DETACH AFTER ME", THEIRS_AT_ONCE: "DETACH AFTER ME"}


@dataclasses.dataclass(frozen=True)
class Cell:
    """One conversation of the matrix."""

    role: str  # of the foreign stack
    version: str
    first: str  # who sends close_notify first; "at once": sends raw bytes before the other has closed

    @property
    def at_once(self):
        return self.first in (OURS_AT_ONCE, THEIRS_AT_ONCE)

    @property
    def ours_first(self):
        return self.first in (OURS, OURS_AT_ONCE)


def cells(roles=("client", "server"), versions=("1.2", "1.3")):
    """The matrix. TLS 1.2 has no direction that is raw while the other is not."""
    return [Cell(role, version, first)
            for role in roles for version in versions
            for first in (THEIRS, OURS, *((THEIRS_AT_ONCE, OURS_AT_ONCE) if version == "1.3" else ()))]


class NotExact(AssertionError):
    """A byte was lost, came twice, or came as what it is not."""


def expect(end, *lines, otherwise="a line is not the one that was sent"):
    for line in lines:
        if end.call("read") != line:
            raise NotExact(otherwise)


def expect_raw(end, *lines):
    expect(end, *lines, otherwise="the first raw bytes are lost or spoilt")


class WithEcho:
    """The foreign stack is the client, examples/detach_echo the server."""

    def __init__(self, theirs, connection, cell):
        self._theirs, self._connection, self._cell = theirs, connection, cell

    def round(self, turn):
        theirs = self._theirs
        if theirs.call("handshake", self._cell.version) != self._cell.version:
            raise NotExact("another version of TLS")
        theirs.call("write", f"under TLS {turn}")
        expect(theirs, f"under TLS {turn}")
        self._leave(f"{_HEADER}raw {turn}")
        theirs.call("write", "TLS")
        expect(theirs, "OK")

    def _leave(self, line):
        theirs, cell = self._theirs, self._cell
        if cell.first == OURS_AT_ONCE:
            self._glue_ours()
        theirs.call("write", _WORDS[cell.first])
        expect(theirs, "GO")
        if not cell.ours_first:
            self._glue_ours()
        if cell.ours_first or cell.at_once:
            self._connection.glue(self._connection.up, f"{line}\n".encode())
        self._close(line)
        # By now all that can be lost is lost: instead of it this line comes back.
        theirs.call("write", f"{line}, again")
        expect_raw(theirs, *([] if cell.first == OURS else ["READY"]), line, f"{line}, again")

    def _close(self, line):
        self._theirs.call({THEIRS: "detach", THEIRS_AT_ONCE: "close"}.get(self._cell.first, "answer"))
        self._theirs.call("write", line)
        if self._cell.first == THEIRS_AT_ONCE:
            self._theirs.call("await_close")

    def _glue_ours(self):
        self._connection.glue(self._connection.down, b"READY\n")


class WithClient:
    """The foreign stack is the server, ours (stacks/detachable_socket.cc) the client."""

    def __init__(self, theirs, ours, connection, cell):
        self._theirs, self._ours, self._connection, self._cell = theirs, ours, connection, cell

    def round(self, turn):
        theirs, ours = self._theirs, self._ours
        for end in (theirs, ours):
            end.start("handshake", self._cell.version)
        for end in (ours, theirs):
            if end.finish() != self._cell.version:
                raise NotExact("another version of TLS")
        self._say(ours, theirs, f"under TLS {turn}")
        self._say(theirs, ours, f"under TLS {turn}")
        self._say(ours, theirs, "DETACH")
        self._say(theirs, ours, "GO")
        if self._cell.ours_first:
            self._leave(ours, theirs, self._connection.up, self._connection.down, turn)
        else:
            self._leave(theirs, ours, self._connection.down, self._connection.up, turn)
        self._say(ours, theirs, "TLS")
        self._say(theirs, ours, "OK")

    @staticmethod
    def _say(speaker, listener, line):
        speaker.call("write", line)
        expect(listener, line)

    def _leave(self, first, second, from_first, from_second, turn):
        """Each end says two lines. Nobody reads before all has been said: what is lost is missed at once."""
        first_says, second_says = (
            [f"{_HEADER}{who} {turn}, line {line}" for line in (1, 2)] for who in ("first", "second"))
        self._connection.glue(from_second, f"{second_says[0]}\n".encode())
        if self._cell.at_once:
            self._connection.glue(from_first, f"{first_says[0]}\n".encode())
            first.call("close")
            first.call("write", first_says[0])
            second.call("answer")
            second.call("write", second_says[0])
            first.call("await_close")
        else:
            first.start("detach")
            try:
                second.call("answer")
                second.call("write", second_says[0])
            finally:  # where the first did not close, it says why
                first.finish()
            first.call("write", first_says[0])
        first.call("write", first_says[1])
        second.call("write", second_says[1])
        expect_raw(first, *second_says)
        expect_raw(second, *first_says)


def verdict(cell, theirs, echo_port, ours):
    """Has the conversation of `cell`; returns "exact", or "no: " and why not."""
    with contextlib.ExitStack() as ends:
        try:
            conversation = _begin(cell, theirs, echo_port, ours, ends)
            for turn in range(1, ROUNDS + 1):
                conversation.round(turn)
        except (NotExact, Refused) as why:
            return f"no: {why}"
    return "exact"


def _begin(cell, theirs, echo_port, ours, ends):
    port = echo_port if cell.role == "client" else int(theirs.call("listen"))
    relay = ends.enter_context(Relay(("127.0.0.1", port)))
    client = theirs if cell.role == "client" else ours
    client.call("connect", relay.port)
    ends.callback(client.hangup)
    connection = relay.connection()
    if cell.role == "server":
        theirs.call("accept")
        ends.callback(theirs.hangup)
    ends.callback(lambda: connection.request(connection.reset))
    if cell.role == "server":
        return WithClient(theirs, ours, connection, cell)
    return WithEcho(theirs, connection, cell)
