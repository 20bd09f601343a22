"""Scores as Markdown tables. Nothing is counted here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tripel.evaluation import AT, OUTCOMES, Scores
from tripel.metrics import Estimate, Paired


def main(scores: Sequence[Scores]) -> str:
    """accuracy@k, MRR and macro accuracy of systems on the same mentions, over linkable and over in-KB mentions."""
    columns = ["system", "protocol", *(f"@{k}" for k in AT), "MRR", "macro @1", "strict @1", "in-KB @1"]
    rows = [
        [
            one.system,
            one.protocol,
            with_interval(one.linkable.accuracy[1]),
            *(percent(one.linkable.accuracy[k]) for k in AT[1:]),
            percent(one.linkable.mrr),
            percent(one.linkable.macro),
            percent(one.linkable.strict),
            percent(one.known.accuracy[1]),
        ]
        for one in scores
    ]
    return f"{counted(scores[0])}\n\n{markdown(columns, rows)}\n\n{outcomes(scores)}"


def outcomes(scores: Sequence[Scores]) -> str:
    """What became of the mentions, in % of all linkable ones; columns in which all is 0 are left out."""
    columns = [name for name in OUTCOMES if any(one.outcomes[name] for one in scores)]
    rows = [
        [one.system, one.protocol, *(f"{100 * one.outcomes[name] / max(1, one.linkable.n):.1f}" for name in columns)]
        for one in scores
    ]
    return markdown(["system", "protocol", *columns], rows)


def counted(one: Scores) -> str:
    """What the figures are about, and what was left out of them."""
    counts, leakage = one.counts, one.leakage
    return (
        f"accuracy in % over {one.linkable.n:,} linkable mentions of {counts.documents:,} documents, 95 % interval by"
        f" bootstrap over documents. {counts.unlinkable:,} mentions have no id and are not judged; of {counts.outside:,} the"
        f" entity is outside the knowledge base (errors; `in-KB` leaves them out, N = {one.known.n:,}); {counts.composite:,}"
        f" have several ids. Of {leakage.of_surfaces:,} distinct surface forms training mentions have"
        f" {leakage.surfaces:,}; training has {leakage.documents:,} of the documents."
    )


def slices(scores: Sequence[Scores]) -> str:
    """accuracy@1 by slice, a column for each system; N beside the slice."""
    columns = ["", "slice", "N", *(one.system for one in scores)]
    rows: list[list[str]] = []
    for heading, found in scores[0].slices.items():
        for number, (slice, figure) in enumerate(found.items()):
            cells = [with_interval(one.slices[heading][slice]) for one in scores]
            rows.append([heading if not number else "", slice, f"{figure.n:,}", *cells])
    return markdown(columns, rows)


def gains(compared: Mapping[str, Paired]) -> str:
    """What one system gained over others on the same mentions."""
    rows = [[name, *_gain(it)] for name, it in compared.items()]
    return markdown(["accuracy@1, full knowledge base", "points", "p", "N"], rows)


def gains_by_slice(compared: Mapping[str, Mapping[str, Paired]]) -> str:
    """The same within each slice."""
    rows = [
        [heading if not number else "", slice, *_gain(it)]
        for heading, found in compared.items()
        for number, (slice, it) in enumerate(found.items())
    ]
    return markdown(["", "slice", "points", "p", "N"], rows)


def _gain(it: Paired) -> list[str]:
    return [f"{100 * it.difference:+.1f} [{100 * it.low:+.1f}, {100 * it.high:+.1f}]", f"{it.p:.4f}", f"{it.n:,}"]


def percent(figure: Estimate) -> str:
    """78.4"""
    return f"{100 * figure.value:.1f}"


def with_interval(figure: Estimate) -> str:
    """78.4 [77.0, 79.9]"""
    return f"{percent(figure)} [{100 * figure.low:.1f}, {100 * figure.high:.1f}]"


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns padded so that the source reads as well as the page."""
    lines = [list(columns), *(list(row) for row in rows)]
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(columns))]
    said = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    return "\n".join([said[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *said[1:]])
