"""Clusters learnt from in a second: the published way of a step, the faithful method, the fast one; one run, one machine.

    TRIPEL_DATA=... python scripts/benchmarks/training.py bc5cdr
    TRIPEL_DATA=... python scripts/benchmarks/training.py medmentions --seconds 60

The published way encodes each of 64 candidates of every cluster anew in each step, all texts padded to 128 tokens
(Le & Nguyen 2023, their released trainer). The faithful method is the same mathematics here: each entity of a batch once, texts
packed by length. The fast one is the document view with mined negatives. Each runs in a process of its own, with the same
encoder and the same documents, and reports its peak memory. The rounds alternate, and the ratios are those of the medians.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CONFIGS = {
    "published": "{corpus}_le_nguyen.yaml",
    "faithful": "{corpus}_le_nguyen.yaml",
    "fast": "{corpus}_fast.yaml",
}
COMMON = ["encoder.model=embedded", "encoder.attention_dropout=0.0", "data.watched=0", "journal.wandb=false"]
BATCH = {"published": 8, "faithful": 32}  # clusters; at 8 the published way was measured before
FIXED = 128


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", choices=["bc5cdr", "medmentions"])
    parser.add_argument("--seconds", type=float, default=60, help="time for each way in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=list(CONFIGS), help=argparse.SUPPRESS)
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(asked.one, asked.corpus, asked.run, asked.seconds)))
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(asked.corpus, Path(folder))
        rounds = [one_round(asked.corpus, Path(folder), asked.seconds) for _ in range(asked.rounds)]
    report(asked.corpus, rounds)


def recipe(way: str, corpus: str) -> Any:
    """The settings of one way."""
    from tripel import config
    from tripel.recipe import Recipe

    words = [*COMMON, *([f"trainer.batch={BATCH[way]}"] if way in BATCH else [])]
    if corpus == "medmentions":
        words.append("terminologies=[{name: mentions, corpus: {name: medmentions, subset: st21pv}}]")
    return Recipe.read(config.load(ROOT / "configs" / CONFIGS[way].format(corpus=corpus), words))


def prepare(corpus: str, folder: Path) -> None:
    """Knowledge base and lexical candidates, once for all ways."""
    from tripel.preparing import ground

    ground(recipe("fast", corpus), folder)


def one_round(corpus: str, folder: Path, seconds: float) -> dict[str, dict[str, float]]:
    """Each way once, in a process of its own."""
    found = {}
    for way in CONFIGS:
        words = [sys.executable, __file__, corpus, "--one", way, "--run", str(folder), "--seconds", str(seconds)]
        found[way] = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
        print(way, found[way], file=sys.stderr)
    return found


def measure(way: str, corpus: str, folder: Path, seconds: float) -> dict[str, float]:
    """Clusters a second of one way, its warm-up step left out, and the peak memory of its process in MiB."""
    from tripel.encoder import Encoder
    from tripel.preparing import ground, lesson
    from tripel.trainer import Trainer

    its = recipe(way, corpus)
    encoder = Encoder(its.encoder)
    made, _ = lesson(its, ground(its, folder), encoder)
    if way == "published":
        counts = published_steps(encoder, its, made)
    else:
        trainer = Trainer(encoder, its.objective.make(), its.trainer)
        counts = (step.clusters for step in trainer.steps(lambda epoch: made))
    next(counts)
    began, clusters = time.monotonic(), 0
    for count in counts:
        clusters += count
        if time.monotonic() - began > seconds:
            break
    spent = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"clusters_per_second": clusters / spent, "peak_mib": peak, "clusters": clusters, "seconds": spent}


def published_steps(encoder: Any, its: Any, made: Any) -> Iterator[int]:
    """Steps as released: 64 candidates a cluster encoded anew, nothing shared, everything at 128 tokens."""
    import numpy as np
    import torch

    objective = its.objective.make()
    fix_length(encoder)
    optimizer = torch.optim.Adam([*encoder.parameters(), *objective.parameters()], lr=its.trainer.lr)
    rng = np.random.default_rng(its.trainer.seed)
    for batch in objective.batches(made, size=its.trainer.batch, rng=rng):
        encoder.eval()
        with torch.no_grad():
            for anchor in batch.anchor_G:
                encoder.mentions(batch.mentions[np.array([anchor])])
                rows = [made.kb.rows(made.grouped.mentions[0][1].entities)[0], *range(63)]
                encoder.entities([encoder.entity_text(made.kb, row) for row in rows])
            selected = objective.select(encoder, batch) if len(batch) == 0 else nearest(batch)
        encoder.train()
        loss = objective(encoder.mentions(selected.mentions), encoder.entities(selected.entities), selected)
        loss.value.backward()
        optimizer.step()
        optimizer.zero_grad()
        yield len(batch)
