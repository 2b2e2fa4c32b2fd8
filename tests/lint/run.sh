#!/bin/sh
# run.sh FOLDER: every check of form, those that need tools too. FOLDER is buildifier's.
# Ends with a line per check, in the shape of Bazel's: NAME PASSED in 1s.
set -eu
cd "$(dirname "$0")/../.."
summary=
failed=0

check() {
  name=$1
  shift
  start=$(date +%s)
  verdict=PASSED
  echo "== $name"
  "$@" || { verdict=FAILED failed=1; }
  summary="$summary$(printf '%-60s %s in %ss' "lint:$name" $verdict $(($(date +%s) - start)))
"
}

shell_scripts() {
  git grep -lI --untracked -E '^#!(/usr)?/bin/(env )?(ba)?sh$' | xargs shellcheck -S warning
}

seeded_bugs_apply() {
  stale=0
  for patch in tests/seeded_bugs/*.patch; do
    git apply --check "$patch" || stale=1
  done
  return $stale
}

# Two at a time: each takes up to 0.5 GB.
clang_tidy() {
  tools/compile_commands.py &&
    python3 -c 'import json; print(*(c["file"] for c in json.load(open("compile_commands.json"))))' |
    xargs -n 1 -P 2 clang-tidy -p . --quiet
}

check tree tests/lint/check_tree.py
check format tools/format.sh "$1" check
check shellcheck shell_scripts
check seeded_bugs_apply seeded_bugs_apply
check clang_tidy clang_tidy
printf '\n%s' "$summary"
exit $failed
