#!/usr/bin/env bash
# OpenRouter's own package for Python with nothing changed but `server_url` and `api_key`, against the real binary in $PUMASI.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=node.bash
. ./node.bash

packages openrouter.txt
start_node

"$python" openrouter_client.py "$address/api/v1" "$key"
compare_costs
echo "$check: ok"
