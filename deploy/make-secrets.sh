#!/usr/bin/env bash
# Makes the secrets that docker-compose.yml hands to its containers, once: what is
# there stays as it is. The folder is closed; the files in it are not, because the
# containers that read them run as users of their own.
set -euo pipefail
folder=${1:-$(dirname "$0")/secrets}

mkdir -p "$folder"
chmod 700 "$folder"

secret() { # NAME VALUE
	[[ -s $folder/$1 ]] || printf '%s' "$2" >"$folder/$1"
	chmod 644 "$folder/$1"
}
random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

secret postgres_password "$(random 24)"
secret database_url "postgres://meanwhile:$(cat "$folder/postgres_password")@postgres:5432/meanwhile?sslmode=disable"
secret s3_access_key "$(random 10)"
secret s3_secret_key "$(random 24)"
