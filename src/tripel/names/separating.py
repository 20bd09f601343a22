"""Encoders against each other on the same pairs of synonyms: a table, and two pictures each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from tripel.encoding.encode import entity_vectors
from tripel.encoding.encoder import Encoder
from tripel.encoding.similarity import cosine
from tripel.files import write_json, write_text
from tripel.names import separation_plots
from tripel.names.pair_files import NamePair
from tripel.names.separation import Separation, measure
from tripel.reports import tables

MOST = 3_000  # pairs: all cosines of 20,000 would need 10 GB
DRAWN = 10  # pairs in a heatmap
COLUMNS = ("model", "POS_MEAN", "POS_SD", "NEG_MEAN", "NEG_SD", "DIFF", "overlap", "NEG_MEAN*", "NEG_SD*", "DIFF*")
NOTE = (
    "Cosines of synonyms (POS) and of each first name with the second names of other pairs (NEG): {pairs}. overlap is"
    " the area under both fitted normal curves. Columns with * are as KGNEL computed them, zeros of the upper triangle among"
    " the negatives."
)


def separate(encoders: dict[str, Encoder], pairs: Sequence[NamePair], folder: Path) -> str:
    """Measure and draw each encoder, all on the same pairs. Gives the table as Markdown, which is written to the folder, too."""
    few = _some(pairs)
    measured = {name: _one(name, encoder, few, folder) for name, encoder in encoders.items()}
    write_json(folder / "separation.json", {name: asdict(one) for name, one in measured.items()})
    rows = [[name, *(f"{value:.3f}" for value in _figures(one))] for name, one in measured.items()]
    said = (
        f"{len(few):,} of {len(pairs):,} pairs, drawn at random" if len(few) < len(pairs) else f"{len(pairs):,} pairs"
    )
    text = f"{NOTE.format(pairs=said)}\n\n{tables.Table(COLUMNS, rows)}"
    write_text(folder / "separation.md", text + "\n")
    return text


def _some(pairs: Sequence[NamePair]) -> Sequence[NamePair]:
    """All pairs, or as many as are measured at most: always the same ones, in their order."""
    if len(pairs) <= MOST:
        return pairs
    return [pairs[i] for i in np.sort(np.random.default_rng(42).choice(len(pairs), size=MOST, replace=False))]


def _figures(one: Separation) -> tuple[float, ...]:
    return (
        one.positive_mean,
        one.positive_sd,
        one.negative_mean,
        one.negative_sd,
        one.difference,
        one.overlap,
        one.published_mean,
        one.published_sd,
        one.published_difference,
    )


def _one(name: str, encoder: Encoder, pairs: Sequence[NamePair], folder: Path) -> Separation:
    first_ND, second_ND = (
        torch.from_numpy(entity_vectors(encoder, texts))
        for texts in ([pair.anchor for pair in pairs], [pair.positive for pair in pairs])
    )
    cosine_NN = cosine(first_ND, second_ND).numpy()
    ids = [pair.entity for pair in pairs]
    concept_N = np.unique(np.array(ids), return_inverse=True)[1]
    measured = measure(cosine_NN, concept_N)
    below = np.tril(concept_N[:, None] != concept_N[None, :], k=-1)
    separation_plots.distributions(
        np.diag(cosine_NN),
        cosine_NN[below],
        title=f"{name}: overlap {measured.overlap:.3f}",
        path=folder / f"dist-{name}.png",
    )
    few = np.sort(np.unique(concept_N, return_index=True)[1])[:DRAWN]  # of different concepts
    separation_plots.heatmap(
        cosine_NN[np.ix_(few, few)],
        [pairs[i].anchor for i in few],
        [pairs[i].positive for i in few],
        title=name,
        path=folder / f"heat-{name}.png",
    )
    return measured
