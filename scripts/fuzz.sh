#!/usr/bin/env bash
# Runs every fuzz target for FUZZTIME each; go test takes one target at a time.
set -euo pipefail
cd "$(dirname "$0")/.."

grep -rlE '^func Fuzz' --include='*_test.go' . | while read -r file; do
	grep -oE '^func Fuzz\w+' "$file" | cut -d' ' -f2 | while read -r target; do
		echo "· $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-30s}" "$(dirname "$file")"
	done
done
