#!/usr/bin/env bash
# OpenAI's package for Node.js with nothing changed but `baseURL` and `apiKey`, against the real binary in $PUMASI.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=node.bash
. ./node.bash

{ command -v node && command -v npm; } >/dev/null || lacks "Node.js (20.19 or newer) with npm"
# Only to read JSON.
python=$(command -v python3) || lacks python3
folder="${XDG_CACHE_HOME:-$HOME/.cache}/pumasi/openai-node"
version=6.49.0
if ! grep -qs "\"version\": \"$version\"" "$folder/node_modules/openai/package.json"; then
  mkdir -p "$folder"
  npm install --prefix "$folder" --no-audit --no-fund --loglevel=error "openai@$version" >&2 || lacks "the package openai of npm"
fi
start_node

# A module is looked for beside the script.
cp openai_client.mjs "$folder/"
node "$folder/openai_client.mjs" "$address/v1" "$key"
compare_costs
echo "$check: ok"
