"""What each part of training is worth: one thing changed at a time, judged on dev, with paired tests on the same mentions.

    TRIPEL_DATA=... python scripts/benchmarks/ablation.py runs/ablation [section.key=value ...] [--only NAME ...] [--seeds N ...]

BC5CDR's diseases against MEDIC, learnt on train, so that a variant takes minutes; what is true of them need not be true of both
types: "corpus.types=[]" "terminologies=[{name: mesh}, {name: ctd}]" asks for those. Each variant and seed is a run in the folder;
called again, what is done is not done again. With several seeds a mention counts as right by the share of them that have it
right, and a variant is compared by the seeds that it and the configured one both have. `--names` is a self-aligned encoder. The
last variants learn nothing: the encoder as configured, with other rows in its index.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tripel import tasks
from tripel.files import read_json, read_lines
from tripel.judging import metrics, predictions
from tripel.judging.evaluation import ranks
from tripel.judging.gold import Gold
from tripel.judging.kept import BEST, FULL, TRAINED
from tripel.judging.runs import right
from tripel.reports.tables import Table
from tripel.training.preparing import Ground, ground
from tripel.training.recipe import Recipe

ROOT = Path(__file__).parents[2]
GROUND = ("corpus.types=[Disease]", "terminologies=[{name: ctd}]", "data.judged=[dev]", "data.watched=0")
BASE = "as configured"
VARIANTS = {
    BASE: (),
    "temperature 0.1": ("objective.temperature=0.1",),
    "temperature 0.02": ("objective.temperature=0.02",),
    "wrong entities by spelling alone": ("negatives.refresh=0",),
    "wrong entities of others in the batch alone": ("objective.wrong=0",),
    "no mention-mention edges": ("objective.edges=false",),
    "no long forms": ("encoder.long_forms=false",),
    "one name, each likely": ("objective.names=1", "objective.right=each"),
    "two names, each likely": ("objective.right=each",),
    "one name, likely together": ("objective.names=1",),
    "single mentions": ("data.clusters=mention",),
    "names made distinct": ("encoder.distinct_names=true",),
    "one epoch": ("trainer.epochs=1",),
    "three epochs": ("trainer.epochs=3",),
    "triplets in place of the contrastive loss": (
        "objective={name: prototype_triplet, distance: cosine, margin: 0.2, wrong: 6}",
    ),
}
ROWS = {
    "rows: an entity's mean name": "[centroids]",
    "rows: names": "[names]",
    "rows: training mentions": "[mentions]",
}
ALIGNED = "from a self-aligned encoder"
BUCKETS = "0", "1-2", "3-9", "10-99"
COSTS = "training", BEST, TRAINED


def main() -> None:
    """Train what is missing, then print the table of what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="variants, by the beginning of their names")
    parser.add_argument("--names", type=Path, help="a run that learnt names alone")
    parser.add_argument("--seeds", nargs="*", type=int, default=[42])
    parser.add_argument("--table", action="store_true", help="train nothing")
    asked, words = parser.parse_known_args()
    if any("=" in name for name in asked.only):
        parser.error("settings stand before --only")
    variants = VARIANTS | ({ALIGNED: (f"encoder.model={asked.names}",)} if asked.names else {})
    chosen = [
        name for name in [*variants, *ROWS] if not asked.only or name == BASE or any(map(name.startswith, asked.only))
    ]
    for seed in asked.seeds if not asked.table else ():
        again = (f"encoder.model={place(asked.folder, BASE, seed)}", "trainer.epochs=0")
        its = variants | {name: (*again, f"index.rows={rows}") for name, rows in ROWS.items()}
        for name in chosen:
            train(place(asked.folder, name, seed), [*GROUND, *its[name], *words, f"trainer.seed={seed}"])
    there = {name: {seed: place(asked.folder, name, seed) for seed in asked.seeds} for name in [*variants, *ROWS]}
    print(table({name: {seed: run for seed, run in its.items() if done(run)} for name, its in there.items()}))


