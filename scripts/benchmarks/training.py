"""Clusters learnt from in a second: the published way of a step, the faithful method, the fast one; one run, one machine.

    TRIPEL_DATA=... python scripts/benchmarks/training.py bc5cdr
    TRIPEL_DATA=... python scripts/benchmarks/training.py medmentions --seconds 60

The published way encodes 64 candidates of every cluster anew in each step, shares no text within a batch, and pads all of
them to 128 tokens (Le & Nguyen 2023, their released trainer). The faithful method is the same mathematics here: each text of
a batch once, packed by length. The fast one is the document view with mined negatives; `fast-bf16` is that in bfloat16.
Each runs in a process of its own with the same encoder and documents, and reports its peak memory, the knowledge base
included. Rounds alternate; the ratios are those of the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
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
    "fast-bf16": "{corpus}_fast.yaml",
}
COMMON = ["encoder.model=embedded", "encoder.attention_dropout=0.0", "data.watched=0", "journal.wandb=false"]
BATCH = {"published": 8, "faithful": 32}  # clusters; at 8 the published way was measured before
FIXED, CANDIDATES = 128, 64


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
    from tripel.training.recipe import Recipe

    words = [*COMMON, *([f"trainer.batch={BATCH[way]}"] if way in BATCH else [])]
    words += ["trainer.precision=bf16"] if way == "fast-bf16" else []
    if corpus == "medmentions":
        words.append("terminologies=[{name: mentions, corpus: {name: medmentions, subset: st21pv}}]")
    return Recipe.read(config.load(ROOT / "configs" / CONFIGS[way].format(corpus=corpus), words))


def prepare(corpus: str, folder: Path) -> None:
    """Knowledge base and lexical candidates, once for all ways."""
    from tripel.training.preparing import ground

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
    from tripel.encoding.encoder import Encoder
    from tripel.training.preparing import ground, lesson
    from tripel.training.trainer import Trainer

    its = recipe(way, corpus)
    encoder = fixed(its.encoder) if way == "published" else Encoder(its.encoder)
    made, _ = lesson(its, ground(its, folder), encoder)
    if way == "published":
        counts = published_steps(encoder, its, made)
    else:
        trainer = Trainer(encoder, its.objective.make(), its.trainer)
        counts = (step.examples for step in trainer.steps(lambda epoch: made))
    next(counts)
    began, clusters = time.monotonic(), 0
    for count in counts:
        clusters += count
        if time.monotonic() - began > seconds:
            break
    spent = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"clusters_per_second": clusters / spent, "peak_mib": peak, "clusters": clusters, "seconds": spent}


def fixed(settings: Any) -> Any:
    """The encoder with all texts at 128 tokens. Padding is not masked: that changes what comes out, not what it costs."""
    import numpy as np

    from tripel.encoding.encoder import Encoder

    class Fixed(Encoder):
        def _hidden(self, tower: Any, tokens: Any) -> Any:
            return super()._hidden(tower, [np.pad(ids, (0, max(0, FIXED - len(ids)))) for ids in tokens])

    return Fixed(settings)


def published_steps(encoder: Any, its: Any, made: Any) -> Iterator[int]:
    """Steps as released: the hardest of 64 fresh candidates a cluster, then a triplet of texts for each."""
    from dataclasses import replace

    import numpy as np
    import torch

    objective = its.objective.make()
    optimizer = torch.optim.Adam([*encoder.parameters(), *objective.parameters()], lr=its.trainer.lr)
    rng = np.random.default_rng(its.trainer.seed)
    for batch in objective.batches(made, size=its.trainer.batch, rng=rng):
        drawn = rng.integers(len(batch.entities), size=CANDIDATES * len(batch))
        encoder.eval()
        with torch.no_grad():
            anchor_GD = encoder.mentions(batch.mentions[batch.anchor_G])
            candidate_ED = encoder.entities([batch.entities[i] for i in drawn])
            closeness_GE = encoder.similarity(anchor_GD, candidate_ED).numpy()
        closeness_GE[batch.known_GE[:, drawn]] = -np.inf
        wrong_G = drawn[closeness_GE.argmax(axis=1)]
        columns = [*batch.gold_G, *wrong_G]
        places = np.arange(len(batch))
        shown = replace(
            batch, entities=tuple(batch.entities[i] for i in columns), gold_G=places, wrong_G=places + len(batch)
        )
        encoder.train()
        objective(encoder.mentions(shown.mentions), encoder.entities(shown.entities), shown).value.backward()
        optimizer.step()
        optimizer.zero_grad()
        yield len(batch)


def report(corpus: str, rounds: list[dict[str, dict[str, float]]]) -> None:
    """Medians over rounds, and how often the published way fits into each."""
    medians = {
        way: {key: statistics.median(one[way][key] for one in rounds) for key in ("clusters_per_second", "peak_mib")}
        for way in CONFIGS
    }
    slowest = medians["published"]["clusters_per_second"]
    print(f"{corpus}, {len(rounds)} rounds, {os.cpu_count()} CPUs\n")
    print("| way | clusters/s | times published | peak memory, MiB |\n|---|---|---|---|")
    for way, its in medians.items():
        speed = its["clusters_per_second"]
        print(f"| {way} | {speed:.2f} | {speed / slowest:.1f} | {its['peak_mib']:,.0f} |")


if __name__ == "__main__":
    main()
