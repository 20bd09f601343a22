"""Other linkers over the dictionary and texts of `linking.py`, each in an environment of its own."""

from __future__ import annotations

import csv
import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tripel.documents import Document, Mention
    from tripel.knowledge import KnowledgeBase

Figures = dict[str, float]


def scispacy(python: Path, documents: Sequence[Document], kb: KnowledgeBase) -> Figures:
    """scispaCy's candidate generator; it is told long forms, since it sees no text."""
    from tripel.linking.abbreviations import expand

    mentions = [mention for document in map(expand, documents) for mention in document.mentions]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "concepts.jsonl").open("w", encoding="utf-8") as out:
            for entity in kb:
                record = {
                    "concept_id": entity.id,
                    "canonical_name": entity.name,
                    "aliases": list(entity.synonyms),
                    "types": [],
                    "definition": None,
                }
                out.write(json.dumps(record) + "\n")
        said = [mention.long_form or mention.text for mention in mentions]
        (folder / "mentions.json").write_text(json.dumps(said), encoding="utf-8")
        found = answer(python, "peer_scispacy.py", name)
    return {
        "mentions": len(mentions) / found["seconds"],
        "documents": len(documents) / found["seconds"],
        "right": right(mentions, found["first"], kb),
        "memory": found["memory"],
    }


def medcat(
    python: Path, documents: Sequence[Document], kb: KnowledgeBase, *, encoder: str, threads: int
) -> dict[str, Figures]:
    """MedCAT's linker by embeddings, of given mentions and of plain text."""
    mentions = [mention for document in documents for mention in document.mentions]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "names.csv").open("w", encoding="utf-8", newline="") as out:
            table = csv.writer(out)
            table.writerow(["cui", "name", "name_status"])
            for entity in kb:
                table.writerow([entity.id, entity.name, "P"])
                table.writerows([entity.id, synonym, "A"] for synonym in entity.synonyms)
        texts = [
            {"text": document.text, "mentions": [[mention.start, mention.end] for mention in document.mentions]}
            for document in documents
        ]
        (folder / "documents.json").write_text(json.dumps(texts), encoding="utf-8")
        found = answer(python, "peer_medcat.py", name, "--encoder", encoder, "--threads", str(threads))
    given, plain = found["given"], found["plain"]
    return {
        "MedCAT by embeddings": {
            "mentions": len(mentions) / given,
            "documents": len(documents) / given,
            "right": right(mentions, found["first"], kb),
            "memory": found["memory"],
        },
        "MedCAT by embeddings, plain text": {
            "mentions": sum(map(len, found["found"])) / plain,
            "documents": len(documents) / plain,
            "f1": strong_f1(documents, found["found"], kb),
            "memory": found["memory"],
        },
    }


def strong_f1(
    documents: Sequence[Document], found: Sequence[Sequence[tuple[int, int, str]]], kb: KnowledgeBase
) -> float:
    """Of links of plain text (start, end, id), as `tripel evaluate --recognizer` counts it, whatever the types."""
    from tripel.judging.end_to_end import end_to_end
    from tripel.judging.gold import gold
    from tripel.judging.predictions import Prediction

    said = [
        Prediction(document.id, start, end, ((id, 1.0),))
        for document, links in zip(documents, found, strict=True)
        for start, end, id in links
    ]
    names = [document.id for document in documents]
    its = end_to_end(said, gold(documents, kb=kb, train=()), documents=names, kb=kb, system="", seed=0)
    return its.strong.f1.value


def answer(python: Path, script: str, *words: str) -> Any:
    """What a script of this folder prints last, as JSON."""
    where = Path(__file__).with_name(script)
    done = subprocess.run([python, where, *words], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def right(mentions: Sequence[Mention], first: Sequence[str], kb: KnowledgeBase) -> float:
    """Share of linkable mentions whose first concept is right."""
    pairs = [(mention, id) for mention, id in zip(mentions, first, strict=True) if mention.entities]
    return sum(bool(id) and kb.row(id) in kb.rows(mention.entities) for mention, id in pairs) / len(pairs)
