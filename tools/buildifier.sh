#!/bin/sh
# buildifier.sh FOLDER ARGUMENT...: runs buildifier, which npm has put into FOLDER (once).
set -eu
folder=$1
shift
version=8.2.1
if [ ! -x "$folder/$version/node_modules/.bin/buildifier" ]; then
  npm install --silent --no-audit --no-fund --prefix "$folder/$version" \
    "@bazel/buildifier@$version" >&2
fi
exec "$folder/$version/node_modules/.bin/buildifier" "$@"
