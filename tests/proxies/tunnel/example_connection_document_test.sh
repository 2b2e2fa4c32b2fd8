#!/bin/sh
# docs/PROTOCOL-EXAMPLE.md says what a connection really looks like. With OpenSSL 3.0: others make
# records of other sizes.
case $(openssl version) in
  "OpenSSL 3.0."*) ;;
  *)
    echo "not compared: $(openssl version)"
    exit 0
    ;;
esac
export OPENSSL_CONF=tests/proxies/tunnel/openssl_of_the_example.cnf
"$1" | diff -u "$2" - && exit 0
echo "docs/PROTOCOL-EXAMPLE.md is stale; run:" >&2
echo "  OPENSSL_CONF=$OPENSSL_CONF bazel-bin/tests/proxies/tunnel/print_example_connection > docs/PROTOCOL-EXAMPLE.md" >&2
exit 1
