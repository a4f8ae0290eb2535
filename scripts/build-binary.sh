#!/usr/bin/env bash
# Builds bin/meanwhile: static, without paths, times or build ids inside, so that
# the same source gives the same bytes in any folder.
set -euo pipefail
cd "$(dirname "$0")/.."

version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}
CGO_ENABLED=0 go build -trimpath -buildvcs=false \
	-ldflags "-s -w -buildid= -X main.version=$version" \
	-o "${OUTPUT:-bin/meanwhile}" ./cmd/meanwhile
