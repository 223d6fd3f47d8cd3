#!/bin/sh
# Runs the suite against the authenticator of this repository, with nothing else to configure. What is given here goes to
# `latchkey-conformance authenticator`: --json, --out DIR, --only GLOB …
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# Where the programs are; they are built unless it is said.
LATCHKEY_PROGRAMS=${LATCHKEY_PROGRAMS:-$(
    cd "$here/.." && cargo build --locked --quiet -p latchkey-cli -p latchkey-conformance && cd "${CARGO_TARGET_DIR:-target}/debug" && pwd
)}

LATCHKEY_PLAYED=$(mktemp -d)
LATCHKEY=$LATCHKEY_PROGRAMS/latchkey
export LATCHKEY_PLAYED LATCHKEY
export LATCHKEY_DIR="$LATCHKEY_PLAYED/data" LATCHKEY_RUNTIME_DIR="$LATCHKEY_PLAYED/run" LATCHKEY_TPM=software
trap '"$here/latchkey/hook" stop; rm -rf "$LATCHKEY_PLAYED"' EXIT

"$LATCHKEY" container create > /dev/null
"$here/latchkey/hook" power-cycle
"$LATCHKEY_PROGRAMS/latchkey-conformance" authenticator --erase \
    --target "unix:$LATCHKEY_RUNTIME_DIR/ctaphid.sock" --hook "command:$here/latchkey/hook" \
    --profile "$here/latchkey/profile.toml" --expectations "$here/latchkey/expectations.toml" "$@"
