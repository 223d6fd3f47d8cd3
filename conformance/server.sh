#!/bin/sh
# Runs the suite against the demo site of this repository, on a database of its own, with nothing else to configure.
# usage: server.sh [what goes to `latchkey-conformance server`: --json, --out DIR, --only GLOB …]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# Where the programs are; they are built unless it is said.
LATCHKEY_PROGRAMS=${LATCHKEY_PROGRAMS:-$(
    cd "$here/.." && cargo build --locked --quiet -p latchkey-site -p latchkey-conformance && cd "${CARGO_TARGET_DIR:-target}/debug" && pwd
)}

played=$(mktemp -d)
chmod 700 "$played"
RUST_LOG=off "$LATCHKEY_PROGRAMS/latchkey-site" --conformance --listen 127.0.0.1:0 --database "$played/site.db" > "$played/ready" &
site=$!
trap 'kill "$site" 2>/dev/null; wait "$site" || true; rm -rf "$played"' EXIT
until grep -qs 'Press' "$played/ready"; do
    kill -0 "$site" || exit 1
    sleep 0.02
done
url=$(grep -o 'http://localhost:[0-9]*' "$played/ready")

"$LATCHKEY_PROGRAMS/latchkey-conformance" server --url "$url/" --codes "$here/latchkey/site/codes.toml" \
    --expectations "$here/latchkey/site/expectations.toml" "$@"
