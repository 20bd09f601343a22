"""Pictures of scores and of training: each a PNG, and a CSV of its numbers beside it. Nothing is counted here."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from tripel.files import replacing
from tripel.judging.metrics import Estimate

# Okabe and Ito: told apart by eyes of every kind, and in grey by their markers
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
PALETTE = 256  # colours that a picture is kept with
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", "--", ":")
STYLES = tuple(
    (colour, MARKERS[(i + turn) % len(MARKERS)], line)
    for turn, line in enumerate(LINES)
    for i, colour in enumerate(COLOURS)
)
INSIDE = 6  # systems that a legend has room for within the axes
GROUPS = {  # panels of the learning curves, each with what it shows
    "loss": ("loss", "triplet"),
    "distance to the entity": ("positive_dist", "negative_dist"),
    "radius": ("mean_radius", "real_mean_radius", "std_radius", "real_std_radius"),
    "in the batch": ("batch_accuracy", "triplet_accuracy", "positive_similarity", "inside_radius"),
    "hard pairs": ("hard_positives", "hard_negatives", "without_hard_pair"),
    "accuracy@1 on dev": ("val_accuracy",),
    "learning rate": ("lr",),
}


def accuracy_curves(systems: Mapping[str, Mapping[int, float]], *, n: int, title: str, path: Path) -> Path:
    """accuracy@k of each system over k; gives the PNG."""
    figure, axes = sheet(1)
    for (name, curve), (colour, marker, line) in zip(systems.items(), STYLES, strict=False):
        values = [100 * value for value in curve.values()]
        axes[0].plot(list(curve), values, marker=marker, color=colour, ls=line, label=name)
    axes[0].set(xscale="log", xlabel="k", ylabel="accuracy@k (%)", title=f"{title} (N = {n:,} mentions)")
    ticks = sorted({k for curve in systems.values() for k in curve})
    axes[0].set_xticks(ticks, [str(k) for k in ticks])
    axes[0].minorticks_off()
    finish(axes[0])
    rows = [(name, k, value) for name, curve in systems.items() for k, value in curve.items()]
    return write(figure, path, ("system", "k", "accuracy"), rows)


def by_bucket(systems: Mapping[str, Mapping[str, Estimate]], *, title: str, xlabel: str, path: Path) -> Path:
    """accuracy@1 of each system in each bucket with its interval, N under the bucket; gives the PNG."""
    figure, axes = sheet(1)
    buckets = list(dict.fromkeys(bucket for points in systems.values() for bucket in points))
    for number, ((name, points), (colour, marker, _)) in enumerate(zip(systems.items(), STYLES, strict=False)):
        shift = (number - (len(systems) - 1) / 2) * min(0.12, 0.8 / len(systems))
        at = [buckets.index(bucket) + shift for bucket in points]
        values = [100 * point.value for point in points.values()]
        errors = [
            [100 * (p.value - p.low) for p in points.values()],
            [100 * (p.high - p.value) for p in points.values()],
        ]
        axes[0].errorbar(at, values, yerr=errors, fmt=marker, color=colour, capsize=3, label=name)
    counts = {bucket: points[bucket].n for points in systems.values() for bucket in points}
    axes[0].set_xticks(range(len(buckets)), [f"{bucket}\nN = {counts[bucket]:,}" for bucket in buckets])
    axes[0].set(xlabel=xlabel, ylabel="accuracy@1 (%), 95 % interval", title=title)
    finish(axes[0])
    rows = [
        (name, bucket, p.n, p.value, p.low, p.high) for name, points in systems.items() for bucket, p in points.items()
    ]
    return write(figure, path, ("system", "bucket", "n", "accuracy", "low", "high"), rows)


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points in two dimensions."""

    title: str
    point_MD: NDArray[np.float64]
    """[M, 2]."""


def clouds(found: Sequence[Cloud], entities: Sequence[str], named_M: NDArray[np.bool_], *, path: Path) -> Path:
    """The same points laid out several times, by entity; names are outlined. Gives the PNG."""
    figure, axes = sheet(len(found))
    figure.set_size_inches(5.5 * len(found), 6.2)
    listed = list(dict.fromkeys(entities))
    for panel, cloud in zip(axes, found, strict=True):
        for number, entity in enumerate(listed):
            colour, marker, _ = STYLES[number % len(STYLES)]
            its_M = np.array([one == entity for one in entities])
            for here_M, edge, size in ((its_M & ~named_M, "none", 22), (its_M & named_M, "black", 46)):
                label = entity if edge == "none" and panel is axes[0] else None
                x, y = cloud.point_MD[here_M].T
                panel.scatter(x, y, s=size, c=colour, marker=marker, edgecolors=edge, alpha=0.75, label=label)
        panel.set(title=cloud.title, xticks=[], yticks=[])
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    rows = [
        (cloud.title, entity, "name" if named else "mention", *point)
        for cloud in found
        for entity, named, point in zip(entities, named_M.tolist(), cloud.point_MD.tolist(), strict=True)
    ]
    return write(figure, path, ("map", "entity", "kind", "x", "y"), rows)


def learning_curves(records: Sequence[Mapping[str, Any]], *, title: str, path: Path) -> Path:
    """What training wrote down, over its steps, one panel for each kind of number that is there; gives the PNG."""
    present = {key for record in records for key in record}
    groups = {name: [key for key in keys if key in present] for name, keys in GROUPS.items()}
    shown = {name: keys for name, keys in groups.items() if keys}
    figure, axes = sheet(len(shown))
    rows: list[tuple[object, ...]] = []
    for panel, (name, keys) in zip(axes, shown.items(), strict=True):
        for key, (colour, marker, _) in zip(keys, STYLES, strict=False):
            points = [(record["step"], record[key]) for record in records if key in record]
            sparse = marker if len(points) < 30 else ""
            panel.plot(*zip(*points, strict=True), color=colour, marker=sparse, ms=4, lw=1.2, label=key)
            rows += [(key, step, value) for step, value in points]
        panel.set(xlabel="step", title=name)
        finish(panel)
    figure.suptitle(title)
    return write(figure, path, ("curve", "step", "value"), rows)


def sheet(panels: int, *, width: float = 7.0, height: float = 4.4) -> tuple[Figure, list[Axes]]:
    """A figure and its panels; width and height in inches are those of a single one."""
    columns = min(3, max(1, panels))
    lines = -(-panels // columns)
    size = (width, height) if panels < 2 else (4.4 * columns, 3.2 * lines)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(lines, columns, place + 1) for place in range(panels)]


def finish(axes: Axes) -> None:
    """A grid, two spines, and a legend where something has a name, beside the axes where many have."""
    axes.grid(True, alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    named = len(axes.get_legend_handles_labels()[0])
    if named > INSIDE:
        axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    elif named:
        axes.legend(frameon=False, fontsize=8)


def write(figure: Figure, path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """The PNG, of 256 colours, a third of the size that all would take, and the CSV beside it; gives the PNG."""
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=150)
    with replacing(path) as part:
        Image.open(drawn).convert("RGB").quantize(PALETTE, dither=Image.Dither.NONE).save(part, "PNG", optimize=True)
    with replacing(path.with_suffix(".csv")) as part, part.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([columns, *rows])
    return path
