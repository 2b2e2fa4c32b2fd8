#!/usr/bin/env python3
"""check_tree.py: the checks of this folder that need nothing but the tree.

As a Bazel test it runs beside links to the sources; a link leads to the tree itself.
"""

import pathlib
import sys

import bans
import build_files
import documents
import include_directions


def main() -> int:
    root = pathlib.Path(__file__).resolve().parents[2]
    errors = [
        error
        for check in (include_directions.check, bans.check, build_files.check, documents.check)
        for error in check(root)
    ]
    print("\n".join(errors) or "nothing to complain of")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
