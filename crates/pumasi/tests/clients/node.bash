# shellcheck shell=bash
# Sourced by the checks beside it: what each needs to run a real node and a Python client. Sets $work, a folder that goes away,
# and $python, the interpreter of the clients' environment.

: "${PUMASI:?the program to test}"
check=$(basename "$0")
work=$(mktemp -d)
node=
# Where clients write what they see that answers cost, in credits, a line each.
export COSTS="$work/costs"
export no_proxy=127.0.0.1
trap 'kill $node 2>/dev/null || true; wait; rm -rf "$work"' EXIT
venv="${XDG_CACHE_HOME:-$HOME/.cache}/pumasi/clients"
python="$venv/bin/python"

# Ends the check as skipped: this machine lacks something.
lacks() {
  echo "$check: needs $1" >&2
  exit 77
}

command -v curl >/dev/null || lacks curl

# Installs the packages of a file of pinned ones, unless they are there.
packages() {
  local pinned
  pinned=$(sed -n 's/==.*//p' "$1")
  if [ "$("$python" -m pip freeze 2>/dev/null | grep -cixFf "$1")" != "$(grep -c . "$1")" ]; then
    { python3 -m venv "$venv" && "$python" -m pip install -q --disable-pip-version-check -r "$1"; } >&2 ||
      lacks "python3 with venv, and the package $pinned"
  fi
}

# Starts a node of its own with the models that ship with it, whose every use pays royalties. Takes more options
# of `up`. Sets $address and $key.
start_node() {
  export PUMASI_HOME="$work/home"
  rm -f "$work/ready"
  "$PUMASI" up --json --listen 127.0.0.1:0 "$@" >"$work/ready" 2>"$work/log" &
  node=$!
  for _ in $(seq 600); do
    [ -s "$work/ready" ] && break
    kill -0 "$node" || { cat "$work/log" >&2; exit 1; }
    sleep 0.1
  done
  address=$(field '["address"]' <"$work/ready")
  key=$(cat "$PUMASI_HOME/api-key")
}

# Ends the node as a service manager does.
stop_node() {
  kill "$node"
  wait "$node" || true
  node=
}

# Has everything settled, and compares: what the ledger took must be what the clients saw, to the last pico-credit.
compare_costs() {
  stop_node
  start_node
  "$python" costs.py "$address" "$(cat "$PUMASI_HOME/owner-token")" "$COSTS"
}

# A part of the JSON on standard input, named as Python does.
field() {
  "$python" -c 'import json, sys; print(eval("json.load(sys.stdin)" + sys.argv[1]))' "$1"
}

# The first model's name.
first_model() {
  curl -sS "$address/v1/models" | field '["data"][0]["id"]'
}
