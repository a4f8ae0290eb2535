#!/usr/bin/env bash
# frontend/openapi.json comes from the binary's own routes, the TypeScript types
# from openapi.json. With --check nothing is left changed and a drift fails.
set -euo pipefail
cd "$(dirname "$0")/.."

files=(frontend/openapi.json frontend/src/api/schema.d.ts)
kept=$(mktemp -d)
trap 'rm -rf "$kept"' EXIT
for file in "${files[@]}"; do [[ ! -e $file ]] || cp "$file" "$kept/"; done

go run ./cmd/meanwhile openapi >"$kept/new.json"
cp "$kept/new.json" frontend/openapi.json
scripts/npm.sh frontend run generate

[[ ${1:-} == --check ]] || exit 0
for file in "${files[@]}"; do
	if ! cmp -s "$file" "$kept/$(basename "$file")"; then
		echo "$file is out of date: run make generate and commit it" >&2
		exit 1
	fi
done
