#!/usr/bin/env bash
# All Go tests, then once more under the race detector where goroutines are our
# own. tusd (v2.10.0) has races of its own, and hashing passwords under the
# detector takes minutes, so what stands on those two is left out.
set -euo pipefail
cd "$(dirname "$0")/.."

# pebble is the local authority that the tests of certificates ask
pebble=v2.10.1
if ! go version -m .tools/pebble 2>/dev/null | grep -q "pebble/v2.*$pebble"; then
	GOBIN=$PWD/.tools go install "github.com/letsencrypt/pebble/v2/cmd/pebble@$pebble" ||
		echo "No pebble $pebble: the tests that get a certificate are skipped." >&2
fi

CGO_ENABLED=0 go test -timeout 10m ./...
# the detector needs a C compiler
! command -v gcc >/dev/null ||
	CGO_ENABLED=1 go test -race -timeout 10m ./storage/... ./transcode/container ./server/reply ./server/watch
