"""What nDPI, which middleboxes look at traffic with, takes a recorded connection for."""

import re
import subprocess

from pcap import write_pcap
from processes import PATIENCE

_LISTED = re.compile(r"^Detected protocols:\n(.*?)\n\n", re.DOTALL | re.MULTILINE)


def protocols(pieces, directory):
    """Returns the names of the protocols that it detects, such as ["TLS"]."""
    path = directory / "wire.pcap"
    write_pcap(path, pieces)
    told = subprocess.run(["ndpiReader", "-i", path, "-v", "1"], capture_output=True, text=True,
                          timeout=PATIENCE, check=True)
    return [line.split()[0] for line in _LISTED.search(told.stdout)[1].splitlines()]
