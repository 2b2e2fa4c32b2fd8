#!/usr/bin/env python3
"""write_document.py [TARGET...]: runs the tests that have a table in docs/INTEROP.md, or these, and writes what
they see on this Debian release.
"""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support/python"))

import interop_table  # pylint: disable=wrong-import-position


def all_tests():
    query = ["bazel", "query", "--noshow_progress", "attr(tags, '\\binterop\\b', tests(//...))"]
    return subprocess.run(query, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.split()


def logs(labels):
    """Runs the tests."""
    ran = subprocess.run(["bazel", "test", "--test_env=INTEROP_WRITING=1", *labels], cwd=ROOT, check=False)
    if ran.returncode != 0:
        sys.exit("the tests failed: nothing is written")
    return [(ROOT / "bazel-testlogs" / label.strip("/").replace(":", "/") / "test.log").read_text()
            for label in labels]


def main(labels):
    path = ROOT / interop_table.DOCUMENT
    document = path.read_text(encoding="utf-8")
    tables = interop_table.tables(document)
    unseen = set() if labels else set(tables)
    handed_over = [row for log in logs(labels or all_tests()) for row in interop_table.handed_over(log)]
    for name, release, keys, column in handed_over:
        if name not in tables:
            sys.exit(f"{interop_table.DOCUMENT} has no place for table {name}; see {interop_table.__file__}")
        table = tables[name]
        table.keys = keys
        table.columns = dict(sorted({**table.columns, release: column}.items()))
        unseen.discard(name)
    if unseen:
        sys.exit(f"no test handed over: {', '.join(sorted(unseen))}")
    path.write_text(interop_table.with_tables(document, tables), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
