#!/usr/bin/env python3
"""Plants each bug of this folder, or those named, and demands that a test sees it.

With --minutes no bug is begun when so much time has passed, and those that are left are named; the
first is another one at each commit, so that none is left for long.

A bug is NAME.patch: a header, an empty line, a diff against the top of the tree.

    Rule: what it breaks, in words
    Red: //the/test:that_turns_red
    Filter: ItsSuite.ItsCase          (optional; GoogleTest's syntax)
    Needs: botan-3                    (optional: tried only where pkg-config knows this library)

The bugs are planted in a copy of the tree, which has an output base of its own and is kept in the
user's cache folder: each costs what it makes Bazel rebuild, and nobody's own tree is touched.
"""

import argparse
import dataclasses
import hashlib
import math
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")

# Bazel's exit codes.
_PASSED, _BUILD_FAILED, _TESTS_FAILED = 0, 1, 3
_QUIET = ("--noshow_progress", "--show_result=0", "--ui_event_filters=-info")
_VERDICTS = {_PASSED: "stays green", _BUILD_FAILED: "does not build", _TESTS_FAILED: "caught"}


@dataclasses.dataclass(frozen=True)
class Bug:
    name: str
    patch: pathlib.Path
    rule: str
    red: str
    filter: str | None
    needs: str | None = None

    @staticmethod
    def read(patch: pathlib.Path) -> "Bug":
        """Raises ValueError where the header is not what the top of this file says."""
        header = patch.read_text().split("\n\n", 1)[0].splitlines()
        fields = dict(line.split(": ", 1) for line in header if ": " in line)
        if len(fields) != len(header) or not {"Rule", "Red"} <= fields.keys() <= {
            "Rule", "Red", "Filter", "Needs",
        }:
            raise ValueError(f"{patch}: the header is Rule:, Red:, perhaps Filter: and Needs:")
        return Bug(patch.stem, patch, fields["Rule"], fields["Red"], fields.get("Filter"),
                   fields.get("Needs"))

    def can_be_tried(self) -> bool:
        return not self.needs or subprocess.run(["pkg-config", "--exists", self.needs]).returncode == 0


class Scratch:
    """A copy of the tree at `root`, with a Bazel server of its own while the block lasts."""

    def __init__(self, root: pathlib.Path, folder: pathlib.Path):
        self._root, self._tree, self._output = root, folder / "tree", folder / "output"

    def __enter__(self) -> "Scratch":
        shutil.rmtree(self._tree, ignore_errors=True)
        shutil.copytree(
            self._root, self._tree, symlinks=True,
            ignore=shutil.ignore_patterns("bazel-*", ".git", "__pycache__"))
        return self

    def __exit__(self, *_) -> None:
        self._bazel("shutdown")

    def passes(self, labels: set[str]) -> bool:
        # A test that a busy machine fails once is no less able to see a bug.
        return self._bazel("test", "--flaky_test_attempts=2", *sorted(labels)) == _PASSED

    def verdict(self, bug: Bug) -> str:
        if not self._apply(bug):
            return "does not apply"
        flags = ["--test_timeout=60", "--test_output=summary", *_QUIET]
        if bug.filter:
            flags.append(f"--test_filter={bug.filter}")
        code = self._bazel("test", *flags, bug.red)
        self._apply(bug, "--reverse")
        return _VERDICTS.get(code, f"bazel exited with {code}")

    def _bazel(self, *arguments: str) -> int:
        return subprocess.run(
            ["bazel", f"--output_base={self._output}", *arguments], cwd=self._tree).returncode

    def _apply(self, bug: Bug, *flags: str) -> bool:
        # Without the ceiling, git would take a repository around the copy for the one that is meant.
        ceiling = {**os.environ, "GIT_CEILING_DIRECTORIES": str(self._tree.parent)}
        return subprocess.run(
            ["git", "apply", *flags, str(bug.patch)], cwd=self._tree, env=ceiling).returncode == 0


def turned(bugs: list[Bug], root: pathlib.Path) -> list[Bug]:
    """`bugs`, beginning with one that the commit decides."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True).stdout
    first = int(commit, 16) % max(1, len(bugs))
    return bugs[first:] + bugs[:first]


def main(names: list[str], root: pathlib.Path = ROOT, minutes: float | None = None) -> int:
    end = time.monotonic() + 60 * minutes if minutes is not None else math.inf
    bugs = [Bug.read(patch) for patch in sorted((root / "tests/seeded_bugs").glob("*.patch"))]
    unknown = set(names) - {bug.name for bug in bugs}
    if unknown:
        sys.exit(f"no such bug in tests/seeded_bugs: {', '.join(sorted(unknown))}")
    bugs = [bug for bug in bugs if not names or bug.name in names]
    for bug in bugs:
        if not bug.can_be_tried():
            print(f"{bug.name} is not tried: there is no {bug.needs} here")
    bugs = [bug for bug in bugs if bug.can_be_tried()]
    if minutes is not None:
        bugs = turned(bugs, root)

    rows = []
    name = hashlib.sha256(str(root).encode()).hexdigest()[:16]
    with Scratch(root, CACHE / "detach/seeded_bugs" / name) as scratch:
        if bugs and not scratch.passes({bug.red for bug in bugs}):
            sys.exit("the tests are red without any bug: nothing can be learnt from planting one")
        for bug in bugs:
            start = time.monotonic()
            if start > end:
                break
            rows.append((bug, scratch.verdict(bug), time.monotonic() - start))

    # In the shape of Bazel's own summary, for .ci/run.
    for bug, verdict, seconds in rows:
        word = "PASSED" if verdict == "caught" else "FAILED"
        print(f"seeded_bugs:{bug.name:48} {word} in {seconds:.1f}s: {verdict}: {bug.rule}")
    for bug in bugs[len(rows):]:
        print(f"not planted, the time was up: {bug.name}")
    caught = sum(verdict == "caught" for _, verdict, _ in rows)
    print(f"{caught} of {len(rows)} seeded bugs caught")
    return 0 if caught == len(rows) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    sys.exit(main(arguments.names, minutes=arguments.minutes))
