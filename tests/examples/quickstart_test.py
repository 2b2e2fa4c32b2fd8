#!/usr/bin/env python3
"""The quickstart shows what it promises, says no where it is not so, and leaves nothing behind."""

import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

QUICKSTART = "examples/quickstart"


def run(*flags):
    return subprocess.run([QUICKSTART, *flags], capture_output=True, text=True, timeout=120)


def commands_that_name(text):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
        except OSError:
            continue  # it has just ended
        if os.fsencode(text) in command:
            found.append(command)
    return found


class QuickstartTest(unittest.TestCase):
    def test_every_statement_is_so(self):
        ended = run()
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        self.assertNotIn("  NO ", ended.stdout)
        self.assertIn("client certificate 1: URI:spiffe://corp.example/alice", ended.stdout)
        self.assertIn("client certificate 2: CN=alice at the intranet", ended.stdout)
        self.assertIn("wiki.corp.example is nowhere in clear", ended.stdout)

    def test_fails_when_the_proxies_do_not_detach(self):
        ended = run("--without-detach")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("the outer TLS was not left: no record was raw", ended.stderr)
        self.assertNotIn("stands in clear", ended.stderr)

    def test_fails_when_the_inner_handshake_is_not_covered(self):
        ended = run("--without-cover")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("wiki.corp.example stands in clear between the proxies", ended.stderr)

    def test_leaves_nothing_behind_when_it_is_interrupted(self):
        with tempfile.TemporaryDirectory() as directory:
            environment = {**os.environ, "TMPDIR": directory}
            with subprocess.Popen([QUICKSTART], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=environment) as demo:
                while b"reverse-proxy" not in b"".join(commands_that_name(directory)):
                    self.assertIsNone(demo.poll())
                demo.send_signal(signal.SIGINT)
                _, complaint = demo.communicate(timeout=60)
            self.assertEqual(demo.returncode, 130, complaint)
            self.assertEqual(commands_that_name(directory), [])
            self.assertEqual(os.listdir(directory), [])


if __name__ == "__main__":
    unittest.main()
