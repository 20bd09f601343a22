#!/usr/bin/env bash
# What each part of training, each kind of row and each kind of evidence is worth on dev of BC5CDR, diseases against MEDIC, as in
# docs/results.md. Called again, it goes on where it stopped. Behind it may stand what both types take, or several seeds:
#   TRIPEL_DATA=... scripts/reproduce_ablation.sh [FOLDER] [section.key=value ...] [--seeds 42 43 44], 42 among them [--names RUN]
# Hours on one CPU core; arithmetic in bfloat16 with trainer.precision=bf16 encoder.precision=bf16.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-runs/ablation}

.venv/bin/python scripts/benchmarks/ablation.py "$folder" "${@:2}"
.venv/bin/python scripts/benchmarks/evidence.py "$folder/as-configured-42"
