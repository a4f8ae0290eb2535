#!/usr/bin/env bash
# Drives the built binary with real browsers.
set -euo pipefail
cd "$(dirname "$0")/.."

export MEANWHILE_BINARY=${MEANWHILE_BINARY:-$PWD/bin/meanwhile}
scripts/npm.sh e2e
cd e2e
exec npx --no-install playwright test "$@"
