#!/usr/bin/env bash
# Copies the source into two folders of different depth, builds both, compares.
# With COLD=1 the second build shares no compiler cache with the first.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
export VERSION=reproducible

one=$scratch/one two=$scratch/two/a/little/deeper
mkdir -p "$one" "$two"
# tracked and new files, but nothing that was built; both from the same moment
git ls-files -z --cached --others --exclude-standard -- . ':!docs' ':!e2e' |
	while IFS= read -r -d '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done |
	tar -c --null -T - | tar -x -C "$one"
cp -a "$one/." "$two"

for folder in "$one" "$two"; do
	if [[ ${COLD:-} == 1 && $folder == "$two" ]]; then
		export GOCACHE="$scratch/cache"
	fi
	"$folder/scripts/build-frontend.sh" >/dev/null
	"$folder/scripts/build-binary.sh"
	sha256sum "$folder/bin/meanwhile" | cut -d' ' -f1 >>"$scratch/hashes"
done

if [[ $(sort -u "$scratch/hashes" | wc -l) != 1 ]]; then
	echo "The build is not reproducible:" >&2
	cat "$scratch/hashes" >&2
	exit 1
fi
echo "reproducible: $(head -1 "$scratch/hashes")"
