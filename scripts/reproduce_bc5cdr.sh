#!/usr/bin/env bash
# The table of BC5CDR in README.md and docs/results.md: every baseline and ours on the same mentions, and the report of it.
# Choices are made on dev by runs that learn from train; the figures are those of test. Called again, it goes on where it stopped.
#   TRIPEL_DATA=... scripts/reproduce_bc5cdr.sh [FOLDER] [section.key=value ...]
# On one CPU core with bf16 arithmetic it takes some three hours; add trainer.precision=bf16 encoder.precision=bf16.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-runs/bc5cdr}
words=("${@:2}")

train() { # name of the run, configuration, settings
  local run=$folder/$1
  if [ -f "$run/tables.md" ]; then return; fi
  if [ -f "$run/config.yaml" ]; then .venv/bin/tripel resume "$run"; return; fi
  .venv/bin/python src/train.py "configs/$2.yaml" --output "$run" "${@:3}" "${words[@]}"
}

test_alone=("data.judged=[test]" "data.watched=0")
for baseline in characters words bm25 untrained; do
  train "$baseline" "baseline_$baseline" "${test_alone[@]}"
done
train names mesh_self_alignment pairs.most=5 pairs.held_out=0.015
train self_aligned baseline_self_aligned encoder.model="$folder/names" "${test_alone[@]}"
merged=(data.train=train+dev "${test_alone[@]}")
train bi_encoder baseline_bi_encoder "${merged[@]}"
