#!/bin/sh
# format.sh FOLDER [check]: formats every C++ and Bazel file that git knows or does not ignore, or
# says which ones are not formatted. FOLDER is buildifier's.
set -eu
cd "$(dirname "$0")/.."
files() {
  git ls-files --cached --others --exclude-standard --deduplicate -- "$@"
}
format=-i
mode=fix
if [ "${2:-}" = check ]; then
  format='--dry-run --Werror'
  mode=check
fi
status=0
# shellcheck disable=SC2086 # $format is two words
files '*.h' '*.cc' '*.c' | xargs -r clang-format $format || status=1
files '*BUILD.bazel' '*.bzl' WORKSPACE MODULE.bazel |
  xargs tools/buildifier.sh "$1" -mode=$mode -lint=warn || status=1
exit $status
