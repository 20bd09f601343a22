"""What each part of training is worth: one thing changed at a time, judged on dev, with paired tests on the same mentions.

    TRIPEL_DATA=... python scripts/benchmarks/ablation.py runs/ablation [--only NAME ...] [--names RUN] [section.key=value ...]

BC5CDR's diseases against MEDIC, learnt on train, so that a variant takes minutes: what is true of them need not be true of all.
Each variant is a run in the folder; called again, what is done is not done again. `--names` is a self-aligned encoder. The last
variants learn nothing: the encoder as configured, with other rows in its index.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from tripel import predictions, tasks
from tripel.evaluation import Scores, compare, evaluate
from tripel.files import read_json, read_lines
from tripel.gold import Gold
from tripel.judging import BEST, FULL, TRAINED, right
from tripel.preparing import Ground, ground
from tripel.recipe import Recipe
from tripel.tables import Table, percent

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


def main() -> None:
    """Train what is missing, then print the table of what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="variants, by the beginning of their names")
    parser.add_argument("--names", type=Path, help="a run that learnt names alone")
    parser.add_argument("--table", action="store_true", help="train nothing")
    asked, words = parser.parse_known_args()
    variants = VARIANTS | ({ALIGNED: (f"encoder.model={asked.names}",)} if asked.names else {})
    again = (f"encoder.model={place(asked.folder, BASE)}", "trainer.epochs=0")
    variants |= {name: (*again, f"index.rows={rows}") for name, rows in ROWS.items()}
    chosen = [name for name in variants if not asked.only or name == BASE or any(map(name.startswith, asked.only))]
    for name in chosen if not asked.table else ():
        train(place(asked.folder, name), [*GROUND, *variants[name], *words])
    there = {name: place(asked.folder, name) for name in variants}
    print(table({name: run for name, run in there.items() if done(run)}))


def place(folder: Path, name: str) -> Path:
    """Where a variant lies."""
    return folder / re.sub(r"\W+", "-", name)


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


def table(runs: dict[str, Path]) -> Table:
    """Accuracies on dev, what each variant gains over the one as configured, and what it costs."""
    recipe = tasks.read_recipe(runs[BASE])
    assert isinstance(recipe, Recipe)
    found = ground(recipe, runs[BASE])
    truth = right(found, "dev")
    columns = [
        "variant",
        "best row @1",
        "gain",
        "p",
        "wholes @1",
        "gain",
        "p",
        "@64",
        "unseen",
        "1-2 clusters",
        "training, s",
        "mentions/s, best row",
        "wholes",
    ]
    rows = []
    for name, run in runs.items():
        cells = [name]
        for system in (BEST, TRAINED):
            said = predictions.read(run / "predictions" / f"dev-{system}-{FULL}.jsonl")[1]
            base = predictions.read(runs[BASE] / "predictions" / f"dev-{system}-{FULL}.jsonl")[1]
            scores = judged(said, truth, found)
            gain = compare(said, base, truth, kb=found.kb, seed=recipe.trainer.seed)
            told = f"{100 * gain.difference:+.1f} [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]"
            cells += [percent(scores.linkable.accuracy[1]), *(("", "") if name == BASE else (told, f"{gain.p:.4f}"))]
        clusters = scores.slices["training clusters"]
        cells += [percent(scores.linkable.accuracy[64]), percent(clusters["0"]), percent(clusters["1-2"])]
        seconds = [line["seconds"] for line in read_lines(run / "speed.jsonl") if "seconds" in line]
        speed = read_json(run / "speeds" / "dev.json")
        rows.append([*cells, f"{max(seconds, default=0):.0f}", f"{speed[BEST]:.0f}", f"{speed[TRAINED]:.0f}"])
    return Table(columns, rows)


def judged(said: list[predictions.Prediction], truth: Gold, found: Ground) -> Scores:
    """Scores on dev."""
    return evaluate(said, truth, kb=found.kb, system=TRAINED, protocol=FULL, seed=42)


if __name__ == "__main__":
    main()
