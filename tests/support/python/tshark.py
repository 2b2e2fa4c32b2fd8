"""What Wireshark's dissectors make of a recorded connection."""

import os
import subprocess

from pcap import write_pcap
from processes import PATIENCE


def complaints(pieces, directory):
    """What tshark finds malformed, or warns of, or does not take for TLS, by lines."""
    path = directory / "wire.pcap"
    write_pcap(path, pieces)
    fields = ["frame.number", "frame.protocols", "_ws.malformed", "_ws.expert.message", "tcp.len"]
    dissected = subprocess.run(
        ["tshark", "-r", path, "-T", "fields", "-E", "separator=|",
         *(word for field in fields for word in ("-e", field))],
        capture_output=True, text=True, timeout=PATIENCE, check=True,
        env={**os.environ, "HOME": str(directory)})
    return [line for line in dissected.stdout.splitlines() if not _is_good(line.split("|"))]


def _is_good(fields):
    _, protocols, malformed, message, size = fields
    set_up = size == "0" and (not message or message.startswith("Connection establish "))
    return set_up or (size != "0" and protocols.endswith(":tls") and not malformed + message)
