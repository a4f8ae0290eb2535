#!/usr/bin/env bash
# Builds frontend/dist, which the binary embeds.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/npm.sh frontend run build
touch frontend/dist/.gitkeep # Vite empties the folder, the placeholder is committed
