#!/usr/bin/env bash
# RUNS (default 100) random runs on a cluster, each from a seed that is printed;
# SEED repeats one. The first promise that is broken ends it.
set -euo pipefail
cd "$(dirname "$0")/.."

export MEANWHILE_BINARY=${MEANWHILE_BINARY:-$PWD/bin/meanwhile}
export MEANWHILE_CHAOS_RUNS=${RUNS:-100} MEANWHILE_CHAOS_SEED=${SEED:-}
scripts/tools.sh versitygw
CGO_ENABLED=0 go test -count=1 -timeout 3h -v -run 'TestChaos$' ./cluster
