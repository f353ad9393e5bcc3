#!/usr/bin/env bash
# The auditor of docs/auditor against `pumasi audit` of the real binary in $PUMASI: on random histories with every operation
# and every refusal in them, on falsifications of one, and on what a real node writes. Both must say the same of each.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

: "${PUMASI:?the program to test}"
if ! command -v curl >/dev/null; then
  echo "auditor.sh: needs curl" >&2
  exit 77
fi
root=$(cd ../../../.. && pwd)
auditor="$root/docs/auditor"
work=$(mktemp -d)
export no_proxy=127.0.0.1
trap 'kill "${node:-}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT

venv="${XDG_CACHE_HOME:-$HOME/.cache}/pumasi/clients"
python="$venv/bin/python"
version=$(sed -n 's/^cryptography==//p' "$auditor/requirements.txt")
if ! "$python" -c 'import cryptography, sys; sys.exit(cryptography.__version__ != sys.argv[1])' "$version" 2>/dev/null; then
  if ! { python3 -m venv "$venv" &&
    "$python" -m pip install -q --disable-pip-version-check -r "$auditor/requirements.txt"; } >&2; then
    echo "auditor.sh: needs python3 with venv, and the package of docs/auditor/requirements.txt" >&2
    exit 77
  fi
fi

"$python" "$auditor/test_auditor.py"

# `cargo test` builds the examples beside the program.
history=("$(dirname "$PUMASI")/examples/history")
if [ ! -x "${history[0]}" ]; then
  history=(cargo run -q --release --locked --manifest-path "$root/Cargo.toml" -p replica --example history --)
fi
for seed in 1 2 3; do
  mkdir "$work/$seed"
  "${history[@]}" "$work/$seed" "$seed"
  "$python" "$auditor/agree.py" "$PUMASI" "$work/$seed"
done
"$python" "$auditor/agree.py" "$PUMASI" "$work/1" --falsify

model=${PUMASI_TEST_MODEL:-}
if [ -z "$model" ]; then
  echo "auditor.sh: ok, without a real node, because PUMASI_TEST_MODEL names no model" >&2
  exit 0
fi
export PUMASI_HOME="$work/home"
"$PUMASI" up --json --listen 127.0.0.1:0 --model "$model" >"$work/ready" 2>"$work/log" &
node=$!
for _ in $(seq 600); do
  [ -s "$work/ready" ] && break
  kill -0 "$node" || { cat "$work/log" >&2; exit 1; }
  sleep 0.1
done
field() { "$python" -c 'import json, sys; print(eval("json.load(sys.stdin)" + sys.argv[1]))' "$1"; }
address=$(field '["address"]' <"$work/ready")
key=$(cat "$PUMASI_HOME/api-key")
name=$(curl -sS "$address/v1/models" | field '["data"][0]["id"]')
for number in 1 2 3; do
  receipt=$(curl -sS "$address/v1/chat/completions" -H "Authorization: Bearer $key" -d '{"model": "'"$name"'",
    "max_tokens": '"$number"', "messages": [{"role": "user", "content": "Once upon a time"}]}' |
    field '["usage"]["bill"]["receipt"]')
done
# A voucher covers an answer a moment after it.
for _ in $(seq 100); do
  curl -sS "$address/receipts/$receipt" >"$work/receipt.json"
  covered=$(field '["voucher"] is not None' <"$work/receipt.json")
  [ "$covered" = True ] && break
  sleep 0.1
done
[ "$covered" = True ] || { echo "no voucher covers the receipt" >&2; exit 1; }
"$python" "$auditor/agree.py" "$PUMASI" --log "$address" --receipt "$work/receipt.json"
kill "$node"
wait "$node" || true
node=
"$python" "$auditor/agree.py" "$PUMASI" --log "$PUMASI_HOME" --receipt "$work/receipt.json"
echo "auditor.sh: ok"
