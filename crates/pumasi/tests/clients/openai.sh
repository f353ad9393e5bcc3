#!/usr/bin/env bash
# OpenAI's Python package with nothing changed but `base_url` and `api_key`, and curl, against the real binary in $PUMASI.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

: "${PUMASI:?the program to test}"
model=${PUMASI_TEST_MODEL:-}
if [ -z "$model" ]; then
  echo "openai.sh: PUMASI_TEST_MODEL names no model" >&2
  exit 77
fi
if ! command -v curl >/dev/null; then
  echo "openai.sh: needs curl" >&2
  exit 77
fi
work=$(mktemp -d)
trap 'kill "${node:-}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT

venv="${XDG_CACHE_HOME:-$HOME/.cache}/pumasi/clients"
python="$venv/bin/python"
if ! "$python" -c 'import openai' 2>/dev/null; then
  if ! { python3 -m venv "$venv" && "$python" -m pip install -q --disable-pip-version-check -r requirements.txt; } >&2; then
    echo "openai.sh: needs python3 with venv, and the packages of requirements.txt" >&2
    exit 77
  fi
fi

export PUMASI_HOME="$work/home" no_proxy=127.0.0.1
"$PUMASI" up --json --listen 127.0.0.1:0 --model "$model" >"$work/ready" 2>"$work/log" &
node=$!
for _ in $(seq 600); do
  [ -s "$work/ready" ] && break
  kill -0 "$node" || { cat "$work/log" >&2; exit 1; }
  sleep 0.1
done
address=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["address"])' "$work/ready")
key=$(cat "$PUMASI_HOME/api-key")

"$python" openai_client.py "$address/v1" "$key"
"$python" openai_client.py "$address/api/v1" "$key"

streamed=$(curl -sSN "$address/v1/chat/completions" -H "Authorization: Bearer $key" \
  -d '{"model": "'"$(curl -sS "$address/v1/models" | "$python" -c 'import json, sys; print(json.load(sys.stdin)["data"][0]["id"])')"'",
       "stream": true, "max_tokens": 5, "messages": [{"role": "user", "content": "Once upon a time"}]}')
case "$streamed" in
  "data: "*'"cost":'*"data: [DONE]") ;;
  *) printf 'curl saw no stream with a cost and an end:\n%s\n' "$streamed" >&2; exit 1 ;;
esac
echo "openai.sh: ok"
