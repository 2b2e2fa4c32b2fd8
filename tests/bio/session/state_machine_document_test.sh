#!/bin/sh
# docs/STATE-MACHINE.md says what the state table says.
printer=$1
document=$2
"$printer" | diff -u "$document" - && exit 0
echo "docs/STATE-MACHINE.md is stale; run:" >&2
echo "  bazel run //bio/session:print_state_machine > docs/STATE-MACHINE.md" >&2
exit 1
