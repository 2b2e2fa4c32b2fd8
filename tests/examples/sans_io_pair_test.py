#!/usr/bin/env python3
"""sans_io_pair shows one record, the close_notify and raw bytes in one flight, and who reads what."""

import subprocess
import unittest

SANS_IO_PAIR = "examples/sans_io_pair"


class SansIoPairTest(unittest.TestCase):
    def test_shows_the_switch(self):
        output = subprocess.run([SANS_IO_PAIR], check=True, capture_output=True, text=True).stdout
        flight = output.split("one flight\n")[1]
        kinds = [line.split()[0] for line in flight.splitlines()[1:4]]
        self.assertEqual(kinds, ["application_data", "application_data", "in"])
        for said in ('server reads under TLS: "last words under TLS"\n',
                     "server reads: the peer has left TLS\n",
                     'server reads raw: "first words in clear"\n',
                     "TLS objects left: 0\n"):
            self.assertIn(said, output)


if __name__ == "__main__":
    unittest.main()
