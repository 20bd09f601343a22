"""Scores as tables, and a table as Markdown or LaTeX. Nothing is counted here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tripel.judging.end_to_end import LOST, EndToEnd
from tripel.judging.evaluation import AT, OUTCOMES, Scores
from tripel.judging.metrics import Estimate, Paired
from tripel.judging.trust import Trust

MARKS = {"**": 0.01, "*": 0.05}  # of cells, by the p below which they stand
UNMARKED: Mapping[str, Any] = {}
NAMED = {
    "\\": "backslash",
    "<": "less",
    ">": "greater",
    "|": "bar",
    "^": "asciicircum",
    "~": "asciitilde",
}
LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {character: rf"\text{name}{{}}" for character, name in NAMED.items()}
)


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows of words; `str` gives Markdown, padded so that the source reads as well as the page."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        lines = [[cell.replace("|", r"\|") for cell in line] for line in (self.columns, *self.rows)]
        widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(self.columns))]
        said = [
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
            for line in lines
        ]
        return "\n".join([said[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *said[1:]])

    def latex(self) -> str:
        """A tabular with the rules of booktabs: words to the left, figures to the right."""
        cells = list(zip(self.columns, *self.rows, strict=True))
        sides = ("r" if number and all(map(_is_figure, its[1:])) else "l" for number, its in enumerate(cells))
        head, *body = (
            " & ".join(cell.translate(LATEX) for cell in line) + r" \\" for line in [self.columns, *self.rows]
        )
        lines = [rf"\begin{{tabular}}{{{''.join(sides)}}}", r"\toprule", head, r"\midrule", *body, r"\bottomrule"]
        return "\n".join([*lines, r"\end{tabular}"])


def _is_figure(cell: str) -> bool:
    """78.4 [77.0, 79.9]**, +1.2, 0.873 (0.102), 9,718, or nothing."""
    return not cell.strip("0123456789.,+-*%[]() ")


def main(scores: Sequence[Scores]) -> str:
    """What the figures are about, accuracies, and what became of the mentions, as Markdown."""
    return f"{counted(scores[0])}\n\n{accuracies(scores)}\n\n{outcomes(scores)}\n\n{styles(scores)}"


def accuracies(scores: Sequence[Scores], *, against: Mapping[str, Paired] = UNMARKED) -> Table:
    """accuracy@k, MRR and macro accuracy of systems on the same mentions, over linkable and over in-KB mentions.

    against: how the first system compares with each other one, whose accuracy@1 is marked where they differ.
    """
    columns = ["system", "protocol", *(f"@{k}" for k in AT), "MRR", "macro @1", "strict @1", "in-KB @1"]
    rows = [
        [
            one.system,
            one.protocol,
            with_interval(one.linkable.accuracy[1]) + mark(against.get(one.system)),
            *(with_interval(one.linkable.accuracy[k]) for k in AT[1:]),
            *map(with_interval, (one.linkable.mrr, one.linkable.macro, one.linkable.strict, one.known.accuracy[1])),
        ]
        for one in scores
    ]
    return Table(columns, rows)


def styles(scores: Sequence[Scores]) -> Table:
    """accuracy@1 as other benchmarks count, with N."""
    columns = [f"{name} ({scores[0].styles[name].n:,})" for name in scores[0].styles]
    rows = [[one.system, one.protocol, *map(with_interval, one.styles.values())] for one in scores]
    return Table(["system", "protocol", *columns], rows)


def outcomes(scores: Sequence[Scores]) -> Table:
    """What became of the mentions, in % of all linkable ones; columns in which all is 0 are left out."""
    columns = [name for name in OUTCOMES if any(one.outcomes[name].count for one in scores)]
    rows = [[one.system, one.protocol, *(with_interval(one.outcomes[name]) for name in columns)] for one in scores]
    return Table(["system", "protocol", *columns], rows)


def counted(one: Scores) -> str:
    """What the figures are about, and what was left out of them."""
    counts, leakage = one.counts, one.leakage
    return (
        f"accuracy in % over {one.linkable.n:,} linkable mentions of {counts.documents:,} documents, 95 % interval by"
        f" bootstrap over documents. {counts.unlinkable:,} mentions have no id and are not judged; of {counts.outside:,} the"
        f" entity is outside the knowledge base (errors; `in-KB` leaves them out, N = {one.known.n:,}); {counts.composite:,}"
        f" have several ids. Leakage: training has {leakage.documents:,} of the documents, and {leakage.surfaces:,} of the"
        f" {leakage.of_surfaces:,} distinct surface forms that their mentions have."
    )


def slices(scores: Sequence[Scores], *, against: Mapping[str, Mapping[str, Mapping[str, Paired]]] = UNMARKED) -> Table:
    """accuracy@1 by slice, a column for each system; N beside the slice.

    against: how the first system compares with each other one within each slice, by heading; cells that differ are marked.
    """
    columns = ["", "slice", "N", *(one.system for one in scores)]
    rows: list[list[str]] = []
    for heading, found in scores[0].slices.items():
        for number, (slice, figure) in enumerate(found.items()):
            cells = [
                with_interval(one.slices[heading][slice])
                + mark(against[one.system][heading][slice] if one.system in against else None)
                for one in scores
            ]
            rows.append([heading if not number else "", slice, f"{figure.n:,}", *cells])
    return Table(columns, rows)


def found(judged: Sequence[EndToEnd]) -> str:
    """Precision, recall and F1 of systems that found the mentions themselves, and where the others were lost, as Markdown."""
    return f"{matched(judged)}\n\n{lost(judged)}"


def matched(judged: Sequence[EndToEnd]) -> Table:
    """Precision, recall and F1, strong and weak; of strong recall what is left where all ids of a mention are wanted."""
    columns = ["system", *(f"{match} {kind}" for match in ("strong", "weak") for kind in ("precision", "recall", "F1"))]
    rows = [
        [
            one.system,
            *map(with_interval, (one.strong.precision, one.strong.recall, one.strong.f1)),
            *map(with_interval, (one.weak.precision, one.weak.recall, one.weak.f1)),
            with_interval(one.strict),
        ]
        for one in judged
    ]
    return Table([*columns, "strong recall, all ids"], rows)


def lost(judged: Sequence[EndToEnd]) -> Table:
    """What became of the linkable mentions; columns in which all is 0 are left out."""
    columns = [name for name in LOST if any(one.lost[name].count for one in judged)]
    rows = [[one.system, *(with_interval(one.lost[name]) for name in columns)] for one in judged]
    return Table(["% of linkable mentions", *columns], rows)


def recalled(systems: Mapping[str, Mapping[str, Estimate]]) -> Table:
    """Strong recall by slice, a row for each system; N beside each."""
    slices = list(dict.fromkeys(slice for its in systems.values() for slice in its))
    rows = [
        [name, *(cell for slice in slices for cell in (with_interval(its[slice]), f"{its[slice].n:,}"))]
        for name, its in systems.items()
    ]
    return Table(["system", *(cell for slice in slices for cell in (slice, "N"))], rows)


def trust(its: Trust) -> str:
    """How far probabilities can be trusted, and what thresholds that were chosen on dev give here, as Markdown."""
    return f"{trusted(its)}\n\n{thresholds(its)}"


def trusted(its: Trust) -> str:
    """What the table of thresholds is of."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in its.kinds.items())
    return (
        f"probabilities of the best candidates of all {its.n:,} mentions, {its.nil:,} of them NIL:"
        f" {kinds or 'without an id, or with one outside the knowledge base'}. Expected calibration error"
        f" {with_interval(its.error)} %, mean risk over all coverages {with_interval(its.area)} %. In % of links given, of"
        f" mentions, of mentions said to be NIL, and of those that are{', in all and by kind' if its.kinds else ''}:"
    )


