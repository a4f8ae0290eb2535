#!/usr/bin/env bash
# What happens on many machines: faults and promises over a real PostgreSQL and a
# real S3 server, then the browser tests on two servers and three workers.
# Arguments are those of Playwright and run it alone.
set -euo pipefail
cd "$(dirname "$0")/.."

export MEANWHILE_BINARY=${MEANWHILE_BINARY:-$PWD/bin/meanwhile}
scripts/tools.sh versitygw
CGO_ENABLED=0 go build -o bin/cluster ./cluster/run
export MEANWHILE_E2E_CLUSTER=$PWD/bin/cluster

if (($#)); then
	exec bin/cluster with scripts/test-e2e.sh "$@"
fi
CGO_ENABLED=0 bin/cluster with go test -count=1 -timeout 10m ./cluster/...
