#!/usr/bin/env bash
# MedMentions ST21pv as in README.md and docs/results.md, with the dictionary that is derived from the training mentions: baselines
# and ours, equally long where they learn, ours for three epochs besides, and the report of it. Called again, it goes on where it
# stopped.
#   TRIPEL_DATA=... scripts/reproduce_medmentions.sh [FOLDER] [section.key=value ...]
# NOTE="..." before it: what readers of the report should know of the texts, above its figures.
# Hours on one CPU core; arithmetic in bfloat16 with trainer.precision=bf16 encoder.precision=bf16.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-runs/medmentions}
words=("${@:2}")
corpus="{name: medmentions, subset: st21pv}"
ground=("corpus=$corpus" "terminologies=[{name: mentions, corpus: $corpus, split: train}]" data.watched=0)

train() { # name of the run, configuration, settings
  local run=$folder/$1
  if [ -f "$run/tables.md" ]; then return; fi
  if [ -f "$run/metrics.jsonl" ]; then .venv/bin/tripel resume "$run"; return; fi
  .venv/bin/python src/train.py "configs/$2.yaml" --output "$run" "${@:3}" ${words[@]+"${words[@]}"}
}

for baseline in characters words mixed bm25 untrained; do
  train "$baseline" "baseline_$baseline" "${ground[@]}" "data.judged=[test]"
done
train names mesh_self_alignment pairs.most=5 pairs.held_out=0.015 trainer.minutes=10
train self-aligned baseline_self_aligned encoder.model="$folder/names" "${ground[@]}" "data.judged=[test]"
train bi-encoder baseline_bi_encoder "${ground[@]}" trainer.minutes=10 "data.judged=[test]"
train faithful medmentions_le_nguyen "${ground[@]}" encoder.model=embedded encoder.towers=shared encoder.entity_pooling=mean \
  encoder.mention_pooling=span encoder.attention_dropout=0 trainer.lr=2e-5 trainer.epochs=1 trainer.minutes=10 "data.judged=[test]"
train fast medmentions_fast "${ground[@]}" trainer.minutes=10
train long medmentions_fast "${ground[@]}" trainer.epochs=3
train tagger medmentions_tagger
.venv/bin/tripel evaluate "$folder/fast" --on test --recognizer "$folder/tagger" # from plain texts

others=()
for run in faithful bi-encoder self-aligned untrained characters words mixed bm25; do others+=("$folder/$run"); done
.venv/bin/tripel report "$folder/long" "$folder/fast" "${others[@]}" --note "${NOTE:-}" --output "$folder/report"
