"""What the model card of a run tells: of a linker, and of an encoder of names."""

from __future__ import annotations

from pathlib import Path

from tripel import __version__
from tripel.documents import Document
from tripel.files import read_json
from tripel.judging.kept import TRAINED, scores_of
from tripel.judging.metrics import Estimate
from tripel.linking.deciding import CALIBRATION
from tripel.linking.reranker import mark
from tripel.names.preparing import NameGround
from tripel.names.recipe import NameRecipe
from tripel.recognizers.base import TAGGER
from tripel.reports.model_card import Facts
from tripel.reports.tables import with_interval
from tripel.tagging.recipe import TaggerRecipe
from tripel.training import checkpoint
from tripel.training.preparing import Ground
from tripel.training.recipe import Recipe, Role

ROLES: tuple[Role, ...] = ("test", "dev")
HUB_BASE = "sentence-transformers/all-MiniLM-L6-v2"  # what is embedded


def of_linker(run: Path, recipe: Recipe, found: Ground) -> Facts:
    """From the scores of what is there now, on test and on dev, as far as each was looked at."""
    judged = {role: scores for role in ROLES if (scores := scores_of(run, role)) is not None}
    counts = {role: sum(len(document.mentions) for document in its) for role, its in found.documents.items()}
    said = {
        role: f"{recipe.corpus.name}, split {split}: {len(found.documents[role]):,} documents, {counts[role]:,} mentions"
        for role, split in (("train", recipe.data.train), ("dev", recipe.data.dev), ("test", recipe.data.test))
    }
    terminologies = tuple(one.name for one in recipe.terminologies)
    return Facts(
        name=run.name,
        base=recipe.encoder.model,
        hub_base=HUB_BASE if recipe.encoder.model == "embedded" else "",
        objective=recipe.objective.name + (", and a re-ranker" if mark(run) else ""),
        trained_on=said["train"] if recipe.learns else "",
        judged_on="; ".join(said[role] for role in judged),
        terminologies=terminologies,
        knowledge_base=f"{' + '.join(terminologies)}: {len(found.kb):,} concepts, {len(found.kb.names):,} names",
        kind="tagger and linker" if (run / TAGGER).exists() else "linker",
        lexical=recipe.index.lexical,
        calibrated=(run / CALIBRATION).exists(),
        scores=tuple(
            (
                f"{role} accuracy@1, full knowledge base, N = {one.linkable.n:,}",
                with_interval(one.linkable.accuracy[1]),
            )
            for role, one in judged.items()
        ),
        fingerprints={
            "knowledge base": found.kb.fingerprint,
            "encoder": checkpoint.encoder_fingerprint(checkpoint.published(run)),
        },
        version=__version__,
    )


def of_tagger(run: Path, recipe: TaggerRecipe, documents: dict[str, tuple[Document, ...]]) -> Facts:
    """From strong F1 on test, or on dev where test was not looked at."""
    role = next((role for role in ("test", "dev") if (run / "scores" / f"{role}-mentions.json").exists()), "test")
    scores = read_json(run / "scores" / f"{role}-mentions.json")
    said = {role: f"{recipe.corpus.name}: {len(its):,} documents" for role, its in documents.items()}
    return Facts(
        name=run.name,
        base=recipe.encoder.model,
        hub_base=HUB_BASE if recipe.encoder.model == "embedded" else "",
        objective=recipe.objective.name,
        trained_on=said["train"],
        judged_on=said[role],
        terminologies=(),
        kind="tagger",
        knowledge_base="",
        scores=tuple((f"{role} strong F1, {name}", f"{100 * value:.1f}") for name, value in scores.items()),
        fingerprints={"encoder": checkpoint.encoder_fingerprint(checkpoint.published(run))},
        version=__version__,
    )


def of_names(run: Path, recipe: NameRecipe, found: NameGround) -> Facts:
    """From the names held out, where there are some."""
    exam = run / "scores" / "names.json"
    first = read_json(exam)[TRAINED]["1"] if exam.exists() else None
    figure = with_interval(Estimate(**first)) if first else "not judged"
    asked = 0 if found.exam is None else len(found.exam.texts)
    source = recipe.pairs.file or " + ".join(one.name for one in recipe.terminologies)
    return Facts(
        name=run.name,
        base=recipe.encoder.model,
        hub_base=HUB_BASE if recipe.encoder.model == "embedded" else "",
        objective=recipe.objective.name,
        trained_on=f"{source}: {len(found.pairs):,} pairs of synonyms",
        judged_on=f"{asked:,} names that were not learnt from",
        terminologies=tuple(one.name for one in recipe.terminologies),
        kind="names",
        knowledge_base=f"{len(found.kb):,} concepts, {len(found.kb.names):,} names",
        scores=((f"names held out, accuracy@1, N = {asked:,}", figure),),
        fingerprints={
            "knowledge base": found.kb.fingerprint,
            "encoder": checkpoint.encoder_fingerprint(checkpoint.published(run)),
        },
        version=__version__,
    )
