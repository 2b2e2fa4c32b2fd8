"""Stack programs: each drives one TLS stack, one connection at a time, and does what a test says.

They lie in stacks/. Commands come on standard input, one a line; each is answered by one line: `ok [ANSWER]`,
`error WHY`, or `cannot WHY` where the stack has no such call: where the peer waits for it, the connection is ended.

    version             the stack and its version
    listen              listens on any port of 127.0.0.1; the port
    accept              the next connection is one that comes there
    connect PORT        the next connection is one to there
    handshake VERSION   TLS 1.2 or 1.3 and nothing else, as a server where it was accepted; the version
    write LINE          in TLS or raw, as that direction is
    read                a line; reads nothing behind it that the stack gives back
    detach              closes first: sends close_notify and waits for the peer's; both directions are raw
    answer              closes second: reads the peer's close_notify and answers it; both directions are raw
    close               sends close_notify; what is written next is raw
    await_close         reads the peer's close_notify; what is read next is raw
    hangup              ends the connection
"""

import subprocess

from processes import PATIENCE, Program


class Refused(AssertionError):
    """A program did not do what it was told."""


class StackProgram(Program):
    """A running stack program."""

    def __init__(self, *command, env=None):
        super().__init__(command, env=env, stdin=subprocess.PIPE)
        self._started = 0
        self._answered = 0

    def start(self, *words):
        """Gives a command, and does not wait for its answer: finish() does."""
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        self._started += 1

    def finish(self, *, patience=PATIENCE):
        """Waits for the answer to the command that runs."""
        self._answered += 1
        seen = 0

        def nth(line):
            nonlocal seen
            if not line.startswith(("ok", "error ", "cannot ")):
                return None  # a runtime's own words
            seen += 1
            return line if seen == self._answered else None

        word, _, rest = self.find(nth, patience=patience).partition(" ")
        if word != "ok":
            raise Refused(rest)
        return rest

    def call(self, *words):
        self.start(*words)
        return self.finish()

    def hangup(self):
        """Ends the connection, which the other end has ended, whatever is being done with it."""
        self.start("hangup")
        while self._answered < self._started:
            try:
                self.finish()
            except Refused:
                pass
