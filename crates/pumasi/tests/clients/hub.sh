#!/usr/bin/env bash
# The Hugging Face Hub's own clients, with nothing changed but HF_ENDPOINT and HF_TOKEN, against the real binary in $PUMASI: hf,
# huggingface_hub, transformers and datasets. The Rust client hf-hub is tried in crates/pumasi/tests/system/hub.rs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=node.bash
. ./node.bash

packages hub.txt
start_node

owner=$(cat "$PUMASI_HOME/owner-token")
export HF_ENDPOINT="$address" HF_TOKEN="$owner" HF_HOME="$work/hf" HF_HUB_DISABLE_TELEMETRY=1 HF_HUB_DISABLE_PROGRESS_BARS=1
hf="$(dirname "$python")/hf"

# A command that must fail, and say this.
fails() {
  local said=$1
  shift
  if "$@" >"$work/said" 2>&1; then
    printf 'should have failed: %s\n' "$*" >&2 && exit 1
  fi
  says "$said"
}

# What the last command said holds this.
says() {
  grep -qF -- "$1" "$work/said" || { printf 'was not said: %s\nbut:\n' "$1" >&2; cat "$work/said" >&2; exit 1; }
}

# Who one is, and may not be.
"$hf" auth whoami >"$work/said" && says you
fails "is an API key, which only spends" env HF_TOKEN="$key" "$hf" repos create you/new
fails "set HF_TOKEN to the text of the file owner-token" env HF_TOKEN=wrong "$hf" repos create you/new
fails "you publish under your own name: you/new" "$hf" repos create kim/new
fails "is public, for good" "$hf" repos create you/new --private

# Files of any kind go there and back, byte for byte; the card is checked first, in words.
mkdir -p "$work/new/deep/er"
printf -- '---\nlicense: mit\nbase_model: nobody/base\npumasi:\n  royalty: {input: 20000, output: 50000}\n---\n# A small one\n' \
  >"$work/new/README.md"
head -c 3000000 /dev/urandom >"$work/new/deep/er/weights.dat"
printf '{"a": "한글"}' >"$work/new/config.json"
: >"$work/new/empty"
"$hf" repos create you/new >/dev/null
"$hf" upload you/new "$work/new" . >"$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
says "license: MIT"
says "royalty: 0.02 credits per million tokens in and 0.05 out, for good, paid to you 1"
says "nobody/base is not published here"
"$hf" download you/new --local-dir "$work/got" >/dev/null
diff -r --exclude=.cache "$work/new" "$work/got"
"$hf" models ls --search "small one" --format json >"$work/said" && says '"id": "you/new"'
curl -sS "$address/artifacts/you/new" >"$work/said"
[ "$(field '["royalty"]' <"$work/said")" = "{'input': 20000, 'output': 50000}" ]

# A wrong card is refused before anything is sent.
printf -- '---\nlicense: mit\npumasi:\n  royalti: 1\n---\n' >"$work/README.md"
fails '"royalti" is not known' "$hf" upload you/new "$work/README.md"

# Git LFS's way: a file that is too large for a commit. A client with Xet is told what to do.
mkdir "$work/large"
head -c 140000000 /dev/urandom >"$work/large/large.dat"
fails "HF_HUB_DISABLE_XET=1" "$hf" upload you/large "$work/large" .
HF_HUB_DISABLE_XET=1 "$hf" upload you/large "$work/large" . >/dev/null
"$hf" download you/large --local-dir "$work/got-large" >/dev/null
cmp "$work/large/large.dat" "$work/got-large/large.dat"

fails "Model 'you/nothing' not found" "$hf" download you/nothing
fails "File not found in model 'you/new'" "$hf" download you/new nothing
fails "Revision" "$hf" download you/new --revision v9

"$python" hub_client.py "$work"
curl -sS "$address/metrics" | grep process_resident_memory_bytes | tail -1

# A gateway that asks a fee for weights. The sentence comes as it is; a key that was topped up downloads, and spends what the bytes
# cost, to the pico-credit. All else needs no key.
stop_node
start_node --file-fee 0.05
export HF_ENDPOINT="$address"
unset HF_TOKEN
guide=$(first_model)
guide=${guide%%:*}
bytes=$(curl -sS "$address/artifacts/$guide" | "$python" -c 'import json, sys
of = json.load(sys.stdin)
print(sum(file["size"] for file in of["files"] if file["digest"] in of["weights"]))')
cost=$("$python" -c 'import decimal, sys
print(format((decimal.Decimal(sys.argv[1]) * 50 / 10**12).normalize(), "f"))' "$bytes")
usage() {
  curl -sS "$address/api/v1/key" -H "Authorization: Bearer $1" | "$python" -c 'import decimal, json, sys
print(format(json.load(sys.stdin, parse_float=decimal.Decimal, parse_int=decimal.Decimal)["data"]["usage"], "f"))'
}
"$hf" download "$guide" README.md --local-dir "$work/card" >/dev/null
fails "credits: 0.05 for a GB of weights is what this gateway asks for serving them, and no API key was sent; get one from its owner \
(pumasi key new) and send it (HF_TOKEN), or look whether another node has them for nothing: pumasi pull $guide:latest" \
  "$hf" download "$guide" --local-dir "$work/paid"
fails "is no API key that may be used here" env HF_TOKEN=hf_wrong "$hf" download "$guide" --local-dir "$work/paid"
key=$("$PUMASI" key new --budget 0.0000000001)
id=$("$PUMASI" key ls --json | field '["data"][-1]["id"]')
export HF_TOKEN="$key"
fails "the API key has 0.0000000001 free now; top it up: pumasi key topup $id CREDITS (its owner), or \
pumasi wallet send you CREDITS --for key:$id (anybody on this ledger)" \
  "$hf" download "$guide" --local-dir "$work/paid"
[ "$(usage "$key")" = 0 ]
"$PUMASI" key topup "$id" 1 >/dev/null
"$hf" download "$guide" --local-dir "$work/paid" >/dev/null
[ "$(usage "$key")" = "$cost" ] || { echo "the weights cost $cost, and the key was charged $(usage "$key")" >&2; exit 1; }
HF_TOKEN="$owner" "$hf" download "$guide" --local-dir "$work/owned" >/dev/null
diff -r --exclude=.cache "$work/paid" "$work/owned"
"$PUMASI" audit >/dev/null
echo "$check: ok"
