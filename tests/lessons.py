"""A small invented lesson: documents, a knowledge base, wrong entities by hand."""

from __future__ import annotations

import numpy as np

from tripel.documents import Document, Mention
from tripel.knowledge import Entity, KnowledgeBase
from tripel.training.batches import Lesson, Near
from tripel.training.clusters import By, group

KB = KnowledgeBase.of(
    [
        Entity(id="D1", name="fever", synonyms=("pyrexia", "hot")),
        Entity(id="D2", name="multiple sclerosis", synonyms=("ms",), definition="Nerves that lose their sheaths."),
        Entity(
            id="D3",
            name="mitral stenosis",
            synonyms=("ms", "tight valve"),
            definition="A valve of the heart that is too narrow.",
            alternatives=("C3",),
        ),
        Entity(id="D4", name="aspirin"),
        Entity(id="D5", name="acetylsalicylic acid"),
        Entity(id="D6", name="cold"),
    ]
)
SENTENCES = [
    [("fever", "D1"), ("ms", "D2"), ("pyrexia", "D1"), ("aspirin", "D4|D5")],
    [("ms", "D3"), ("tight valve", "C3"), ("hot", "D1"), ("unknown", "-1"), ("gone", "D99")],
    [("multiple sclerosis", "D2"), ("ms", "D2"), ("cold", "D6")],
    [("fever", "D1"), ("cold", "D6"), ("mitral stenosis", "D3")],
]


def document(number: int, mentions: list[tuple[str, str]]) -> Document:
    """Mentions in a row, each followed by a word."""
    text, made = "", []
    for surface, ids in mentions:
        entities = () if ids == "-1" else tuple(ids.split("|"))
        made.append(Mention(start=len(text), end=len(text) + len(surface), text=surface, entities=entities))
        text += f"{surface} then "
    return Document(id=str(number), text=text, mentions=tuple(made))


DOCUMENTS = tuple(document(i, sentence) for i, sentence in enumerate(SENTENCES))


def lesson(*, view: str = "document", by: By = "document", documents: tuple[Document, ...] = DOCUMENTS) -> Lesson:
    """Every other entity is wrong for every mention, in the order of the rows."""
    grouped = group(documents, KB, by=by)
    row_MK = np.full((len(grouped.mentions), len(KB)), -1, np.int64)
    for m, gold in enumerate(grouped.gold):
        others = [row for row in range(len(KB)) if row not in gold]
        row_MK[m, : len(others)] = others
    name_MK = np.where(row_MK >= 0, KB.first_E[np.maximum(row_MK, 0)], -1)
    right_MR = np.full((len(grouped.mentions), 2), -1, np.int64)
    return Lesson(documents, KB, grouped, Near(row_MK, name_MK, right_MR), view, False, None, KB.names)  # type: ignore[arg-type]
