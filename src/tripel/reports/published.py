"""Figures that others published, each with its protocol: to stand beside ours, and to be compared only within one protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tripel.reports.tables import Table


@dataclass(frozen=True, slots=True)
class Published:
    """A figure in %: accuracy@1 on gold mentions, or of PIPELINES F1 on plain texts."""

    corpus: str
    system: str
    figure: float
    protocol: str
    seen_in: str


FIGURES = (
    Published("bc5cdr", "arboEL, cross-encoder", 92.1, "BioEL benchmark", "BioEL notebooks"),
    Published("bc5cdr", "BioGenEL", 90.9, "BioEL benchmark", "BioEL notebooks"),
    Published("bc5cdr", "SapBERT", 88.3, "BioEL benchmark", "BioEL notebooks"),
    Published("bc5cdr", "arboEL, bi-encoder", 87.6, "BioEL benchmark", "BioEL notebooks"),
    Published("bc5cdr", "scispaCy", 78.0, "BioEL benchmark", "BioEL notebooks"),
    Published("bc5cdr", "BioBART + ANGEL", 94.7, "lenient", "its tables"),
    Published("bc5cdr", "BELXTR", 92.9, "strict, BELB", "its tables"),
    Published("bc5cdr", "SapBERT in BioSyn", 93.5, "diseases, BioSyn protocol", "tables of ANGEL and BELXTR"),
    Published("bc5cdr", "SapBERT in BioSyn", 96.6, "chemicals, BioSyn protocol", "tables of ANGEL and BELXTR"),
    Published(
        "medmentions", "arboEL, dual encoder", 72.19, "ST21pv, UMLS subset of 2.33 M entities", "its leaderboard"
    ),
    Published(
        "medmentions", "arboEL, cross-encoder", 75.73, "ST21pv, UMLS subset of 2.33 M entities", "its leaderboard"
    ),
    Published("medmentions", "LongBEL-8B, ensemble", 80.0, "ST21pv, gold semantic group given", "its README"),
    Published("medmentions", "BELHD", 70.58, "MedMentions, strict, BELB", "BELXTR tables"),
    Published("medmentions", "BELXTR", 69.47, "MedMentions, strict, BELB", "BELXTR tables"),
    Published("medmentions", "arboEL", 68.67, "MedMentions, strict, BELB", "BELXTR tables"),
    Published("medmentions", "SapBERT", 63.7, "ST21pv, BioEL benchmark", "BioEL notebooks"),
    Published("medmentions", "scispaCy", 57.2, "ST21pv, BioEL benchmark", "BioEL notebooks"),
    Published("medmentions", "MetaMap", 56.8, "ST21pv, BioEL benchmark", "BioEL notebooks"),
    Published("medmentions", "MedLinker", 52.1, "ST21pv, BioEL benchmark", "BioEL notebooks"),
    Published("medmentions", "TrainX, exact kNN", 63.2, "ST21pv, 25,419 concepts", "its Table 1"),
    Published("medmentions", "TrainX, exact kNN", 50.3, "ST21pv, 25,419 concepts, zero-shot", "its Table 1"),
    Published("medmentions", "TrainX, BM25", 40.9, "ST21pv, 25,419 concepts", "its Table 1"),
    Published("medmentions", "TrainX, exact kNN", 44.4, "ST21pv, full UMLS", "its Table 1"),
    Published("medmentions", "TrainX, exact kNN", 26.5, "ST21pv, full UMLS, zero-shot", "its Table 1"),
    Published("medmentions", "TrainX, BM25", 21.7, "ST21pv, full UMLS", "its Table 1"),
)

PIPELINES = (
    Published("medmentions", "TrainX, Flair + bi-encoder", 46.5, "ST21pv, 25,419 concepts", "its Table 1"),
    Published("medmentions", "TrainX, Flair + bi-encoder", 31.5, "ST21pv, 3.6 M concepts", "its Table 1"),
)
"""Mentions found and linked."""


def beside(corpus: str) -> Table | None:
    """accuracy@1 on a corpus, best first; None where nothing is known."""
    return _table(FIGURES, corpus, "@1")


def beside_pipelines(corpus: str) -> Table | None:
    """F1 on its plain texts, best first; None where nothing is known."""
    return _table(PIPELINES, corpus, "F1")


def _table(figures: Sequence[Published], corpus: str, measure: str) -> Table | None:
    its = sorted((one for one in figures if one.corpus == corpus), key=lambda one: -one.figure)
    rows = [[one.system, f"{one.figure:g}", one.protocol, one.seen_in] for one in its]
    return Table(["system", measure, "protocol", "seen in"], rows) if its else None
