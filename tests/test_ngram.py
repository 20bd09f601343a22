"""Names by spelling in blocks: what is found does not depend on how many are looked at together."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from tripel.indexes import ngram
from tripel.indexes.base import Queries
from tripel.indexes.ngram import READ, Ngram

WORDS = ["acute", "chronic", "renal", "hepatic", "fever", "failure", "of", "the", "heart", "pain", "Straße"]
RNG = np.random.default_rng(0)
NAMES = [" ".join(RNG.choice(WORDS, RNG.integers(1, 4))) for _ in range(40)]
ASKED = Queries(texts=("renal failure", "Fever", "hepatic pains", "zzz"))


@pytest.mark.parametrize("read", ["characters", "words", "mixed"])
def test_blocks_find_what_all_names_together_find(monkeypatch: pytest.MonkeyPatch, read: str) -> None:
    config = Ngram.Config(read=read)  # type: ignore[arg-type]
    whole = Ngram(config, NAMES)
    score_MR, row_MR = whole.nearest(ASKED, rows=40)
    allowed_N = np.arange(40) % 2 == 0
    allowed_N[14:21] = False  # a whole block
    _, some_MR = whole.nearest(ASKED, rows=40, allowed_N=allowed_N)
    monkeypatch.setattr(ngram, "BLOCK", 7)
    monkeypatch.setattr(ngram, "QUERIES", 3)
    blocks = Ngram(config, NAMES)
    assert len(blocks.blocks_FB) == 6 and len(blocks) == 40
    score, row = blocks.nearest(ASKED, rows=40)
    assert np.array_equal(score, score_MR) and np.array_equal(row, row_MR)
    assert np.array_equal(blocks.nearest(ASKED, rows=40, allowed_N=allowed_N)[1], some_MR)
    assert blocks.closeness(ASKED, row_MR) == pytest.approx(score_MR, abs=1e-6)


@pytest.mark.parametrize("read", ["characters", "words"])
def test_weights_are_those_of_a_fit_on_all_names(read: str) -> None:
    other = TfidfVectorizer(dtype=np.float32, **READ[read])
    expected = other.fit_transform([name.casefold() for name in NAMES]).toarray()
    found = Ngram(Ngram.Config(read=read), NAMES)  # type: ignore[arg-type]
    assert np.array_equal(found.blocks_FB[0].toarray().T, expected)


@pytest.mark.parametrize("read", ["words", "mixed"])
def test_names_of_other_letters_have_no_words_and_are_no_fault(read: str) -> None:
    """The published way tells words by Latin letters."""
    found = Ngram(Ngram.Config(read=read), ["发热", "咳嗽"])  # type: ignore[arg-type]
    score_MR, row_MR = found.nearest(Queries(texts=("发热",)), rows=2)
    if read == "words":
        assert (row_MR == -1).all()
    else:
        assert row_MR[0, 0] == 0 and score_MR[0, 0] == pytest.approx(0.5)


def test_mixed_scores_are_the_mean_of_both() -> None:
    row_MR = np.tile(np.arange(len(NAMES)), (len(ASKED), 1))
    characters, words, mixed = (
        Ngram(Ngram.Config(read=read), NAMES).closeness(ASKED, row_MR)  # type: ignore[arg-type]
        for read in ("characters", "words", "mixed")
    )
    assert mixed == pytest.approx((characters + words) / 2, abs=1e-6)
    assert (characters != words).any()
