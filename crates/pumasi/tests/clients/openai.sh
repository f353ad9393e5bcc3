#!/usr/bin/env bash
# OpenAI's Python package with nothing changed but `base_url` and `api_key`, and curl, against the real binary in $PUMASI.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=node.bash
. ./node.bash

packages requirements.txt
start_node

"$python" openai_client.py "$address/v1" "$key"
"$python" openai_client.py "$address/api/v1" "$key"

streamed=$(curl -sSN "$address/v1/chat/completions" -H "Authorization: Bearer $key" \
  -d '{"model": "'"$(first_model)"'", "stream": true, "max_tokens": 5,
       "messages": [{"role": "user", "content": "Once upon a time"}]}')
case "$streamed" in
  "data: "*'"cost":'*"data: [DONE]") ;;
  *) printf 'curl saw no stream with a cost and an end:\n%s\n' "$streamed" >&2; exit 1 ;;
esac
grep -o '"cost":[^,}]*' <<<"$streamed" | cut -d : -f 2 >>"$COSTS"
compare_costs
echo "$check: ok"
