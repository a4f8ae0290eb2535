#!/usr/bin/env bash
# frontend/openapi.json comes from the binary's own routes, the TypeScript types
# from openapi.json. With --check nothing is written and a drift fails.
set -euo pipefail
cd "$(dirname "$0")/.."

made=$(mktemp)
trap 'rm -f "$made"' EXIT
go run ./cmd/meanwhile openapi >"$made"

if [[ ${1:-} != --check ]]; then
	cp "$made" frontend/openapi.json
	exec scripts/npm.sh frontend run generate
fi
if ! cmp -s "$made" frontend/openapi.json; then
	echo "frontend/openapi.json is not what the routes say: run make generate and commit it" >&2
	exit 1
fi
scripts/npm.sh frontend run generate -- --check
