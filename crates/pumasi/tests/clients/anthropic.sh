#!/usr/bin/env bash
# Anthropic's Python package with nothing changed but `base_url` and `api_key`, against the real binary in $PUMASI.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=node.bash
. ./node.bash

packages anthropic.txt
start_node

"$python" anthropic_client.py "$address" "$key" "$(first_model)"
"$python" anthropic_client.py "$address/api" "$key" "$(first_model)"
compare_costs
echo "$check: ok"
