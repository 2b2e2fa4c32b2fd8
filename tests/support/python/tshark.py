"""What Wireshark's dissectors make of a recorded connection."""

import os
import subprocess

from pcap import write_pcap
from processes import PATIENCE


def complaints(pieces, directory):
    """What tshark finds malformed, or warns of, or does not take for TLS, by lines."""
    path = directory / "wire.pcap"
    write_pcap(path, pieces)
    fields = ["frame.number", "frame.protocols", "_ws.malformed", "_ws.expert.message",
              "_ws.expert.severity", "tcp.len"]
    dissected = subprocess.run(
        ["tshark", "-r", path, "-T", "fields", "-E", "separator=|",
         *(word for field in fields for word in ("-e", field))],
        capture_output=True, text=True, timeout=PATIENCE, check=True,
        env={**os.environ, "HOME": str(directory)})
    return [line for line in dissected.stdout.splitlines() if not _is_good(line.split("|"))]


# Wireshark's PI_CHAT: what it says about any connection ("Connection establish request").
_CHAT = "2097152"


def _is_good(fields):
    _, protocols, malformed, message, severity, size = fields
    # tshark 4.4 chats about the legacy_version of every ClientHello, too.
    quiet = not malformed and (not message or severity == _CHAT)
    return quiet and (size == "0" or protocols.endswith(":tls"))
