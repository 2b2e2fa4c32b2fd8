#!/usr/bin/env python3
"""docs/PLUGGING-IN.md shows nothing but what is compiled.

Behind the language, each of its blocks names what it is: `diff BEFORE AFTER`, or `cpp FILE` for an excerpt.
"""

import difflib
import pathlib
import re
import unittest

DOCUMENT = pathlib.Path("docs/PLUGGING-IN.md")
_BLOCK = re.compile(r"^```(\S+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def difference(before, after):
    """As `diff -U2` shows it, without names, line numbers and white space at the end of a line."""
    lines = difflib.unified_diff(*(pathlib.Path(path).read_text().splitlines(keepends=True)
                                   for path in (before, after)), n=2)
    return "".join("@@\n" if line.startswith("@@") else f"{line.rstrip()}\n" for line in list(lines)[2:])


class PluggingInDocumentTest(unittest.TestCase):
    def test_every_block_is_what_it_says(self):
        blocks = _BLOCK.findall(DOCUMENT.read_text())
        self.assertGreaterEqual(len(blocks), 5)
        for language, names, text in blocks:
            with self.subTest(names):
                if language == "diff":
                    self.assertEqual(text, difference(*names.split()))
                else:
                    self.assertEqual(language, "cpp")
                    self.assertIn(text, pathlib.Path(names.strip()).read_text())


if __name__ == "__main__":
    unittest.main()
