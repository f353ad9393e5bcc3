#!/usr/bin/env bash
# Several machines, each a network namespace with an address of its own: one keeps the ledger, two run the same model, one asks
# and pays. Each is killed in the middle of traffic and started again; in the end everything adds up.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=node.bash
. ./node.bash

[ -n "${PUMASI_TEST_MODEL:-}" ] || lacks "a model: PUMASI_TEST_MODEL names none"
[ "$(id -u)" = 0 ] || lacks "root, for network namespaces"
command -v ip >/dev/null || lacks "iproute2"
python=$(command -v python3) || lacks python3
"$PUMASI" wallet send --help >/dev/null 2>&1 || lacks "a program with the command wallet send"

machines=(ledger seller other buyer)
space=pumasi$$
declare -A process=()

clean_up() {
  kill ${traffic:+"$traffic"} "${process[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  for name in "${machines[@]}" hub; do ip netns del "$space-$name" 2>/dev/null || true; done
  rm -rf "$work"
}
trap clean_up EXIT

ip netns add "$space-hub" 2>/dev/null || lacks "network namespaces, which are not allowed here"
ip -n "$space-hub" link add bridge type bridge 2>/dev/null || lacks "a bridge, which is not allowed here"
ip -n "$space-hub" link set bridge up
number=0
for name in "${machines[@]}"; do
  number=$((number + 1))
  ip netns add "$space-$name"
  ip -n "$space-$name" link set lo up
  ip -n "$space-hub" link add "to-$name" type veth peer name eth0 netns "$space-$name"
  ip -n "$space-hub" link set "to-$name" master bridge up
  ip -n "$space-$name" addr add "10.99.0.$number/24" dev eth0
  ip -n "$space-$name" link set eth0 up
done

# Runs something on a machine.
on() {
  local name=$1
  shift
  ip netns exec "$space-$name" env PUMASI_HOME="$work/$name" "$@"
}

# Starts a machine with more arguments of `up`, and waits until it is ready.
start() {
  local name=$1
  shift
  rm -f "$work/$name.ready"
  # The process itself, not a shell around it: it is what is killed.
  (exec ip netns exec "$space-$name" env PUMASI_HOME="$work/$name" "$PUMASI" up --json "$@") \
    >"$work/$name.ready" 2>>"$work/$name.log" &
  process[$name]=$!
  for _ in $(seq 600); do
    [ -s "$work/$name.ready" ] && return
    kill -0 "${process[$name]}" 2>/dev/null || break
    sleep 0.1
  done
  echo "$check: $name does not start" >&2
  tail "$work/$name.log" >&2
  exit 1
}

# As a power cut does.
cut() {
  kill -9 "${process[$1]}"
  wait "${process[$1]}" 2>/dev/null || true
  unset "process[$1]"
}

# As a service manager does.
stop() {
  kill "${process[$1]}"
  wait "${process[$1]}"
  unset "process[$1]"
}

