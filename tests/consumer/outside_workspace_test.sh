#!/bin/bash
# A workspace outside this repository builds a program against @detach//bio/... and runs it: with the
# lines that the README tells its author to write, and offline.
set -eu
detach=$(dirname "$(realpath tests/consumer/program.cc)")/../..
workspace=$TEST_TMPDIR/workspace
mkdir "$workspace"
cp tests/consumer/program.cc "$workspace"
cd "$workspace"

cat >WORKSPACE <<END
workspace(name = "somebody_elses")

local_repository(
    name = "detach",
    path = "$(realpath "$detach")",
)

load("@detach//bazel:dependencies.bzl", "detach_dependencies")

detach_dependencies()
END
cat >.bazelrc <<END
build --cxxopt=-std=c++20
END
cat >BUILD.bazel <<END
load("@rules_cc//cc:defs.bzl", "cc_binary")

cc_binary(
    name = "program",
    srcs = ["program.cc"],
    deps = [
        "@detach//bio/backend/openssl:openssl_context",
        "@detach//bio/session:tls_session",
    ],
)
END

# Bazel puts its output below \$TEST_TMPDIR by itself. This test is in a sandbox, and --nohome_rc and
# the strategy keep it from wanting another, or somebody's settings.
bazel() {
  /usr/bin/bazel --nohome_rc "$@"
}
trap 'bazel shutdown' EXIT
said=$(bazel run --spawn_strategy=local --ui_event_filters=-info --noshow_progress :program)
echo "$said"
[ "$said" = "record type 22, handshake type 1" ]
