"""Pictures of how much scores can be trusted, one for several systems each. Nothing is counted here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tripel.judging.calibration import Reliability, RiskCoverage
from tripel.judging.metrics import Estimate
from tripel.reports.plots import STYLES, finish, sheet, write

BINS = 40
POINTS = 500  # of a curve


def risk_coverage(systems: Mapping[str, RiskCoverage], *, title: str, path: Path) -> Path:
    """How many of the links given are wrong, over the share of links given; gives the PNG."""
    figure, axes = sheet(1)
    drawn = {name: _thinned(curve) for name, curve in systems.items()}
    for (name, (coverage, risk)), (colour, marker, line) in zip(drawn.items(), STYLES, strict=False):
        label = f"{name} (area {100 * systems[name].area:.1f} %)"
        curve = axes[0].plot(100 * coverage, 100 * risk, color=colour, ls=line, label=label)
        curve[0].set(marker=marker, markevery=0.1, markersize=5)
    axes[0].set(xlabel="links given, surest first (%)", ylabel="wrong among them (%)", title=title, ylim=(0, None))
    finish(axes[0])
    rows = [
        (name, *point)
        for name, (coverage, risk) in drawn.items()
        for point in zip(coverage.tolist(), risk.tolist(), strict=True)
    ]
    return write(figure, path, ("system", "coverage", "risk"), rows)


def _thinned(curve: RiskCoverage) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most POINTS of a curve, the first and the last among them."""
    kept = np.unique(np.linspace(0, len(curve.risk_M) - 1, min(POINTS, len(curve.risk_M))).round().astype(np.int64))
    return curve.coverage_M[kept], curve.risk_M[kept]


def speed(accuracy: Mapping[str, Estimate], speeds: Mapping[str, float], *, title: str, path: Path) -> Path:
    """accuracy@1 with its interval over mentions linked in a second; gives the PNG."""
    figure, axes = sheet(1)
    for (name, its), (colour, marker, _) in zip(accuracy.items(), STYLES, strict=False):
        error = [[100 * (its.value - its.low)], [100 * (its.high - its.value)]]
        axes[0].errorbar(speeds[name], 100 * its.value, error, fmt=marker, color=colour, capsize=3, label=name)
    axes[0].set(xscale="log", xlabel="mentions a second", ylabel="accuracy@1 (%), 95 % interval", title=title)
    finish(axes[0])
    rows = [(name, speeds[name], its.value, its.low, its.high) for name, its in accuracy.items()]
    return write(figure, path, ("system", "mentions_per_second", "accuracy", "low", "high"), rows)


def reliability(systems: Mapping[str, Reliability], *, title: str, path: Path) -> Path:
    """How often a link is right, over the probability that was said; gives the PNG."""
    figure, axes = sheet(1)
    axes[0].plot([0, 1], [0, 1], color="grey", lw=1, ls="--", label="as said")
    for (name, its), (colour, marker, line) in zip(systems.items(), STYLES, strict=False):
        label = f"{name} (ECE {100 * its.error:.1f} %)"
        axes[0].plot(its.said_B, its.true_B, marker=marker, color=colour, ls=line, label=label)
    axes[0].set(xlabel="probability said", ylabel="share that is right", title=title, xlim=(0, 1), ylim=(0, 1))
    finish(axes[0])
    rows = [
        (name, *row)
        for name, its in systems.items()
        for row in zip(its.said_B.tolist(), its.true_B.tolist(), its.count_B.tolist(), strict=True)
    ]
    return write(figure, path, ("system", "said", "true", "n"), rows)


def scores(right: NDArray[np.float64], wrong: NDArray[np.float64], *, title: str, path: Path) -> Path:
    """Scores of the first candidate where it is right and where it is wrong; gives the PNG."""
    figure, axes = sheet(1)
    edges = np.histogram_bin_edges(np.concatenate([right, wrong]), bins=BINS)
    counted = {
        name: np.histogram(values, bins=edges, density=True)[0] if len(values) else np.zeros(BINS)
        for name, values in (("right", right), ("wrong", wrong))
    }
    for (name, density), (colour, *_), hatch in zip(counted.items(), STYLES, ("", "//"), strict=False):
        axes[0].stairs(density, edges, fill=True, alpha=0.45, color=colour, hatch=hatch, label=name)
    axes[0].set(xlabel="score of the first candidate", ylabel="density", title=title)
    finish(axes[0])
    rows = [
        (name, low, value)
        for name, its in counted.items()
        for low, value in zip(edges[:-1].tolist(), its.tolist(), strict=True)
    ]
    return write(figure, path, ("outcome", "score", "density"), rows)
