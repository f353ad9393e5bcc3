#!/usr/bin/env bash
# CycloneDX's own Python package must find the bill of materials of every artifact that ships with the real binary in $PUMASI
# valid, by the strict schema of version 1.6, and one with a changed word not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=node.bash
. ./node.bash

packages bom.txt
start_node

ids=$(curl -sS "$address/artifacts?limit=100" | field '["artifacts"]' | grep -o "'id': 'sha256:[0-9a-f]*'" | cut -d "'" -f 4)
for id in $ids; do
  "$PUMASI" show "$id" --format bom >"$work/${id#sha256:}.json"
done
"$python" bom_check.py "$work"/*.json
echo "$check: ok"
