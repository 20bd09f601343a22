"""Figures that others published, each with its protocol: to stand beside ours, and to be compared only within one protocol."""

from __future__ import annotations

from dataclasses import dataclass

from tripel.tables import Table


@dataclass(frozen=True, slots=True)
class Published:
    """accuracy@1 on gold mentions, in %."""

    corpus: str
    system: str
    accuracy: float
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
    Published(
        "medmentions", "arboEL, dual encoder", 72.19, "ST21pv, UMLS subset of 2.33 M entities", "its leaderboard"
    ),
    Published(
        "medmentions", "arboEL, cross-encoder", 75.73, "ST21pv, UMLS subset of 2.33 M entities", "its leaderboard"
    ),
    Published("medmentions", "LongBEL-8B, ensemble", 80.0, "ST21pv, gold semantic group given", "its README"),
    Published("medmentions", "BELHD", 70.58, "MedMentions, strict, BELB", "BELXTR tables"),
    Published("medmentions", "SapBERT", 63.7, "ST21pv, BioEL benchmark", "BioEL notebooks"),
    Published("medmentions", "scispaCy", 57.2, "ST21pv, BioEL benchmark", "BioEL notebooks"),
    Published("medmentions", "TrainX, exact kNN", 63.2, "ST21pv, 25,419 concepts", "its Table 1"),
    Published("medmentions", "TrainX, exact kNN", 44.4, "ST21pv, full UMLS", "its Table 1"),
)


def beside(corpus: str) -> Table | None:
    """Those of a corpus, best first; None where none is known."""
    its = sorted((one for one in FIGURES if one.corpus == corpus), key=lambda one: -one.accuracy)
    rows = [[one.system, f"{one.accuracy:g}", one.protocol, one.seen_in] for one in its]
    return Table(["system", "@1", "protocol", "seen in"], rows) if its else None
