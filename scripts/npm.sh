#!/usr/bin/env bash
# npm.sh FOLDER ARGS…: runs npm in a folder whose packages are installed exactly
# as locked. Installing is skipped while package-lock.json has not changed.
set -euo pipefail
cd "$(dirname "$0")/../$1"
shift

stamp=node_modules/.installed-lock
if ! cmp -s package-lock.json "$stamp"; then
	# Scripts of packages do not run: a build needs none of them.
	PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	cp package-lock.json "$stamp"
fi
(($# == 0)) || exec npm --silent "$@"
