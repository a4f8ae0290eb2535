#!/usr/bin/env bash
# Drives the built binary with real browsers.
set -euo pipefail
cd "$(dirname "$0")/.."

export MEANWHILE_BINARY=${MEANWHILE_BINARY:-$PWD/bin/meanwhile}
scripts/npm.sh e2e
cd e2e
(($# == 0)) || exec npx --no-install playwright test "$@"

# What mostly waits runs two at a time; what measures pictures and sound, and
# browsers that encode video at full rate, have the machine to themselves.
pages='/(accounts|bad-input|bucket|conversation|disk-full|embed|headers|kill|library|pages|share|sign-in|team|trouble|uploads|webhooks)\.spec\.ts$'
mapfile -t specs < <(printf '%s\n' specs/*.spec.ts)
light=() heavy=()
for spec in "${specs[@]}"; do
	if [[ $spec =~ $pages ]]; then light+=("$spec"); else heavy+=("$spec"); fi
done
npx --no-install playwright test --workers 2 "${light[@]}"
npx --no-install playwright test "${heavy[@]}"