def thresholds(its: Trust) -> Table:
    """What thresholds that were chosen on dev give; how many of the mentions that are NIL are found, by the reason, too."""
    columns = ["threshold for", "threshold", "links right", "mentions linked", "NIL right", "NIL found", *its.kinds]
    rows = [
        [
            one.name,
            f"{one.threshold:.2f}",
            *map(with_interval, (one.precision, one.coverage, one.nil_precision, one.nil_recall)),
            *(with_interval(one.nil_found[kind]) for kind in its.kinds),
        ]
        for one in its.points
    ]
    return Table(columns, rows)


def gains(compared: Mapping[str, Paired], *, of: str = "accuracy@1, full knowledge base") -> Table:
    """What one system gained over others on the same mentions."""
    rows = [[name, *_gain(it)] for name, it in compared.items()]
    return Table([of, "points", "p", "N"], rows)


def gains_by_slice(compared: Mapping[str, Mapping[str, Paired]]) -> Table:
    """The same within each slice."""
    rows = [
        [heading if not number else "", slice, *_gain(it)]
        for heading, found in compared.items()
        for number, (slice, it) in enumerate(found.items())
    ]
    return Table(["", "slice", "points", "p", "N"], rows)


def mark(it: Paired | None) -> str:
    """One of MARKS where two systems differ; nothing where they do not, or were not compared."""
    return next((sign for sign, p in MARKS.items() if it is not None and it.p < p), "")


def legend(first: str) -> str:
    """What marks say."""
    signs = ", ".join(f"{sign} p < {p:g}" for sign, p in reversed(MARKS.items()))
    return (
        f"{signs}: differs from {first} on the same mentions, by sign flips over documents; each p alone, not corrected for how"
        " many cells there are"
    )


def percent(figure: Estimate) -> str:
    """78.4, and of no mention -"""
    return f"{100 * figure.value:.1f}" if figure.n else "-"


def with_interval(figure: Estimate) -> str:
    """78.4 [77.0, 79.9], and of no mention -"""
    return percent(figure) if not figure.n else f"{percent(figure)} [{100 * figure.low:.1f}, {100 * figure.high:.1f}]"


def _gain(it: Paired) -> list[str]:
    return [f"{100 * it.difference:+.1f} [{100 * it.low:+.1f}, {100 * it.high:+.1f}]", f"{it.p:.4f}", f"{it.n:,}"]
