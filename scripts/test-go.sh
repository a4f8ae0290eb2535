#!/usr/bin/env bash
# All Go tests. The race detector needs a C compiler; without one the same tests
# run without it.
set -euo pipefail
cd "$(dirname "$0")/.."

if command -v gcc >/dev/null; then
	CGO_ENABLED=1 exec go test -race -timeout 10m ./...
fi
CGO_ENABLED=0 exec go test -timeout 10m ./...
