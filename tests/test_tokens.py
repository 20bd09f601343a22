"""Tokens and sentences, by hand."""

from __future__ import annotations

import pytest

from tripel.documents import Mention
from tripel.formats.tokens import sentences, tokens


def cut(text: str, *spans: tuple[int, int]) -> list[str]:
    """Each sentence, its tokens joined by blanks."""
    mentions = [Mention(start=start, end=end, text=text[start:end]) for start, end in spans]
    found = tokens(text, mentions)
    return [" ".join(found[at].text for at in sentence) for sentence in sentences(text, found, mentions)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hay fever fell. It rose", ["Hay fever fell .", "It rose"]),
        ("Did it?No! (Yes.)", ["Did it ?", "No ! ( Yes . )"]),
        ("0.5 mg in the U.S. Army, e.g. once", ["0 . 5 mg in the U . S . Army , e . g . once"]),
        ("Fever\nCough", ["Fever", "Cough"]),
        ("חום. כאב", ["חום .", "כאב"]),
        ("🫀+β-blockers", ["🫀 + β - blockers"]),
        ("\ufeffa", ["a"]),
        (" \n", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert cut(text) == expected
    assert [one for whole in expected for one in cut(whole)] == expected


def test_mentions_cut_tokens_and_hold_sentences_together() -> None:
    assert cut("preincubation", (3, 13)) == ["pre incubation"]
    assert cut("Type A.\nBad. Well", (0, 11)) == ["Type A . Bad .", "Well"]
    assert cut("ab", (0, 1), (1, 2)) == ["a b"]
