#!/bin/sh
# run.sh: every benchmark, optimised, one after the other.
set -eu
cd "$(dirname "$0")/../.."

benchmarks=$(bazel query --noshow_progress --ui_event_filters=-info \
  'kind(cc_binary, filter(_bench$, //tests/bench:all))')
for benchmark in $benchmarks; do
  echo "== $benchmark"
  bazel run -c opt --noshow_progress --ui_event_filters=-info --show_result=0 "$benchmark"
done
