#!/usr/bin/env bash
# Ollama's Python package with nothing changed but OLLAMA_HOST and OLLAMA_API_KEY, against the real binary in $PUMASI.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=node.bash
. ./node.bash

packages ollama.txt
start_node

OLLAMA_HOST="$address" OLLAMA_API_KEY="$key" "$python" ollama_client.py "$(first_model)"
compare_costs
echo "$check: ok"
