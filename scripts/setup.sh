#!/usr/bin/env bash
# Installs what is missing, and nothing else. `setup.sh run` is enough to run
# Meanwhile, `setup.sh test` adds what its tests need.
set -euo pipefail

# A line is: command, Debian package, since when we need it.
run_needs=("ffmpeg ffmpeg" "ffprobe ffmpeg")
test_needs=("chromium chromium" "firefox-esr firefox-esr" "Xvfb xvfb" "gcc gcc" "fc-list fontconfig" "openssl openssl"
	"nginx nginx" "caddy caddy" "strace strace" "mkfs.ext4 e2fsprogs")

toolchain() { # the three that nobody can install for you
	local missing=()
	for tool in go node npm git; do
		command -v "$tool" >/dev/null || missing+=("$tool")
	done
	if ((${#missing[@]})); then
		echo "Missing: ${missing[*]}. Install Go 1.26 (https://go.dev/dl) and Node 20 or newer (https://nodejs.org) first." >&2
		exit 1
	fi
}

missing_packages() { # prints each Debian package whose command is absent
	local needs=("${run_needs[@]}") need
	[[ ${1} == test ]] && needs+=("${test_needs[@]}")
	for need in "${needs[@]}"; do
		command -v "${need%% *}" >/dev/null || echo "${need##* }"
	done
	[[ ${1} == test ]] || return 0
	# gcc comes without the C library's headers, a browser without letters
	[[ -e /usr/include/stdio.h || ! -e /etc/debian_version ]] || echo libc6-dev
	# PostgreSQL's own programs are not on the path
	compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v postgres >/dev/null || echo postgresql
	[[ -n "$(fc-list 2>/dev/null | head -1)" ]] || echo fonts-dejavu-core
}

toolchain
mapfile -t packages < <(missing_packages "${1:-test}" | sort -u)
((${#packages[@]})) || exit 0

if [[ -e /etc/debian_version ]] && ((EUID == 0)); then
	export DEBIAN_FRONTEND=noninteractive
	echo "Installing from Debian: ${packages[*]}"
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
	exit 0
fi
if [[ -e /etc/debian_version ]]; then
	echo "Missing: ${packages[*]}. Get them with: sudo apt-get install --no-install-recommends ${packages[*]}" >&2
else
	echo "Missing: ${packages[*]} (these are Debian's names). Get them from your system's packages, on macOS: brew install ffmpeg." >&2
fi
exit 1
