"""What a running program holds: memory and descriptors."""

import contextlib
import os
import pathlib
import threading
import time

from processes import PATIENCE


def anonymous_memory(program):
    """In bytes."""
    status = pathlib.Path(f"/proc/{program.pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) * 1024


def descriptors(program):
    """The open ones, by kind: "socket", "pipe" and so on."""
    kinds = []
    for link in pathlib.Path(f"/proc/{program.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            kinds.append(os.readlink(link).partition(":")[0])
    return kinds


def wait_until(holds, what):
    """Waits until `holds()`; nobody tells when it does."""
    until = time.monotonic() + PATIENCE
    between_looks = threading.Event()
    while not holds():
        if time.monotonic() > until:
            raise AssertionError(f"waited in vain: {what}")
        between_looks.wait(0.02)
