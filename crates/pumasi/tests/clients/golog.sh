#!/usr/bin/env bash
# The log that the real binary in $PUMASI writes, and its proofs, by the reference code for such logs in Go: docs/auditor/go.
# What is right passes, and one changed bit of any tile, entry, proof or head is found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# shellcheck source=node.bash
. ./node.bash

sources=/usr/share/gocode
command -v go >/dev/null || lacks "Go: apt-get install golang-go golang-golang-x-mod-dev"
[ -d "$sources/src/golang.org/x/mod/sumdb/tlog" ] || lacks "golang.org/x/mod: apt-get install golang-golang-x-mod-dev"
command -v python3 >/dev/null || lacks python3
python=python3
auditor=$(cd ../../../../docs/auditor/go && pwd)
[ -z "$(gofmt -l "$auditor")" ] || { echo "gofmt would change docs/auditor/go" >&2; exit 1; }
export GO111MODULE=off GOPATH=$sources GOCACHE="$work/go"
go vet "$auditor/audit.go"
go build -o "$work/audit" "$auditor/audit.go"

start_node
origin=$(curl -sS "$address/ledger" | field '["origin"]')
replica=$(curl -sS "$address/ledger" | field '["replicas"][0]')
audit() {
  "$work/audit" -origin "$origin" -replica "$replica" "$@"
}

curl -sS "$address/log/checkpoint" >"$work/kept"
# More than one tile: 140 transfers, each with the root after it.
"$PUMASI" wallet send this-machine 1 --yes >/dev/null
for number in $(seq 140); do
  "$PUMASI" wallet send this-machine "0.$number" --yes >/dev/null
done
for what in you 2 300; do
  "$PUMASI" prove "$what" --out "$work/$what.tlog-proof" >/dev/null
done
audit -head "$work/kept" "$address" "$work"/*.tlog-proof

# The same as a folder of files, as any web server could hold it.
size=$(curl -sS "$address/log/checkpoint" | sed -n 2p)
files=(checkpoint)
for level in entries 0; do
  for ((number = 0; number * 256 < size; number++)); do
    left=$((size - number * 256))
    part=$([ "$left" -lt 256 ] && echo ".p/$left" || true)
    files+=("tile/$level/$(printf %03d "$number")$part")
  done
done
files+=("tile/1/000.p/$((size / 256))")
for file in "${files[@]}"; do
  mkdir -p "$work/copy/$(dirname "$file")"
  curl -sSf "$address/log/$file" >"$work/copy/$file"
done
stop_node
audit -head "$work/kept" "$work/copy" "$work"/*.tlog-proof

# Changes one bit in the middle of a file, and expects that it is found.
found() {
  cp "$1" "$work/good"
  "$python" -c 'import sys
text = bytearray(open(sys.argv[1], "rb").read())
text[len(text) // 2] ^= 1
open(sys.argv[1], "wb").write(text)' "$1"
  if audit -head "$work/kept" "$work/copy" "$work"/*.tlog-proof >/dev/null 2>&1; then
    echo "a changed bit of $1 is not found" >&2
    exit 1
  fi
  cp "$work/good" "$1"
}
for file in "${files[@]}"; do
  found "$work/copy/$file"
done
found "$work/kept"
# What a state's proof says in its extra line is no matter to a log: there the path and the head are.
sed -i 's/^extra .*/extra /' "$work/2.tlog-proof"
found "$work/2.tlog-proof"
audit -head "$work/kept" "$work/copy" "$work"/*.tlog-proof >/dev/null
echo "$check: ok"
