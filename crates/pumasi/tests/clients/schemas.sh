#!/usr/bin/env bash
# Schemathesis against the real binary in $PUMASI: whatever OpenAI's published description and our own let a client send is answered
# in a form that they allow. OpenAI's lies beside the checkout, or where $OPENAI_DESCRIPTION says; without it that half is skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=node.bash
. ./node.bash

# Its packages would not go with those of the clients.
venv="$venv-schemas"
python="$venv/bin/python"
packages schemas.txt
start_node
MODEL=$(first_model)
export MODEL SCHEMATHESIS_HOOKS=schemas_hooks

description=$(realpath -m "${OPENAI_DESCRIPTION:-../../../../../shared/vectors/openai/openapi.json}")
here=$PWD
# It leaves files where it runs.
cd "$work"

# Asks at a seed that stays, so that what fails fails again. Arguments: where the description is, and what Schemathesis is told.
ask() {
  PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1 "$venv/bin/st" run "$@" -H "Authorization: Bearer $key" --workers 1 --seed 7 --request-timeout 30 \
    --generation-database none --suppress-health-check filter_too_much --no-color --max-failures 20 >"$work/report" 2>&1 || { cat "$work/report" >&2; exit 1; }
  sed -n '/Test cases/,$p' "$work/report"
}

checks=not_a_server_error,response_schema_conformance,content_type_conformance
if [ -r "$description" ]; then
  ask "$description" --url "$address/v1" --checks "$checks" --phases examples,fuzzing --max-examples 20 \
    --include-path /chat/completions --include-path /completions --include-path /embeddings --include-path /responses \
    --include-path /models --include-path '/models/{model}'
else
  echo "$check: OpenAI's description is not here, so only our own is asked" >&2
fi
ask "$address/openapi.json" --url "$address" --checks "$checks,status_code_conformance" --phases examples,fuzzing --max-examples 20 \
  --include-tag chat --include-tag ollama
answered=$(curl -sS "$address/metrics" | sed -n 's/^pumasi_provider_answers_total{outcome="answered"} //p')
[ "$answered" -gt 20 ] || { echo "$check: only $answered requests were good enough to be answered" >&2; exit 1; }
echo "$check: ok; a model answered $answered of these requests"
