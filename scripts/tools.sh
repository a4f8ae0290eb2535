#!/usr/bin/env bash
# Programs that tests talk to, installed into .tools: all of them, or those that
# are named. Each is built once; the first time takes a minute or two.
set -euo pipefail
cd "$(dirname "$0")/.."

# tool NAME MODULE PACKAGE VERSION
tool() {
	go version -m ".tools/$1" 2>/dev/null | grep -q "$2.*$4" ||
		GOBIN=$PWD/.tools go install "$2$3@$4"
}

for name in "${@:-pebble versitygw}"; do
	for each in $name; do
		case $each in
		# the local authority that the tests of certificates ask
		pebble) tool pebble github.com/letsencrypt/pebble/v2 /cmd/pebble v2.10.1 ;;
		# the S3 server
		versitygw) tool versitygw github.com/versity/versitygw /cmd/versitygw v1.8.0 ;;
		# what renders the chart
		helm) tool helm helm.sh/helm/v3 /cmd/helm v3.19.0 ;;
		*)
			echo "scripts/tools.sh knows no $each" >&2
			exit 1
			;;
		esac
	done
done
