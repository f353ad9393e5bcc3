#!/usr/bin/env bash
# The page in a real browser against the real binary in $PUMASI, and whether what was committed is what `web/` builds to.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=node.bash
. ./node.bash

{ command -v node && command -v npm; } >/dev/null || lacks "Node.js (20.19 or newer) with npm"
CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || lacks Chromium
export CHROMIUM
export PICTURES="${PICTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/pumasi/pictures}"

cd ../../../../web
npm ci --no-audit --no-fund --loglevel=error >&2 || lacks "the packages of web/package-lock.json"
npm run --silent build -- --outDir "$work/dist" --emptyOutDir --logLevel warn >&2
diff -rq dist "$work/dist" || {
  echo "$check: web/dist is not what web/ builds to; run: cd web && npm run build" >&2
  exit 1
}
npm test --silent >&2
npm run --silent test:browser >&2
echo "$check: ok; pictures of every page lie in $PICTURES"
