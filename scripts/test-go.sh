#!/usr/bin/env bash
# All Go tests but those of whole clusters, which scripts/test-cluster.sh runs.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh pebble ||
	echo "No pebble: the tests that get a certificate are skipped." >&2
scripts/tools.sh versitygw ||
	echo "No versitygw: the tests over S3 fail." >&2
scripts/tools.sh helm ||
	echo "No helm: the tests of the chart are skipped." >&2

mapfile -t packages < <(go list ./... | grep -v '/cluster$')
# -p: many of these wait, for somebody's time to run out or for another process.
# nice: encoding gives way to everything else, and among tests that would be for
# minutes; so all of them stand where it stands. vet is `make lint`'s. -timeout only
# ends what hangs: the controls in attacks build the program anew, and that takes long
# on a busy machine.
CGO_ENABLED=0 nice -n 19 go test -vet=off -p 6 -timeout 20m "${packages[@]}"
