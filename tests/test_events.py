"""The nouns of the log as JSON: what a client may send, what is refused, and that nothing else happens."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripel.annotations.events import KINDS, LONGEST, MOST, Mark, Proposal
from tripel.annotations.predicted import marks
from tripel.documents import Candidate, Document, Link, Linked, Mention

KEY = "0e37df36-f698-11e6-8dd4-cb9ced3df976"
MARK = {"id": "m1", "start": 3, "end": 8}
CANDIDATE = {"entity": "D005334", "score": 0.5}


def proposal(**values: Any) -> dict[str, Any]:
    return {"key": KEY, "kind": "add", "seen": 3, "after": MARK, **values}


def test_a_proposal_as_a_page_sends_it() -> None:
    sent = proposal(
        after={**MARK, "type": "Disease", "entities": ["D1", "D1", "D2"], "parts": [[3, 4], [6, 8]], "score": 1},
        shown=[{**CANDIDATE, "name": "Fever", "probability": None}],
        model="m",
        mark=None,
    )
    found = Proposal.of(json.loads(json.dumps(sent)))
    assert found.after == Mark(
        id="m1", start=3, end=8, type="Disease", entities=("D1", "D2"), parts=((3, 4), (6, 8)), score=1
    )
    assert found.shown == (Candidate("D005334", 0.5, "Fever"),)
    assert (found.about, found.seen, found.model) == ("m1", 3, "m")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ([], "no JSON object"),
        ({}, "without key and kind"),
        (proposal(key="short"), "8 to 64 letters"),
        (proposal(key="a" * 65), "8 to 64 letters"),
        (proposal(key="';drop table--"), "8 to 64 letters"),
        (proposal(kind="import"), "unknown kind"),
        (proposal(kind="predict"), "unknown kind"),
        (proposal(kind="choose"), "unknown kind"),
        (proposal(kind="explode"), "unknown kind"),
        (proposal(after=None), "without the mark"),
        (proposal(by=1), "unknown names"),
        (proposal(at="2020-01-01"), "unknown names"),
        (proposal(seen="3"), "another kind of value for seen"),
        (proposal(seen=True), "another kind of value for seen"),
        (proposal(seen=10**30), "too large"),
        (proposal(mark="other"), "another one after it"),
        (proposal(shown=[CANDIDATE] * (MOST + 1)), "candidates shown"),
        (proposal(shown=[{"entity": "a"}]), "without score"),
        (proposal(shown=[{**CANDIDATE, "score": float("nan")}]), "not finite"),
        (proposal(shown=[{**CANDIDATE, "score": float("inf")}]), "not finite"),
        (proposal(kind="comment", after=None, text="a\0b"), "NUL"),
        (proposal(kind="comment", after=None, text="a\ud800"), "half a character"),
        (proposal(kind="comment", after=None, text="  "), "comment or reason"),
        (proposal(kind="comment", after=None, text="x" * (LONGEST + 1)), "comment or reason"),
        (proposal(kind="time", after=None, milliseconds=-1), "milliseconds of work"),
        (proposal(kind="time", after=None, milliseconds=10**9), "milliseconds of work"),
        (proposal(kind="delete", after=None), "without the id of its mark"),
        (proposal(kind="spread", after=None), "without the id of its mark"),
        (proposal(after={**MARK, "id": "<b>"}), "whose id"),
        (proposal(after={**MARK, "id": ""}), "whose id"),
        (proposal(after={**MARK, "start": -1}), "empty or negative"),
        (proposal(after={**MARK, "start": 8}), "empty or negative"),
        (proposal(after={**MARK, "start": 3.5}), "another kind of value for start"),
        (proposal(after={**MARK, "label": "DELETED"}), "none of GOLD"),
        (proposal(after={**MARK, "entities": ["a"], "nil": True}), "NIL and has entities"),
        (proposal(after={**MARK, "entities": [""]}), "id of an entity that is empty"),
        (proposal(after={**MARK, "entities": [1]}), "not all strings"),
        (proposal(after={**MARK, "entities": ["a\0"]}), "not all strings"),
        (proposal(after={**MARK, "entities": [str(n) for n in range(MOST + 1)]}), "more than 100 entities"),
        (proposal(after={**MARK, "type": "x" * 201}), "longer than 200"),
        (proposal(after={**MARK, "parts": [[3, 8]]}), "in 1 pieces"),
        (proposal(after={**MARK, "parts": [[3, 4], [5]]}), "no pairs of offsets"),
    ],
)
def test_what_is_refused(record: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Proposal.of(record)


def test_refusals_never_quote_a_text() -> None:
    secret = "Zanzibarine"
    for record in (
        proposal(key=secret * 9),
        proposal(kind=secret),
        proposal(**{secret: 1}),
        proposal(after={**MARK, secret: 1}),
        proposal(after={**MARK, "id": f"{secret} {secret}"}),
        proposal(after={**MARK, "label": secret}),
        proposal(after={**MARK, "type": secret * 30}),
        proposal(after={**MARK, "entities": [secret * 30]}),
        proposal(kind="comment", after=None, text=secret * 1000),
        secret,
    ):
        with pytest.raises(ValueError, match=r".") as refused:
            Proposal.of(record)
        assert secret not in str(refused.value)


names = st.sampled_from(
    ["key", "kind", "seen", "mark", "after", "text", "on", "shown", "id", "start", "end", "entities", "x"]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([KEY, *KINDS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=12,
)


@given(values=st.dictionaries(names, anything, max_size=6))
def test_anything_is_a_proposal_or_refused(values: dict[str, Any]) -> None:
    try:
        made = Proposal.of(proposal(**values))
    except ValueError:
        return
    assert made.kind in KINDS
    if made.after is not None:
        assert Mark.of(json.loads(json.dumps(made.after.record))) == made.after


# What a linker says


def test_predictions_are_marks_with_the_best_candidates() -> None:
    mention, other = (Mention(start=start, end=start + 5, text="Fever", type="Disease") for start in (0, 8))
    candidates = tuple(Candidate(f"D{number}", 1 - number / 100, probability=0.5) for number in range(20))
    document = Document(id="1", text="Fever, aFever", mentions=(mention,))
    linked = Linked(
        replace(document, mentions=(mention, other)),
        (Link(mention, candidates, "D1", confidence=0.9), Link(other, candidates[:1], None, "nil")),
    )
    first, second = marks(linked)
    assert (first.label, first.entities, first.nil, first.confidence) == ("PRED", ("D1",), False, 0.9)
    assert (first.score, first.probability) == (0.99, 0.5)
    assert first.candidates == candidates[:10]
    assert (second.entities, second.nil, second.score) == ((), True, None)
    again = marks(Linked(linked.document, (Link(mention, candidates, "D2"), linked.links[1], linked.links[1])))
    assert [one.id for one in again] == [first.id, second.id]
