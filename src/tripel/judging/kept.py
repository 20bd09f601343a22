"""What a run keeps of having been judged: under which names, and whether it is of the encoder that is there now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tripel.files import read_json
from tripel.judging import predictions
from tripel.judging.evaluation import Scores
from tripel.linking.ranker import INDEX
from tripel.linking.reranker import mark
from tripel.searching import learn as index_learn
from tripel.searching.indexing import ORIGIN
from tripel.training import checkpoint
from tripel.training.recipe import Role

UNTRAINED_INDEX = "index-untrained"
PICTURES = "pictures"
TABLES = "tables.md"
ROLE_TABLES = "scores/{}.md"  # in a run folder, by role
PREDICTIONS = "predictions/{}-{}-{}.jsonl"  # by role, system and protocol
SCORES = "scores/{}-{}-{}.json"  # the same
LEXICAL, UNTRAINED, TRAINED = "lexical", "untrained", "trained"
BEST = "best-row"  # the trained system where an entity counts as its best row, beside the one that judges wholes
CANDIDATES, FULL = "candidates", "full"
TRUST = "scores/{}-trust.json"  # in a run folder, by role
SPEEDS = "speeds"  # a folder; a file for each role: mentions a second of each system


def tables_of(run: Path) -> Iterator[str]:
    """Those of dev and of test, whenever each was judged, as long as what is there now was."""
    for role in ("dev", "test"):
        path = run / ROLE_TABLES.format(role)
        if path.exists() and made_now(run, run / PREDICTIONS.format(role, TRAINED, FULL)):
            yield path.read_text(encoding="utf-8")


def made_now(run: Path, path: Path) -> bool:
    """Whether a run said what is in a file of predictions by the encoder, the re-ranker and the documents that it has now.

    Where the file, the encoder or the index was taken away nothing is known that speaks against it.
    """
    if not path.is_file() or not (run / checkpoint.ENCODER).exists():
        return True
    made = predictions.origin(path)
    if not made.encoder:
        return True
    joined = made.learnt if not (run / INDEX / ORIGIN).is_file() else len(index_learn.joined(run / INDEX))
    return (made.encoder, made.reranker, made.learnt) == (*made_by(run), joined)


def made_by(run: Path) -> tuple[str, str]:
    """Fingerprints of the encoder and of the re-ranker, which is empty where there is none."""
    return checkpoint.encoder_fingerprint(checkpoint.published(run)), mark(run)


def scores_of(run: Path, role: Role) -> Scores | None:
    """Of the trained system over the full knowledge base; None where it was not judged as it is now."""
    path = run / SCORES.format(role, TRAINED, FULL)
    if not path.exists() or not made_now(run, run / PREDICTIONS.format(role, TRAINED, FULL)):
        return None
    return Scores.from_json(read_json(path))