def place(folder: Path, name: str, seed: int) -> Path:
    """Where a variant lies."""
    slug = re.sub(r"\W+", "-", name)
    return folder / f"{slug}-{seed}"


def done(run: Path) -> bool:
    """Whether a variant was judged."""
    return (run / "tables.md").exists()


def train(run: Path, words: list[str]) -> None:
    """One variant, unless it is there."""
    if done(run):
        return
    tripel = [sys.executable, "-m", "tripel"]
    if (run / "metrics.jsonl").exists():
        subprocess.run([*tripel, "resume", str(run)], check=True)
    else:
        config = str(ROOT / "configs" / "bc5cdr_fast.yaml")
        subprocess.run([*tripel, "train", config, *words, "--output", str(run)], check=True)


def table(runs: dict[str, dict[int, Path]]) -> Table:
    """Accuracies on dev, what each variant gains over the one as configured, and what it costs."""
    first = next(iter(runs[BASE].values()))
    recipe = tasks.read_recipe(first)
    assert isinstance(recipe, Recipe)
    found = ground(recipe, first)
    truth = right(found, "dev")
    base = {seed: Answers(run, truth, found) for seed, run in runs[BASE].items()}
    columns = ["variant", "seeds", "best row @1", "gain", "p", "wholes @1", "gain", "p", "@64"]
    columns += [f"wholes, {what}" for bucket in BUCKETS for what in (f"{bucket} clusters", "gain", "p")]
    columns += ["training, s", "mentions/s, best row", "wholes"]
    rows = []
    for name, its in runs.items():
        if not (seeds := [seed for seed in its if seed in base]):
            continue
        answers = base if name == BASE else {seed: Answers(its[seed], truth, found) for seed in seeds}
        one, other = ([found[seed] for seed in seeds] for found in (answers, base))
        cells = [name, str(len(seeds)), *compared(one, other, BEST), *compared(one, other, TRAINED)]
        cells.append(percent(float(np.mean([its.hits(BEST, k=64) for its in one]))))
        cells += [cell for bucket in BUCKETS for cell in compared(one, other, TRAINED, bucket=bucket)]
        cells += [f"{np.mean([its.costs[what] for its in one]):.0f}" for what in COSTS]
        rows.append(cells)
    return Table(columns, rows)


class Answers:
    """What one run said of dev, and what it cost."""

    def __init__(self, run: Path, truth: Gold, found: Ground) -> None:
        self.truth = truth
        self.rank = {
            system: ranks(predictions.read(run / "predictions" / f"dev-{system}-{FULL}.jsonl")[1], truth, kb=found.kb)
            for system in (BEST, TRAINED)
        }
        seconds = [line["seconds"] for line in read_lines(run / "speed.jsonl") if "seconds" in line]
        self.costs = {"training": max(seconds, default=0), **read_json(run / "speeds" / "dev.json")}

    def hits(self, system: str, *, k: int = 1) -> NDArray[np.float64]:
        """Whether each mention was right among the first k [M]."""
        return metrics.hits(self.rank[system], k=k)


def compared(one: list[Answers], other: list[Answers], system: str, *, bucket: str = "") -> tuple[str, str, str]:
    """accuracy@1 meant over seeds, what the first gains over the other and its p; nothing of the last two for the same."""
    mentions = one[0].truth.mentions
    where_M = np.array([bucket in ("", mention.slices["training clusters"]) for mention in mentions])
    document_M = np.unique([mention.key[0] for mention in mentions], return_inverse=True)[1]
    one_M, other_M = (np.mean([its.hits(system) for its in found], axis=0)[where_M] for found in (one, other))
    if one[0] is other[0]:
        return percent(float(one_M.mean())), "", ""
    gain = metrics.paired(one_M, other_M, document_M[where_M], seed=42)
    return (
        percent(float(one_M.mean())),
        f"{100 * gain.difference:+.1f} [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]",
        f"{gain.p:.4f}",
    )


def percent(share: float) -> str:
    """78.4"""
    return f"{100 * share:.1f}"


if __name__ == "__main__":
    main()