fail() {
  echo "$check: $*" >&2
  tail -n 20 "$work"/*.log >&2
  exit 1
}

# Asks once; gives the answer's bill as `payee pico`, or nothing if it failed.
ask() {
  on buyer curl -s --max-time 60 http://127.0.0.1:7420/v1/chat/completions -H "Authorization: Bearer $key" \
    -d '{"model": "'"$model"'", "max_tokens": '"${1:-4}"', "messages": [{"role": "user", "content": "Once upon a time"}]}' |
    "$python" -c '
import json, sys
try:
    bill = json.load(sys.stdin)["usage"]["bill"]
except (KeyError, ValueError):
    sys.exit(1)
print(next(line["payee"] for line in bill["lines"] if line["what"] == "provider_fee"), bill["pico"])' 2>/dev/null
}

# Asks until it is answered.
ask_until() {
  for _ in $(seq 120); do
    ask && return
    sleep 0.5
  done
  fail "nobody answers"
}

# A part of the first API key, as the gateway tells it.
of_key() {
  on buyer curl -sS http://127.0.0.1:7420/keys -H "Authorization: Bearer $(cat "$work/buyer/owner-token")" |
    field '["data"][0]["'"$1"'"]'
}

start ledger --public 10.99.0.1:7421
link=$(field '["public"]' <"$work/ledger.ready")
start buyer --join "$link" --gateway --public 10.99.0.4:7421 --name buyer
key=$(cat "$work/buyer/api-key")
on ledger "$PUMASI" wallet send buyer 1000 --yes >&2
# Who asks published what is asked, and earns from it; who runs it fetches it from there.
on buyer "$PUMASI" publish "$PUMASI_TEST_MODEL" --name tale --royalty-in 100 --royalty-out 100 --yes >&2
model=buyer/tale:latest
runs() {
  start "$1" --join "$link" --provider --public "$2:7421" --name "$1"
  on "$1" "$PUMASI" pull buyer/tale >&2
  on "$1" "$PUMASI" offer buyer/tale >&2
}
runs seller 10.99.0.2

echo "$check: one answer, paid, settled and proved" >&2
ask 7 >"$work/first" || fail "the first answer did not come"
grep -q '^seller-provider ' "$work/first" || fail "somebody else answered: $(cat "$work/first")"
receipt=$(on buyer curl -sS http://127.0.0.1:7420/v1/chat/completions -H "Authorization: Bearer $key" \
  -d '{"model": "'"$model"'", "max_tokens": 3, "messages": [{"role": "user", "content": "hello"}]}' |
  field '["usage"]["bill"]["receipt"]')
stop buyer
stop seller
start seller --listen 127.0.0.1:7420
start buyer --listen 127.0.0.1:7420
on buyer "$PUMASI" audit "$link" >&2
on buyer "$PUMASI" bill "$receipt" >"$work/bill" || fail "the bill is not proved: $(cat "$work/bill")"
! grep -q 'not yet' "$work/bill" || fail "the receipt is not settled: $(cat "$work/bill")"

echo "$check: each machine loses its power in the middle of traffic" >&2
(while :; do ask 8 >>"$work/bills" || sleep 0.2; done) &
traffic=$!
for name in ledger seller buyer ledger seller; do
  sleep 2
  cut "$name"
  sleep 2
  if [ "$name" = ledger ]; then start ledger --public 10.99.0.1:7421; else start "$name"; fi
  before=$(wc -l <"$work/bills")
  for _ in $(seq 300); do
    [ "$(wc -l <"$work/bills")" -gt "$before" ] && break
    sleep 0.2
  done
  [ "$(wc -l <"$work/bills")" -gt "$before" ] || fail "nothing is answered after $name came back"
done
kill "$traffic"
wait "$traffic" 2>/dev/null || true

echo "$check: a provider that does not answer is passed over" >&2
runs other 10.99.0.3
sleep 6
read -r chosen _ < <(ask_until)
chosen=${chosen%-provider}
rest=seller
[ "$chosen" = seller ] && rest=other
# Its packets go nowhere, also those of connections that stand.
ip -n "$space-hub" link set "to-$chosen" down
ask >"$work/passed" || fail "nobody answered instead of $chosen"
grep -q "^$rest-provider " "$work/passed" || fail "not $rest: $(cat "$work/passed")"
ip -n "$space-hub" link set "to-$chosen" up
sleep 11
cut "$rest"
ask >"$work/passed" || fail "nobody answered instead of $rest"
grep -q "^$chosen-provider " "$work/passed" || fail "not $chosen: $(cat "$work/passed")"
start "$rest"

echo "$check: everything adds up" >&2
for _ in $(seq 600); do
  [ "$(of_key reserved)" = 0 ] && break
  sleep 0.2
done
[ "$(of_key reserved)" = 0 ] || fail "something is still set aside: $(of_key reserved)"
spent=$(of_key spent)
paid_out() {
  on buyer curl -sS 'http://127.0.0.1:7420/ledger/operations?limit=500' | "$python" -c '
import json, sys
kinds = [one["operation"]["kind"] for one in json.load(sys.stdin)["operations"] if one["applied"]]
sys.exit(0 if "payout" in kinds else 1)'
}
for _ in $(seq 180); do
  paid_out && break
  sleep 0.5
done
paid_out || fail "no royalty was paid out"
stop buyer
stop seller
stop other
audit=$(on buyer "$PUMASI" audit --json)
stop ledger
printf '%s' "$audit" | "$python" -c '
import json, sys
from decimal import Decimal
audit, spent = json.load(sys.stdin), int(Decimal(sys.argv[1]) * 10**12)
assert audit["good"], audit
assert int(audit["settled_pico"]) == spent, (audit, spent)
seen = sum(int(line.split()[1]) for line in open(sys.argv[2]))
# Answers that nobody waited for any more were paid, too.
assert 0 < seen <= spent, (seen, spent)' "$spent" "$work/bills" || fail "the sums differ: $audit, $spent"
on ledger "$PUMASI" audit >&2
echo "$check: ok"
