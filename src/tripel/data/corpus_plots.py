"""The counts of a corpus as a picture, and its numbers as CSV beside it. It counts nothing."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tripel.data.counts import Histogram, SplitCounts
from tripel.files import replacing

# Okabe and Ito: told apart by eyes of every kind, and in grey by their markers
STYLES = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"))
SIZE = (10.0, 4.2)  # inches, two panels side by side
COLUMNS = ("split", "counted", "count_per_entity", "entities")


def draw(splits: Mapping[str, SplitCounts], *, name: str, folder: Path) -> tuple[Path, Path]:
    """Mentions and clusters per entity on logarithmic axes: one PNG, one CSV. Returns their paths."""
    picture, numbers = folder / f"{name}_per_entity.png", folder / f"{name}_per_entity.csv"
    figure = Figure(figsize=SIZE, layout="constrained")
    FigureCanvasAgg(figure)
    for place, what in enumerate(("mentions", "clusters"), 1):
        axes = figure.add_subplot(1, 2, place)
        for (split, counts), (colour, marker) in zip(splits.items(), STYLES, strict=False):
            histogram = _histogram(counts, what)
            label = f"{split} (N = {counts.entities:,} entities)"
            axes.plot(list(histogram), list(histogram.values()), marker, ms=4, color=colour, label=label)
        axes.set(xscale="log", yscale="log", xlabel=f"{what} per entity", ylabel="entities", title=f"{name}: {what}")
        axes.grid(True, which="major", alpha=0.3)
        axes.legend(frameon=False)
    with replacing(picture) as part:
        figure.savefig(part, format="png", dpi=150)
    with replacing(numbers) as part, part.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([COLUMNS, *_rows(splits)])
    return picture, numbers


def _rows(splits: Mapping[str, SplitCounts]) -> Iterator[tuple[str, str, int, int]]:
    for split, counts in splits.items():
        for what in ("mentions", "clusters"):
            for value, entities in _histogram(counts, what).items():
                yield split, what, value, entities


def _histogram(counts: SplitCounts, what: str) -> Histogram:
    return counts.mentions_per_entity if what == "mentions" else counts.clusters_per_entity
