#!/usr/bin/env bash
# The auditor of docs/auditor against `pumasi audit` of the real binary in $PUMASI: on random histories with every operation
# and every refusal in them, on falsifications of one, and on what a real node writes. Both must say the same of each.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# shellcheck source=node.bash
. ./node.bash

root=$(cd ../../../.. && pwd)
auditor="$root/docs/auditor"
packages "$auditor/requirements.txt"

"$python" "$auditor/test_auditor.py"
"$python" "$auditor/test_verify.py"

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

start_node
name=$(first_model)
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

# Proofs, and what is left of them when one bit is changed.
network=$(curl -sS "$address/ledger" | field '["network"]')
for what in you 0 2 "$name" "$(printf '7%.0s' $(seq 64))"; do
  "$PUMASI" prove "$what" --out "$work/proof" --json >"$work/ours"
  "$python" "$auditor/verify.py" "$work/proof" "$network" >"$work/theirs"
  for part in '["network"]' '["entry"]' '["time"]' '["head"]["size"]' '["head"]["root"]'; do
    [ "$(field "$part" <"$work/ours")" = "$(field "$part" <"$work/theirs")" ] || { echo "$what: $part differs" >&2; exit 1; }
  done
  "$python" -c 'import sys
text = bytearray(open(sys.argv[1], "rb").read())
text[len(text) // 3] ^= 1
open(sys.argv[1], "wb").write(text)' "$work/proof"
  if "$python" "$auditor/verify.py" "$work/proof" "$network" 2>/dev/null; then
    echo "a changed proof of $what is taken" >&2
    exit 1
  fi
done
stop_node
"$python" "$auditor/agree.py" "$PUMASI" --log "$PUMASI_HOME" --receipt "$work/receipt.json"
echo "$check: ok"
