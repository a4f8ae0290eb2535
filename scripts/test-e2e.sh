#!/usr/bin/env bash
# Drives the built binary with real browsers: one machine, or with
# MEANWHILE_E2E_CLUSTER (scripts/test-cluster.sh) two servers and three workers.
set -euo pipefail
cd "$(dirname "$0")/.."

export MEANWHILE_BINARY=${MEANWHILE_BINARY:-$PWD/bin/meanwhile}
scripts/npm.sh e2e
cd e2e
(($# == 0)) || exec npx --no-install playwright test "$@"

# What people do all day – record, play, speak, upload, look after a library – and
# what happens when a line or a machine fails meanwhile runs on the cluster: it
# takes all that one machine takes, and more that can go wrong between machines.
# Settings of one process, pages alone and other ways in run on one machine, and a
# few of the others do on both.
many='/(bad-input|conversation|kill|ladder|library|record|trouble|uploads)\.spec\.ts$'
both='Screen as mp4|kill -9 of the server in the middle of a recording|paused, left by a reload|appears in the other'
# Two run at a time. What measures live pictures and sound, and browsers that encode
# video at full rate, run beside each other and nothing else.
pages='/(accounts|admin|bad-input|bucket|conversation|disk-full|embed|headers|kill|ladder|library|pages|retry|share|sign-in|team|trouble|uploads|webhooks)\.spec\.ts$'

light=() heavy=() others=()
for spec in specs/*.spec.ts; do
	if [[ $spec =~ $many && -z ${MEANWHILE_E2E_CLUSTER:-} || ! $spec =~ $many && -n ${MEANWHILE_E2E_CLUSTER:-} ]]; then
		others+=("$spec")
	elif [[ $spec =~ $pages ]]; then
		light+=("$spec")
	else
		heavy+=("$spec")
	fi
done
# What comes after something red runs all the same.
red=0
run() { npx --no-install playwright test "$@" || red=1; }
run --workers 2 "${light[@]}"
run --workers 2 --fully-parallel "${heavy[@]}"
[[ -n ${MEANWHILE_E2E_CLUSTER:-} ]] || run --workers 2 -g "$both" "${others[@]}"
exit "$red"
