#!/usr/bin/env bash
# skopeo against the real binary in $PUMASI as a registry: what it copies must be the node's own bytes under their digests, by tag
# and by digest; nothing is pushed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=node.bash
. ./node.bash

command -v skopeo >/dev/null || lacks skopeo
command -v python3 >/dev/null || lacks python3
python=python3
start_node
registry="docker://${address#http://}"
copy() { skopeo --insecure-policy copy -q "$@"; }

repository=$(curl -sS "$address/v2/_catalog" | field '["repositories"][0]')
tags=$(skopeo list-tags --tls-verify=false "$registry/$repository" | field '["Tags"]')
[ "$tags" = "['latest']" ] || { echo "$repository has the tags $tags" >&2; exit 1; }
id=$(curl -sS "$address/artifacts/$repository" | field '["id"]')
raw=$(skopeo inspect --tls-verify=false --raw "$registry/$repository:latest" | sha256sum | cut -d ' ' -f 1)
[ "sha256:$raw" = "$id" ] || { echo "the manifest of $repository has the digest $raw, not $id" >&2; exit 1; }

# Both copies have every blob of the manifest, and each is what it is called.
for reference in "$repository:latest" "$repository@$id"; do
  rm -rf "$work/copy"
  copy --src-tls-verify=false "$registry/$reference" "oci:$work/copy:it"
  listed=$(field '["manifests"][0]["digest"]' <"$work/copy/index.json")
  [ "$listed" = "$id" ] || { echo "$reference was copied as $listed, not $id" >&2; exit 1; }
  (cd "$work/copy/blobs/sha256" && for blob in *; do echo "$blob  $blob"; done | sha256sum --quiet -c)
  expected=$(curl -sS "$address/v2/$repository/manifests/latest" |
    field '' | grep -o "sha256:[0-9a-f]*" | cat - <(echo "$id") | sort -u)
  copied=$(cd "$work/copy/blobs/sha256" && printf 'sha256:%s\n' * | sort -u)
  [ "$copied" = "$expected" ] || { printf 'copied:\n%s\nexpected:\n%s\n' "$copied" "$expected" >&2; exit 1; }
done

for absent in "$repository:nothing" nobody/nothing:latest; do
  ! copy --src-tls-verify=false "$registry/$absent" "oci:$work/absent" 2>"$work/said" ||
    { echo "$absent was copied" >&2; exit 1; }
  grep -q "manifest unknown" "$work/said" || { cat "$work/said" >&2; exit 1; }
done
! copy --dest-tls-verify=false "oci:$work/copy:it" "$registry/$repository:pushed" 2>"$work/said" ||
  { echo "it was pushed" >&2; exit 1; }
grep -q "pumasi publish" "$work/said" || { cat "$work/said" >&2; exit 1; }

# A gateway that asks a fee for weights takes an API key as the password, and says what it wants of whoever has none.
stop_node
start_node --file-fee 0.05
model="docker://${address#http://}/$(first_model)"
rm -rf "$work/copy" "$work/absent"
! copy --src-tls-verify=false "$model" "oci:$work/absent" 2>"$work/said" ||
  { echo "weights were copied for nothing" >&2; exit 1; }
grep -q "no API key was sent; get one from its owner" "$work/said" || { cat "$work/said" >&2; exit 1; }
copy --src-tls-verify=false --src-creds "any:$key" "$model" "oci:$work/copy:it"
spent=$("$PUMASI" key ls --json | field '["data"][0]["files"]')
[ "$spent" != 0 ] || { echo "the key was not charged" >&2; exit 1; }
echo "$check: ok"
