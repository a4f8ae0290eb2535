#!/usr/bin/env bash
# Prints the figures we promise: name, value, unit, target, ok or miss.
set -euo pipefail
cd "$(dirname "$0")/.."

export MEANWHILE_BINARY=${MEANWHILE_BINARY:-$PWD/bin/meanwhile}
[[ ! -d e2e ]] || scripts/npm.sh e2e
exec go run ./bench "$@"
