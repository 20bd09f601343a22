"""Pictures of score separation and of synonyms: two distributions with fitted normals, a small heatmap, a histogram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tripel.reports.plots import STYLES, finish, sheet, write

BINS = 40
SHOWN = 24  # characters of a name on an axis


def distributions(positive: NDArray[Any], negative: NDArray[Any], *, title: str, path: Path) -> Path:
    """Histograms of the cosines of synonyms and of other names, a normal fitted to each; gives the PNG."""
    figure, (axes,) = sheet(1)
    edges = np.linspace(min(positive.min(), negative.min(), 0.0), 1.0, BINS + 1)
    grid = np.linspace(edges[0], edges[-1], 400)
    rows: list[tuple[object, ...]] = []
    for (name, values), (colour, *_), hatch in zip(
        {"synonyms": positive, "other names": negative}.items(), STYLES, ("", "//"), strict=False
    ):
        density, _ = np.histogram(values, edges, density=True)
        axes.stairs(
            density, edges, fill=True, color=colour, alpha=0.35, hatch=hatch, label=f"{name} (n = {len(values):,})"
        )
        if values.std() > 0:
            fitted = NormalDist(float(values.mean()), float(values.std()))
            axes.plot(grid, [fitted.pdf(x) for x in grid], color=colour, ls="-" if name == "synonyms" else "--")
        rows += [(name, low, high, value) for low, high, value in zip(edges[:-1], edges[1:], density, strict=True)]
    axes.set(xlabel="cosine similarity", ylabel="density", title=title)
    finish(axes)
    return write(figure, path, ("kind", "from", "to", "density"), rows)


def heatmap(cosine_NN: NDArray[Any], first: Sequence[str], second: Sequence[str], *, title: str, path: Path) -> Path:
    """Cosines of first names with second ones on and below the diagonal, each cell with its figure; gives the PNG."""
    figure, (axes,) = sheet(1, width=8.4, height=7.0)
    count = len(first)
    seen = np.where(np.tril(np.ones_like(cosine_NN, bool)), cosine_NN, np.nan)
    image = axes.imshow(seen, cmap="Blues", vmin=min(0.0, float(np.nanmin(seen))), vmax=1.0)
    figure.colorbar(image, ax=axes, label="cosine similarity", shrink=0.8)
    for i in range(count):
        for j in range(i + 1):
            colour = "white" if seen[i, j] > 0.6 else "black"
            axes.text(j, i, f"{seen[i, j]:.2f}", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(count), [_short(name) for name in second], rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(count), [_short(name) for name in first], fontsize=8)
    axes.set(xlabel="RHS synonym", ylabel="LHS synonym", title=title)
    rows = [(first[i], second[j], seen[i, j]) for i in range(count) for j in range(i + 1)]
    return write(figure, path, ("first", "second", "cosine"), rows)


def names_a_concept(counts: Mapping[int, int], *, title: str, path: Path) -> Path:
    """How many concepts have so many names, both on a logarithmic scale; gives the PNG."""
    figure, (axes,) = sheet(1)
    axes.scatter(list(counts), list(counts.values()), s=14, color=STYLES[0][0])
    axes.set(xscale="log", yscale="log", xlabel="names of a concept", ylabel="concepts", title=title)
    finish(axes)
    return write(figure, path, ("names", "concepts"), sorted(counts.items()))


def _short(name: str) -> str:
    return name if len(name) <= SHOWN else f"{name[: SHOWN - 1]}…"
