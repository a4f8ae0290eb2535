#!/usr/bin/env bash
# All Go tests, then once more under the race detector where goroutines are our
# own. tusd (v2.10.0) has races of its own, and hashing passwords under the
# detector takes minutes, so what stands on those two is left out.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh pebble ||
	echo "No pebble: the tests that get a certificate are skipped." >&2
scripts/tools.sh versitygw ||
	echo "No versitygw: the tests over S3 fail." >&2
scripts/tools.sh helm ||
	echo "No helm: the tests of the chart are skipped." >&2

# scripts/test-cluster.sh runs what starts clusters
mapfile -t packages < <(go list ./... | grep -v '/cluster$')
# -p: many of these wait, for somebody's time to run out or for another process.
# nice: encoding gives way to everything else, and among tests that would be for
# minutes; so all of them stand where it stands.
CGO_ENABLED=0 nice -n 19 go test -p 6 -timeout 10m "${packages[@]}"
# The detector needs a C compiler. It finds the same on either engine, but for the
# events, which each passes on in its own way; SQLite under it takes minutes.
if command -v gcc >/dev/null; then
	export CGO_ENABLED=1
	MEANWHILE_TEST_ENGINE=postgres go test -race -p 8 -timeout 10m ./storage/...
	MEANWHILE_TEST_ENGINE=sqlite go test -race -timeout 10m ./storage/record
fi
