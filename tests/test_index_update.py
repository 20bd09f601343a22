"""What tells the rows of an index apart when its knowledge base changes; updates themselves are in test_asking.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import lessons
import numpy as np
import pytest
import tiny

from tripel.documents import Document, Mention
from tripel.encoding.encoder import Encoder
from tripel.indexes.base import Queries
from tripel.knowledge import KnowledgeBase
from tripel.searching import indexing
from tripel.searching import rows as index_rows
from tripel.searching import update as index_update


@pytest.mark.parametrize("shard", [2, 100])
def test_keys_are_those_of_the_loops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shard: int) -> None:
    monkeypatch.setattr(index_update, "SHARD", shard)
    encoder = tiny.encoder(tmp_path / "encoder", entity_view="whole")
    shown = {
        "whole": [encoder.entity_text(lessons.KB, row) for row in range(len(lessons.KB))],
        "centroids": ["\x1f".join(one.names) for one in lessons.KB],
    }
    for kind, expected in shown.items():
        key, text = index_update._keys(kind, encoder, lessons.KB)  # type: ignore[arg-type]
        assert text.to_pylist() == expected
        assert key.to_pylist() == [f"{one.id}\t{its}" for one, its in zip(lessons.KB, expected, strict=True)]
    its = [one for one in lessons.KB if one.definition]
    key, text = index_update._keys("descriptions", encoder, lessons.KB)
    assert text.to_pylist() == [f"{one.name}\x1f{one.definition}" for one in its]
    assert key.to_pylist() == [f"{one.id}\t{shown}" for one, shown in zip(its, text.to_pylist(), strict=True)]


def defined(**definitions: str) -> KnowledgeBase:
    """The lesson's knowledge base with other definitions."""
    return KnowledgeBase.of(replace(one, definition=definitions.get(one.id, "")) for one in lessons.KB)


def test_descriptions_follow_definitions_that_come_change_and_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = tiny.encoder(tmp_path / "encoder")
    versions = [
        defined(D1="A heat.", D2="Nerves."),
        defined(D2="Nerves that lose their sheaths.", D3="A valve.", D1="A heat."),
        defined(),
        defined(D3="A valve.", D6="What one has in winter."),
    ]
    config = indexing.Config.read({"rows": ("names", "descriptions")}, where="index")
    folder, encoded = tmp_path / "index", list[str]()
    indexing.make(folder, encoder, versions[0], None, config, stamp=indexing.Stamp("e", "0"))
    mention_vectors = index_rows.mention_vectors

    def counting(
        its: Encoder, chosen: Sequence[tuple[Document, Sequence[Mention]]], **more: object
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        encoded.extend(document.id for document, _ in chosen)
        return mention_vectors(its, chosen, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(index_rows, "mention_vectors", counting)
    for number, new in [(1, ["D2", "D3"]), (2, []), (3, ["D3", "D6"])]:
        encoded.clear()
        stamp = indexing.Stamp("e", str(number))
        index_update.update(folder, encoder, versions[number - 1], versions[number], stamp=stamp)
        assert encoded == new
        updated = indexing.opened(folder, versions[number], stamp=stamp, rebuild="")
        indexing.make(tmp_path / "again", encoder, versions[number], None, config, stamp=stamp)
        rebuilt = indexing.opened(tmp_path / "again", versions[number], stamp=stamp, rebuild="")
        queries, row_MK = Queries(vectors_MD=np.eye(16, dtype=np.float32)), np.tile(np.arange(6), (16, 1))
        for (owner, score), (other, its) in zip(
            updated.rows_like("descriptions", queries, row_MK),
            rebuilt.rows_like("descriptions", queries, row_MK),
            strict=True,
        ):
            assert np.array_equal(owner, other) and score == pytest.approx(its, abs=2e-3)
