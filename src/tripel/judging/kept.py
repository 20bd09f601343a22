"""What a run keeps of having been judged: under which names, and whether it was made by what is there now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tripel.files import fingerprint, read_json
from tripel.judging import predictions
from tripel.judging.evaluation import Scores
from tripel.linking.ranker import INDEX
from tripel.linking.reranker import mark
from tripel.searching.indexing import ORIGIN
from tripel.searching.rows import ROWS
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
    now = made_by(run)
    told = {"encoder": made.encoder, "reranker": made.reranker}
    if made.mentions is not None and (run / INDEX / ORIGIN).is_file():
        told["mentions"] = made.mentions
    return all(now[what] == one for what, one in told.items())


def made_by(run: Path) -> dict[str, str]:
    """Fingerprints of the encoder, of the re-ranker and of the rows of mentions, which are empty where there is none: as
    `Origin` has them."""
    rows = run / INDEX / "mentions" / ROWS
    return {
        "encoder": checkpoint.encoder_fingerprint(checkpoint.published(run)),
        "reranker": mark(run),
        "mentions": fingerprint(rows)[:16] if rows.is_file() else "",
    }


def scores_of(run: Path, role: Role) -> Scores | None:
    """Of the trained system over the full knowledge base; None where it was not judged as it is now."""
    path = run / SCORES.format(role, TRAINED, FULL)
    if not path.exists() or not made_now(run, run / PREDICTIONS.format(role, TRAINED, FULL)):
        return None
    return Scores.from_json(read_json(path))
