"""From a recipe to what training and judging need: documents, a knowledge base, lexical candidates. Kept in the run folder."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from tripel.config import Choice
from tripel.documents import Document
from tripel.encoding.encoder import Encoder
from tripel.files import replacing
from tripel.indexes.base import Hits
from tripel.knowledge import KnowledgeBase
from tripel.linking.abbreviations import expand
from tripel.linking.ranker import KNOWLEDGE
from tripel.reports.plots import STYLES, finish, sheet, write
from tripel.searching.candidates import Candidates, choose_mix
from tripel.searching.rows import EVIDENCE_ALONE
from tripel.tagging.recipe import TaggerRecipe
from tripel.training.batches import Lesson
from tripel.training.clusters import group
from tripel.training.negatives import Pool, by_spelling
from tripel.training.recipe import Recipe

DEPTH = 64
CANDIDATES = "candidates"  # a folder of a run


@dataclass(frozen=True, eq=False)
class Ground:
    """What a run stands on."""

    kb: KnowledgeBase
    documents: dict[str, tuple[Document, ...]]
    """By what they serve for: train, dev, test."""
    candidates: dict[str, Hits]
    """Lexical candidates of every mention of those documents, in order."""

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """Of the documents and what is annotated in them, and of the knowledge base."""
        digest = hashlib.sha256()
        for role, documents in self.documents.items():
            for document in documents:
                said = [(one.start, one.end, one.type, one.entities, one.long_form) for one in document.mentions]
                digest.update(f"{role}\t{document.id}\t{document.text}\t{said}\n".encode())
        return {"corpus": digest.hexdigest(), "knowledge base": self.kb.fingerprint}


def ground(recipe: Recipe, run: Path) -> Ground:
    """Read corpora and knowledge, find candidates by spelling. What a run folder already holds is not made again."""
    documents = read_documents(recipe)
    kb = knowledge_base(recipe.terminologies, run / KNOWLEDGE)
    _check_descriptions(recipe, kb)
    found = {role: run / CANDIDATES / f"{role}.safetensors" for role in documents}
    if not all(path.exists() for path in found.values()):
        _find_candidates(recipe, kb, documents, found)
    candidates = {role: _load_hits(path) for role, path in found.items()}
    return Ground(kb, documents, candidates)


def _check_descriptions(recipe: Recipe, kb: KnowledgeBase) -> None:
    """Raises ValueError where they are wanted and would say nothing."""
    if EVIDENCE_ALONE not in recipe.index.rows:
        return
    if not recipe.whole.weigh:
        raise ValueError("index.rows has descriptions, which only wholes are weighed by: say whole.weigh=true")
    if recipe.encoder.view == "bare":
        raise ValueError("index.rows has descriptions, and encoder.view=bare reads no text: document or marked does")
    if not len(kb.described):
        raise ValueError("index.rows has descriptions, and no entity of the knowledge base has a definition")


def forget(run: Path) -> None:
    """Take away what was kept: the settings, or the files that they name, may have been others."""
    (run / KNOWLEDGE).unlink(missing_ok=True)
    shutil.rmtree(run / CANDIDATES, ignore_errors=True)


def read_documents(recipe: Recipe | TaggerRecipe) -> dict[str, tuple[Document, ...]]:
    """The documents by role, abbreviations told where the encoder is to be shown them."""
    corpus = recipe.corpus.make()
    splits = {"train": recipe.data.train, "dev": recipe.data.dev, "test": recipe.data.test}
    read = {role: corpus.read(split) for role, split in splits.items()}
    if not recipe.encoder.long_forms:
        return {role: tuple(documents) for role, documents in read.items()}
    return {role: tuple(map(expand, documents)) for role, documents in read.items()}


def lesson(recipe: Recipe, found: Ground, encoder: Encoder) -> tuple[Lesson, Pool]:
    """What the objective learns from, wrong entities by spelling; and the part of the dictionary that is searched later."""
    grouped = group(found.documents["train"], found.kb, by=recipe.data.clusters)
    if not grouped.clusters:
        raise ValueError("no training mention has its entity in the knowledge base: are these the right terminologies?")
    hits = trainable(found.candidates["train"], found.documents["train"], found.kb)
    whole = recipe.encoder.entity_view != "names"
    made = Lesson(
        documents=found.documents["train"],
        kb=found.kb,
        grouped=grouped,
        near=by_spelling(hits, grouped.gold, whole=whole),
        view=recipe.encoder.view,
        long_forms=recipe.encoder.long_forms,
        names=encoder.shown_names(found.kb),
        entity_text=(lambda row: encoder.entity_text(found.kb, row)) if whole else None,
    )
    return made, Pool.of(hits, grouped.gold, made, depth=recipe.negatives.pool)


def trainable(hits: Hits, documents: Sequence[Document], kb: KnowledgeBase) -> Hits:
    """The rows of those mentions whose entity the knowledge base has, as `clusters.group` keeps them."""
    keep_M = np.array([bool(kb.rows(m.entities)) for document in documents for m in document.mentions], np.bool_)
    return Hits(hits.row_MK[keep_M], hits.score_MK[keep_M], hits.name_MK[keep_M])


def knowledge_base(terminologies: Sequence[Choice], path: Path) -> KnowledgeBase:
    """Of all terminologies together, kept at `path`."""
    if not path.exists():
        read_terminologies(terminologies).save(path)
    return KnowledgeBase.open(path)


def read_terminologies(terminologies: Sequence[Choice]) -> KnowledgeBase:
    """All of them together, with what is known of their licences."""
    made = [one.make() for one in terminologies]
    restrictions = {source: level for one in made for source, level in one.restrictions().items()}
    return KnowledgeBase.of(chain.from_iterable(one.entities() for one in made), restrictions=restrictions)


def _find_candidates(
    recipe: Recipe, kb: KnowledgeBase, documents: dict[str, tuple[Document, ...]], found: dict[str, Path]
) -> None:
    """Search each split by spelling; the mix of characters and words is chosen on dev alone, and drawn."""
    index = Candidates(recipe.candidates, kb)
    if recipe.candidates.mix is None:
        mix, recall = choose_mix(index, documents["dev"], kb, k=DEPTH)
        index = index.mixed(mix)
        _draw_mix(recall, mix, path=found["dev"].with_name("mix.png"))
    for role, path in found.items():
        texts = [mention.text for document in documents[role] for mention in document.mentions]
        hits = index.search(texts, k=DEPTH)
        _save_hits(hits, path, mix=index.config.mix or 0)


def _draw_mix(recall: Sequence[float], mix: int, *, path: Path) -> None:
    """What each mix finds on dev, as picture and CSV."""
    figure, (axes,) = sheet(1)
    axes.plot(range(len(recall)), [100 * value for value in recall], color=STYLES[0][0])
    axes.axvline(mix, color=STYLES[1][0], ls="--", label=f"chosen: {mix}")
    axes.set(xlabel="candidates by characters, the rest by words", ylabel=f"recall@{DEPTH} on dev (%)")
    finish(axes)
    write(figure, path, ("mix", f"recall@{DEPTH} on dev"), enumerate(recall))


def _save_hits(hits: Hits, path: Path, *, mix: int) -> None:
    arrays: dict[str, NDArray[np.generic]] = {"row": hits.row_MK, "score": hits.score_MK, "name": hits.name_MK}
    with replacing(path) as part:
        save_file({**arrays, "mix": np.array([mix], np.int64)}, part)


def _load_hits(path: Path) -> Hits:
    arrays = load_file(path)
    return Hits(arrays["row"], arrays["score"], arrays["name"])
