#!/usr/bin/env python3
"""The runner tells a bug that a test saw from everything else that may happen to a patch.

A script stands in for Bazel: its one test wants the file `answer` to be 42, and the build wants it
to be a number.
"""

import contextlib
import io
import os
import pathlib
import subprocess
import tempfile
import unittest

import run

BAZEL = """#!/bin/sh
echo "$@" >> "$BAZEL_LOG"
[ "$2" = test ] || exit 0
case $(cat answer) in 42) exit 0 ;; *[!0-9]*) exit 1 ;; *) exit 3 ;; esac
"""
PATCH = """Rule: the answer is 42
Red: //:answer_test
Filter: Answer.Is42

--- a/answer
+++ b/answer
@@ -1 +1 @@
-{old}
+{new}
"""


class SeededBugs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name) / "root"
        self.plant("answer", "42\n")
        self.plant("bin/bazel", BAZEL)
        (self.root / "bin/bazel").chmod(0o755)
        self.log = pathlib.Path(folder.name) / "log"
        os.environ["PATH"] = f"{self.root}/bin:{os.environ['PATH']}"
        os.environ["BAZEL_LOG"] = str(self.log)
        run.CACHE = pathlib.Path(folder.name) / "cache"

    def plant(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def plant_bug(self, name, new, old="42"):
        self.plant(f"tests/seeded_bugs/{name}.patch", PATCH.format(old=old, new=new))

    def run_all(self, *names, minutes=None):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            code = run.main(list(names), self.root, minutes)
        return code, printed.getvalue()

    def test_accepts_a_bug_that_turns_its_test_red(self):
        self.plant_bug("off_by_one", "43")
        code, printed = self.run_all()
        self.assertEqual(code, 0, printed)
        self.assertRegex(printed, r"(?m)^seeded_bugs:off_by_one +PASSED in .*the answer is 42$")
        self.assertIn("1 of 1 seeded bugs caught", printed)

    def test_refuses_a_bug_that_leaves_its_test_green(self):
        self.plant("unrelated", "42\n")
        self.plant_bug("harmless", "43")
        patch = self.root / "tests/seeded_bugs/harmless.patch"
        patch.write_text(patch.read_text().replace("/answer", "/unrelated"))
        self.refused("harmless", "stays green")

    def test_refuses_a_bug_that_does_not_build(self):
        self.plant_bug("typo", "forty-three")
        self.refused("typo", "does not build")

    def test_refuses_a_patch_that_does_not_apply(self):
        self.plant_bug("stale", "43", old="41")
        self.refused("stale", "does not apply")

    def refused(self, name, verdict):
        code, printed = self.run_all()
        self.assertEqual(code, 1, printed)
        self.assertRegex(printed, rf"(?m)^seeded_bugs:{name} +FAILED in .*{verdict}")

    def test_takes_each_bug_out_before_the_next(self):
        self.plant_bug("first", "43")
        self.plant_bug("second", "44")
        code, printed = self.run_all()
        self.assertEqual(code, 0, printed)

    def test_leaves_the_tree_alone(self):
        self.plant_bug("off_by_one", "43")
        self.run_all()
        self.assertEqual((self.root / "answer").read_text(), "42\n")

    def test_hands_the_filter_to_the_test(self):
        self.plant_bug("off_by_one", "43")
        self.run_all()
        self.assertIn("--test_filter=Answer.Is42 //:answer_test", self.log.read_text())

    def test_learns_nothing_from_tests_that_are_red_already(self):
        self.plant_bug("off_by_one", "44", old="43")
        self.plant("answer", "43\n")
        with self.assertRaisesRegex(SystemExit, "red without any bug"):
            self.run_all()

    def test_runs_only_what_is_named(self):
        self.plant_bug("first", "43")
        self.plant_bug("second", "44")
        self.assertIn("1 of 1", self.run_all("second")[1])
        with self.assertRaisesRegex(SystemExit, "no such bug.*third"):
            self.run_all("third")

    def test_names_those_for_which_there_is_no_time(self):
        self.plant_bug("first", "43")
        self.plant_bug("second", "44")
        subprocess.run(
            "git init -q && git -c user.name=x -c user.email=x commit -q --allow-empty -m x",
            shell=True, check=True, cwd=self.root)
        code, printed = self.run_all(minutes=60)
        self.assertIn("2 of 2 seeded bugs caught", printed)
        code, printed = self.run_all(minutes=0)
        self.assertEqual(code, 0)
        self.assertIn("0 of 0 seeded bugs caught", printed)
        for name in ("first", "second"):
            self.assertIn(f"not planted, the time was up: {name}\n", printed)

    def test_tries_a_bug_only_where_what_it_needs_is(self):
        self.plant_bug("off_by_one", "43")
        patch = self.root / "tests/seeded_bugs/off_by_one.patch"
        patch.write_text("Needs: no-such-library\n" + patch.read_text())
        code, printed = self.run_all()
        self.assertEqual(code, 0, printed)
        self.assertIn("off_by_one is not tried: there is no no-such-library here", printed)
        self.assertIn("0 of 0", printed)

    def test_refuses_a_header_without_a_test(self):
        self.plant("tests/seeded_bugs/vague.patch", "Rule: something\n\n--- a/x\n")
        with self.assertRaisesRegex(ValueError, "the header is"):
            self.run_all()


if __name__ == "__main__":
    unittest.main()
