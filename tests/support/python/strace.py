"""The system calls of a program, as strace saw them."""

import dataclasses
import re

from processes import PATIENCE, Program

_CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclasses.dataclass(frozen=True)
class Call:
    name: str
    arguments: str
    result: int

    @property
    def bytes(self):
        """What the texts among its arguments hold. Buffers are written out whole."""
        return b"".join(bytes.fromhex(text.replace("\\x", ""))
                        for text in _TEXT.findall(self.arguments))


def prefix(output, calls):
    """The command to run a program under, which stays our child itself (-D)."""
    return ["strace", "-D", "-f", "-q", "-xx", "-s", "1000000", "-e", f"trace={','.join(calls)}",
            "-e", "signal=none", "-o", output, "--"]


def read(output):
    """The finished calls of a program that has ended. Waits for strace to say so."""
    with Program(["tail", "-n", "+1", "-f", output]) as tail:
        end = re.compile(r"^(\d+) +\+\+\+ (exited|killed)")
        first = tail.find(lambda line: line.split()[0], patience=PATIENCE)
        tail.find(lambda line: True if (end.match(line) or [0, 0])[1] == first else None)
        return [call for line in _joined(tail.lines) if (call := _parse(line))]


def _joined(lines):
    """Puts the two halves of a call together that another thread's call interrupted."""
    halves = {}
    for line in lines:
        process = line.split(" ", 1)[0]
        if line.endswith(" <unfinished ...>"):
            halves[process] = line.removesuffix(" <unfinished ...>")
        elif " resumed>" in line:
            yield halves.pop(process) + line.split(" resumed>", 1)[1]
        else:
            yield line


def _parse(line):
    match = _CALL.match(line)
    return Call(match[1], match[2], int(match[3])) if match else None
