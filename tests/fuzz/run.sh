#!/bin/sh
# run.sh SECONDS: every fuzzer for so long, one after the other. What they find of interest stays in
# the user's cache and is where the next run begins; a crash is reported, and its input kept there.
set -eu
cd "$(dirname "$0")/../.."
seconds=$1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/detach/fuzz

fuzzers=$(bazel query --noshow_progress --ui_event_filters=-info \
  'kind(cc_binary, filter(_fuzzer$, //tests/fuzz:all))')
# shellcheck disable=SC2086 # a list
bazel build --config=fuzz $fuzzers
bin=$(bazel info --config=fuzz bazel-bin)

status=0
for fuzzer in $fuzzers; do
  name=${fuzzer##*:}
  test=${name%_fuzzer}
  mkdir -p "$cache/$test"
  echo "== $test"
  "$bin/tests/fuzz/$name" -max_total_time="$seconds" -artifact_prefix="$cache/$test-" \
    -print_final_stats=1 -verbosity=0 "$cache/$test" "tests/fuzz/corpus/$test" || status=1
done
exit $status
