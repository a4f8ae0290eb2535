#!/usr/bin/env bash
# Every check that reads the source and does not run the product.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0 # as the tests, which then compile nothing anew

golangci=v2.15.0
if ! .tools/golangci-lint version 2>/dev/null | grep -q "version ${golangci#v} "; then
	GOBIN=$PWD/.tools go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$golangci"
fi

echo "· go vet, golangci-lint"
.tools/golangci-lint run ./...
echo "· shell scripts parse"
for script in scripts/*.sh .ci/run; do bash -n "$script"; done
echo "· frontend: types, eslint, prettier"
for check in typecheck lint format:check; do scripts/npm.sh frontend run "$check"; done
echo "· e2e: types, prettier"
for check in typecheck format:check; do scripts/npm.sh e2e run "$check"; done
echo "· generated files are up to date"
scripts/generate.sh --check
echo "· architecture"
go test -count=1 -v -run 'TestRepository' ./architecture | grep -v '^='
