#!/usr/bin/env bash
# BC5CDR as in README.md and docs/results.md: every baseline and ours on the same test mentions, and the report of it.
# Choices are made on dev, by a run that learns from train. Called again, it goes on where it stopped.
#   TRIPEL_DATA=... scripts/reproduce_bc5cdr.sh [FOLDER] [section.key=value ...]
# NOTE="..." before it: what readers of the report should know of the texts, above its figures.
# Hours on one CPU core; arithmetic in bfloat16 with trainer.precision=bf16 encoder.precision=bf16.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-runs/bc5cdr}
words=("${@:2}")

train() { # name of the run, configuration, settings
  local run=$folder/$1
  if [ -f "$run/tables.md" ]; then return; fi
  if [ -f "$run/metrics.jsonl" ]; then .venv/bin/tripel resume "$run"; return; fi
  .venv/bin/python src/train.py "configs/$2.yaml" --output "$run" "${@:3}" ${words[@]+"${words[@]}"}
}

merged=(data.train=train+dev data.watched=0 "data.judged=[test]")
for baseline in characters words mixed bm25 untrained; do
  train "$baseline" "baseline_$baseline" "${merged[@]}"
done
train names mesh_self_alignment pairs.most=5 pairs.held_out=0.015 trainer.minutes=10
train self-aligned baseline_self_aligned encoder.model="$folder/names" "${merged[@]}"
train bi-encoder baseline_bi_encoder trainer.epochs=1 "${merged[@]}"
train faithful bc5cdr_le_nguyen encoder.model=embedded encoder.towers=shared encoder.entity_pooling=mean \
  encoder.mention_pooling=span encoder.attention_dropout=0 trainer.lr=2e-5 trainer.epochs=1 trainer.minutes=23 \
  "${merged[@]}" # in the time that the fast one takes; without `minutes` a whole epoch, more than an hour
train chosen bc5cdr_fast "data.judged=[dev]"
train fast bc5cdr_fast whole.like="$folder/chosen" "${merged[@]}"
train hnsw bc5cdr_fast encoder.model="$folder/fast" trainer.epochs=0 index.search.name=hnsw whole.like="$folder/chosen" "${merged[@]}"
train tagger bc5cdr_tagger
for run in bm25 fast hnsw; do # from plain texts
  .venv/bin/tripel evaluate "$folder/$run" --on test --recognizer "$folder/tagger"
done
for run in chosen fast; do # copies, so that the others stay as they were judged
  if [ -d "$folder/$run-reranked" ]; then continue; fi
  rm -rf "$folder/$run-reranked.part"
  cp -r "$folder/$run" "$folder/$run-reranked.part"
  sed -i.bak "s|like: $folder/chosen$|like: $folder/chosen-reranked|" "$folder/$run-reranked.part/config.yaml"
  rm "$folder/$run-reranked.part/config.yaml.bak"
  mv "$folder/$run-reranked.part" "$folder/$run-reranked"
done
.venv/bin/tripel rerank "$folder/chosen-reranked" # called again it goes on, and judges anew
.venv/bin/tripel rerank "$folder/fast-reranked" trainer.epochs=1

others=("$folder/fast")
for run in faithful bi-encoder self-aligned untrained characters words mixed bm25; do others+=("$folder/$run"); done
.venv/bin/tripel report "$folder/fast-reranked" "${others[@]}" --note "${NOTE:-}" --output "$folder/report"

if [ ! -d "$folder/learnt" ]; then # dev joins the index, and nothing is trained
  rm -rf "$folder/learnt.part"
  cp -r "$folder/chosen" "$folder/learnt.part"
  .venv/bin/tripel index learn "$folder/learnt.part" "${TRIPEL_DATA:-data}/bc5cdr/dev.pubtator"
  mv "$folder/learnt.part" "$folder/learnt"
fi
for run in chosen chosen-reranked learnt; do .venv/bin/tripel evaluate "$folder/$run" --on test; done

others=("$folder/chosen-reranked" "$folder/learnt") # and what learns nothing, beside what learnt from train alone
for run in untrained self-aligned characters words mixed bm25; do others+=("$folder/$run"); done
.venv/bin/tripel report "$folder/chosen" "${others[@]}" --note "${NOTE:-}" --output "$folder/report-train"

.venv/bin/python scripts/benchmarks/evidence.py "$folder/chosen-reranked" | tee "$folder/evidence.md" # what each kind of evidence is worth
