#!/usr/bin/env bash
# PyPI's `model-signing` against `pumasi sign` and `pumasi verify` of the real binary in $PUMASI: what either signs, the other
# must find good; one changed, added or missing file both must refuse.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=node.bash
. ./node.bash

command -v openssl >/dev/null || lacks openssl
packages signing.txt
tool="$venv/bin/model_signing"
export PUMASI_HOME="$work/home" PUMASI_LANG=en
model="$work/model"

# A folder whose names are in another order by bytes than by parts, with what both leave out.
fill() {
  rm -rf "$model"
  mkdir -p "$model/a" "$model/.git" "$model/sub/deep"
  printf weights >"$model/a.safetensors"
  printf '{}' >"$model/config.json"
  printf z >"$model/a/z"
  printf ref >"$model/.git/HEAD"
  printf '' >"$model/sub/deep/empty"
  printf 모델 >"$model/sub/이름.txt"
}

ours() { "$PUMASI" verify "$model" --key "$work/key.pub" --signature "$1" >"$work/said" 2>&1; }
theirs() { "$tool" verify key "$model" --signature "$1" --public_key "$work/key.pub" >"$work/said" 2>&1; }

# Both find a signature good, and neither does after a byte changed.
agree() {
  local checker
  for checker in ours theirs; do
    good "$checker" "$1"
    printf weighty >"$model/a.safetensors"
    refused "$checker" "$1" "a changed file"
    printf weights >"$model/a.safetensors"
  done
}

# The same for files that came or went.
agree_on_names() {
  local checker
  for checker in ours theirs; do
    touch "$model/new"
    refused "$checker" "$1" "an added file"
    rm "$model/new"
    mv "$model/a/z" "$work/z"
    refused "$checker" "$1" "a missing file"
    mv "$work/z" "$model/a/z"
    good "$checker" "$1"
  done
}

good() {
  "$1" "$2" || { echo "$1 refuses $2:" >&2; cat "$work/said" >&2; exit 1; }
}

refused() {
  ! "$1" "$2" || { echo "$1 takes $3 under $2" >&2; exit 1; }
}

# Keys as OpenSSL makes them, in both forms and on both curves, and one of ours.
openssl ecparam -name prime256v1 -genkey -noout -out "$work/sec1.pem"
openssl ecparam -name prime256v1 -genkey -out "$work/parameters.pem"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/pkcs8.pem"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$work/p384.pem"
fill
"$PUMASI" sign "$model" --new-key "$work/own.pem" >/dev/null 2>&1
openssl ec -in "$work/own.pem" -pubout 2>/dev/null | cmp - "$work/own.pem.pub"

for key in sec1 parameters pkcs8 p384 own; do
  fill
  openssl ec -in "$work/$key.pem" -pubout -out "$work/key.pub" 2>/dev/null
  "$tool" sign key "$model" --private_key "$work/$key.pem" --signature "$model/model.sig" >/dev/null
  agree "$model/model.sig"
  "$PUMASI" sign "$model" --key "$work/$key.pem" >/dev/null
  agree "$model/model.sig"
done
agree_on_names "$model/model.sig"
rm "$model/model.sig"
"$PUMASI" sign "$model" --key "$work/own.pem" --out "$work/apart.sig" >/dev/null
agree_on_names "$work/apart.sig"

# A single file, a path that is left out, and a link.
model="$model/a.safetensors"
"$tool" sign key "$model" --private_key "$work/own.pem" --signature "$work/file.sig" >/dev/null
good ours "$work/file.sig"
"$PUMASI" sign "$model" --key "$work/own.pem" >/dev/null
good theirs "$model.sig"
rm "$model.sig"
model="$work/model"
ln -s config.json "$model/link.json"
"$tool" sign key "$model" --private_key "$work/own.pem" --signature "$work/link.sig" --allow_symlinks \
  --ignore-paths "$model/sub" >/dev/null
printf anything >"$model/sub/other"
good ours "$work/link.sig"
"$PUMASI" sign "$model" --key "$work/own.pem" --out "$work/link.sig" --follow-links --ignore sub >/dev/null
"$tool" verify key "$model" --signature "$work/link.sig" --public_key "$work/key.pub" --allow_symlinks >/dev/null
printf '{ }' >"$model/config.json"
refused ours "$work/link.sig" "a changed file behind a link"
echo "$check: ok"
