#!/bin/sh
# run.sh [BAZEL'S OPTION...]: builds the programs with one TLS backend alone, and runs whole tunnels.
# Only what names the backends is built anew: all else is as in the build with both.
set -eu
cd "$(dirname "$0")/../.."

# In place of Botan's headers: whatever asks for them does not build.
without_botan=$(mktemp -d)
trap 'rm -r "$without_botan"' EXIT
touch "$without_botan/WORKSPACE" "$without_botan/BUILD.bazel"

status=0
bazel test --config=only-openssl --override_repository=botan="$without_botan" "$@" \
  //tests/proxies:tunnel_carries_bulk_both_ways_test \
  //tests/proxies:tunnel_shows_each_server_its_own_client_certificate_test \
  //tests/variants/... || status=$?
bazel test --config=only-botan "$@" \
  //tests/proxies/with_botan:tunnel_carries_bulk_both_ways_with_botan_at_both_ends_test \
  //tests/proxies/with_botan:tunnel_half_close_keeps_the_other_direction_flowing_with_botan_at_both_ends_test \
  //tests/variants/... || status=$?
exit $status
