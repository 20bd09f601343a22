"""What tells the rows of an index apart when its knowledge base changes; updates themselves are in test_asking.py."""

from __future__ import annotations

from pathlib import Path

import lessons
import pytest
import tiny

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
