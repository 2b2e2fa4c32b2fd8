#!/usr/bin/env python3
"""systemd finds nothing to complain of in the units of docs/PROVIDER.md.

It ignores a directive that it does not know: without this a mode or a limit that is misspelt there
protects nobody, in silence.
"""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from processes import PATIENCE

UNIT = re.compile(r"```ini\n# (detach-[a-z-]+\.service)\b[^\n]*\n(.*?)```", re.DOTALL)


def verify(folder, units):
    """Returns what systemd says of them. What they start need not be installed here."""
    for name, text in units.items():
        (folder / name).write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.M))
    # As a user's, for it wants a folder of its own, and where none has booted there is no /run/systemd.
    ran = subprocess.run(
        ["systemd-analyze", "--user", "verify", "--man=no", *(folder / name for name in units)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder)}, capture_output=True, text=True,
        timeout=PATIENCE, check=False)
    print(ran.stdout, ran.stderr)
    # Of this machine's own units it may say what it likes.
    complaints = [line for line in (ran.stdout + ran.stderr).splitlines()
                  if any(name in line for name in units)]
    return ran.returncode, complaints


class UnitsOfTheDocumentsAreGoodTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.units = dict(UNIT.findall(pathlib.Path("docs/PROVIDER.md").read_text()))

    def test_each_is(self):
        self.assertEqual(set(self.units), {"detach-reverse-proxy.service", "detach-keeper.service"})
        self.assertEqual(verify(self.folder, self.units), (0, []))

    def test_what_is_misspelt_would_be_seen(self):
        for right, wrong in (("StateDirectoryMode=", "StateDirectoriesMode="),
                             ("LimitMEMLOCK=infinity", "LimitMEMLOCK=infinite")):
            for name, text in self.units.items():
                with self.subTest(name + right):
                    self.assertIn(right, text)
                    _, complaints = verify(self.folder, {name: text.replace(right, wrong)})
                    self.assertIn(name, "".join(complaints))


if __name__ == "__main__":
    unittest.main()
