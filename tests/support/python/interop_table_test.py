#!/usr/bin/env python3
"""docs/INTEROP.md says what the tests saw, or they fail.

Without this its verdicts are somebody's word.
"""

import contextlib
import io
import os
import pathlib
import tempfile
import unittest

import interop_table
from interop_table import Column

EMPTY = "# Title\n\n<!-- table: some -->\n<!-- end -->\n\nprose\n"
KEYS = ("role", "TLS")
SEEN = {("client", "1.2"): "exact", ("server", "1.3"): "no: it: \"ends\", at once"}


def written(document, release, verdicts):
    tables = interop_table.tables(document)
    tables["some"].keys = KEYS
    tables["some"].columns[release] = Column("Some 1.2; with more", verdicts)
    return interop_table.with_tables(document, tables)


class InteropTableTest(unittest.TestCase):
    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.enterContext(contextlib.chdir(directory))
        pathlib.Path("docs").mkdir()
        os.environ.pop("INTEROP_WRITING", None)

    def check(self, document, verdicts, versions="Some 1.3"):
        pathlib.Path(interop_table.DOCUMENT).write_text(document, encoding="utf-8")
        log = io.StringIO()
        with contextlib.redirect_stdout(log):
            interop_table.check("some", versions, KEYS, verdicts)
        return log.getvalue()

    def differs(self, document, verdicts):
        with self.assertRaises(AssertionError) as raised:
            self.check(document, verdicts)
        return str(raised.exception)

    def here(self):
        """The name of this release, as a test hands it over."""
        os.environ["INTEROP_WRITING"] = "1"
        (_, release, _, _), = interop_table.handed_over(self.check(EMPTY, SEEN))
        del os.environ["INTEROP_WRITING"]
        return release

    def test_what_is_written_is_read_again(self):
        document = written(written(EMPTY, "Debian 1", SEEN), "Debian 2", {("server", "1.2"): "exact"})
        columns = interop_table.tables(document)["some"].columns
        self.assertEqual(columns, {
            "Debian 1": Column("Some 1.2; with more", SEEN),
            "Debian 2": Column("Some 1.2; with more", {("server", "1.2"): "exact"})})
        self.assertTrue(document.startswith("# Title\n") and document.endswith("prose\n"))
        self.assertIn("- Debian 1: Some 1.2; with more; 1 of 2 exact\n", document)

    def test_a_run_that_sees_what_is_written_passes_whatever_the_version(self):
        self.check(written(EMPTY, self.here(), SEEN), SEEN, versions="Some 7")

    def test_a_run_that_sees_something_else_fails(self):
        document = written(EMPTY, self.here(), SEEN)
        self.assertIn("client | 1.2: seen: no: lost; documented: exact",
                      self.differs(document, {**SEEN, ("client", "1.2"): "no: lost"}))
        self.assertIn("seen: exact; documented: None",
                      self.differs(document, {**SEEN, ("server", "1.2"): "exact"}))
        self.assertIn("seen: None; documented: exact",
                      self.differs(document, {("server", "1.3"): SEEN["server", "1.3"]}))

    def test_a_release_of_which_nothing_is_written_fails(self):
        self.differs(EMPTY, SEEN)
        self.differs(written(EMPTY, "Debian 1", SEEN), SEEN)
        self.differs("no table", SEEN)


if __name__ == "__main__":
    unittest.main()
