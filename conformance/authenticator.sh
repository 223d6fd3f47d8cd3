#!/bin/sh
# Runs the suite against the authenticator of this repository, as its simulator, with nothing else to configure.
# usage: authenticator.sh [hello|security-key] [what goes to `latchkey-conformance authenticator`: --json, --out DIR, --only GLOB …]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
profile=hello
case ${1:-} in hello | security-key) profile=$1; shift ;; esac
# Where the programs are; they are built unless it is said.
LATCHKEY_PROGRAMS=${LATCHKEY_PROGRAMS:-$(
    cd "$here/.." && cargo build --locked --quiet -p latchkey-simulator -p latchkey-conformance && cd "${CARGO_TARGET_DIR:-target}/debug" && pwd
)}

played=$(mktemp -d)
chmod 700 "$played"
# The runner's own PIN, which the person at the authenticator's prompt types.
LATCHKEY_LOG=warn "$LATCHKEY_PROGRAMS/latchkey-simulator" --ephemeral --profile "$profile" --up hold --pin conform-4711 \
    --unix "$played/ctaphid.sock" --http 0 > "$played/ready" &
simulator=$!
trap 'kill "$simulator" 2>/dev/null; wait "$simulator" || true; rm -rf "$played"' EXIT
until grep -qs 'ready' "$played/ready"; do
    kill -0 "$simulator" || exit 1
    sleep 0.02
done
control=$(grep -o 'http://[0-9.:]*' "$played/ready")

"$LATCHKEY_PROGRAMS/latchkey-conformance" authenticator --erase --name "authenticator, $profile" \
    --target "unix:$played/ctaphid.sock" --hook "farm:$control/usb0" \
    --profile "$here/latchkey/$profile/claims.toml" --expectations "$here/latchkey/$profile/expectations.toml" "$@"
