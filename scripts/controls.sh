#!/usr/bin/env bash
# Takes the guard against each of the attacks away in turn, and wants its test to
# turn red. It takes a while: each is a build of its own. Numbers run those alone.
set -euo pipefail
cd "$(dirname "$0")/.."

chosen=(-controls all)
(($# == 0)) || chosen=(-attack "$(IFS=,; echo "$*")")
CGO_ENABLED=0 go test -count=1 -timeout 90m -v -run 'TestControls|TestEveryAttack' ./attacks "${chosen[@]}" |
	grep -E '^(    --- (PASS|FAIL)|        |ok|FAIL|---)'
