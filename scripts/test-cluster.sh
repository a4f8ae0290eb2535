#!/usr/bin/env bash
# What happens on many machines: faults and promises over a real PostgreSQL and a
# real S3 server, chaos for a minute, then the browser tests on two servers and
# three workers. Arguments are those of Playwright and run these alone.
set -euo pipefail
cd "$(dirname "$0")/.."

export MEANWHILE_BINARY=${MEANWHILE_BINARY:-$PWD/bin/meanwhile}
scripts/tools.sh versitygw
CGO_ENABLED=0 go build -o bin/cluster ./cluster/run
browsers() { MEANWHILE_E2E_CLUSTER=$PWD/bin/cluster bin/cluster with scripts/test-e2e.sh "$@"; }

(($# == 0)) || {
	browsers "$@"
	exit
}
red=0
CGO_ENABLED=0 go test -count=1 -parallel 5 -timeout 10m ./cluster || red=1
browsers || red=1
exit "$red"
