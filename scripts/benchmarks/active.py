"""Simulated experts on BC5CDR: what each strategy of sampling gains over chance, from the embedded encoder as it comes.

    TRIPEL_DATA=... python scripts/benchmarks/active.py --output runs/active            both parts
    TRIPEL_DATA=... python scripts/benchmarks/active.py linking --output runs/active

An expert who is always right annotates the documents of train that a strategy draws, some at a time, and the model learns them
before the next are drawn. Each curve has the same documents to draw from, 300 of train, and is judged on 200 of test; seeds
decide chance. The knowledge base is the concepts of MeSH and MEDIC that these documents name, and others by chance, 10,000
together.

linking   Mentions are given; annotations join the index and nothing is trained, as while people annotate. All strategies.
tagging   After each round the head of a tagger is fitted anew to what is annotated so far, over the words as the encoder reads
          them, which is not trained. Chance, and margin, whose confidence is the recogniser's score + the lead of the first
          candidate over the second; both begin with the same documents, by chance.

Writes a picture and its numbers of each part. Shapes: M mentions, N rows, D dimensions, R new rows.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import torch
from numpy.typing import NDArray

from tripel.annotations.drawing import draw
from tripel.annotations.sampling.base import Known, Predicted, Sample
from tripel.annotations.sampling.mix import SAMPLING
from tripel.config import choose
from tripel.corpora.bc5cdr import Bc5cdr
from tripel.documents import Document, Mention
from tripel.encoding.encode import unit_vectors
from tripel.encoding.encoder import Encoder
from tripel.encoding.words import WORD, Words, vectors_of
from tripel.find import names
from tripel.indexes.base import Queries
from tripel.knowledge import KnowledgeBase
from tripel.linking.abbreviations import expand
from tripel.linking.ranker import Ranker
from tripel.objectives.tagging import Head
from tripel.progress import bar
from tripel.recognizers.base import Found, Span
from tripel.reports.plots import STYLES, finish, sheet, write
from tripel.searching import asking
from tripel.tagging.judging import by_type
from tripel.tagging.tags import Tags
from tripel.training.clusters import group

CONTROL = "random"
ROUND, ROUNDS = 10, 20  # documents drawn at once, and how often
SEEDS = 5
DISCOUNT = 0.1  # of training mentions, as indexes have it by default
CONCEPTS = 10_000
POOL, TESTED = 300, 200  # documents to draw from, the first of train, and to judge on, the first of test
TAGGED_ROUNDS, TAGGED_SEEDS = 12, 4  # of the second part, at most
STEPS, RATE = 150, 1e-2  # of a head, all words at once, by Adam
AT_ONCE = 16  # documents read

Float = NDArray[np.float32]
Int = NDArray[np.int64]
Curve = list[tuple[int, float]]
"""Documents annotated, and how well it then does."""


def main() -> None:
    """Both parts, or one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=["linking", "tagging", "both"], default="both")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    asked = parser.parse_args()
    began = time.monotonic()
    corpus = Bc5cdr(Bc5cdr.Config())
    train, test = (list(map(expand, corpus.read(split)[:n])) for split, n in (("train", POOL), ("test", TESTED)))
    ranker = untrained(asked.output / "index", [*train, *test])
    pool, judged = read(ranker.encoder, train), read(ranker.encoder, test)
    if asked.part != "tagging":
        linking(ranker, pool, judged, asked.output, rounds=asked.rounds, seeds=asked.seeds)
    if asked.part != "linking":
        rounds, seeds = min(asked.rounds, TAGGED_ROUNDS), min(asked.seeds, TAGGED_SEEDS)
        tagging(ranker, pool, judged, asked.output, rounds=rounds, seeds=seeds)
    print(f"{(time.monotonic() - began) / 60:.0f} minutes")


def untrained(folder: Path, documents: Sequence[Document]) -> Ranker:
    """The embedded encoder over the names of some concepts, those of documents among them."""
    if not (folder / "index").exists():
        kb, rng = asking.knowledge("mesh+ctd"), np.random.default_rng(0)
        named = {row for document in documents for mention in document.mentions for row in kb.rows(mention.entities)}
        others = [row for row in rng.permutation(len(kb)).tolist() if row not in named]
        chosen = sorted([*named, *others[: CONCEPTS - len(named)]])
        KnowledgeBase.of(kb[row] for row in chosen).save(folder / "chosen.arrow")
        settings = {"encoder": {"view": "document"}}
        print(asking.build_index("embedded", str(folder / "chosen.arrow"), folder, settings), flush=True)
    return Ranker.load(folder)


# Every document is read once, and all is made of its words


@dataclass(frozen=True, eq=False)
class Text:
    """A document as the encoder read it."""

    document: Document
    words: Words
    its: slice
    """The spans of `words` that are the document's."""
    vector_WD: Float
    tokens_W: Int
    """Of all spans of `words`."""

    def mentions(self, encoder: Encoder, mentions: Sequence[Mention]) -> Float:
        """The vectors of some of its mentions, in the form that is searched: what a pass of their own would give."""
        return unit_vectors(encoder, vectors_of(mentions, self.words, self.its, self.vector_WD, self.tokens_W))

    @property
    def plain(self) -> tuple[Int, Int, Float]:
        """Where its words begin and end, and their vectors."""
        plain_W = self.words.kind_W[self.its] == WORD
        start_W, end_W = self.words.start_W[self.its][plain_W], self.words.end_W[self.its][plain_W]
        return start_W, end_W, self.vector_WD[self.its][plain_W]


@torch.inference_mode()
def read(encoder: Encoder, documents: Sequence[Document]) -> list[Text]:
    """Every document once."""
    texts = []
    encoder.eval()
    with bar("reading documents") as progress:
        for first in range(0, len(documents), AT_ONCE):
            some = documents[first : first + AT_ONCE]
            words = Words.of(some, long_forms=True)
            vector_WD, tokens_W = encoder.read(words.passages)
            held = vector_WD.float().cpu().numpy()
            texts += [Text(one, words, words.within(place), held, tokens_W) for place, one in enumerate(some)]
            progress(first + len(some), len(documents))
    return texts


# Linking: mentions are given, what is annotated joins the index


@dataclass(eq=False)
class Links:
    """The two best entities of each mention so far; rows that are learnt join them."""

    entity_M2: Int
    score_M2: Float
    vector_MD: Float

    @classmethod
    def of(cls, ranker: Ranker, texts: Sequence[Text]) -> Links:
        """By names alone."""
        vector_MD = np.concatenate([text.mentions(ranker.encoder, text.document.mentions) for text in texts])
        hits = ranker.index.search(Queries(("",) * len(vector_MD), vector_MD), k=2)
        return cls(hits.row_MK, hits.score_MK, vector_MD)

    def learn(self, vector_RD: Float, entity_R: Int) -> Links:
        """score(m, e) = max over the names and the rows of e, rows less the discount: as `folding.Entities` has it."""
        closeness_MR = self.vector_MD @ vector_RD.T - np.float32(DISCOUNT)
        entity_M2, score_M2 = self.entity_M2, self.score_M2
        for entity in np.unique(entity_R):
            new_M = closeness_MR[:, entity_R == entity].max(axis=1)
            there_M2 = entity_M2 == entity
            old_M2 = np.where(there_M2, np.maximum(score_M2, new_M[:, None]), score_M2)
            other_M = np.where(there_M2.any(axis=1), -np.inf, new_M)
            score_M3 = np.column_stack([old_M2, other_M])
            entity_M3 = np.column_stack([entity_M2, np.full(len(new_M), entity)])
            best_M2 = np.argsort(-score_M3, axis=1, kind="stable")[:, :2]
            entity_M2, score_M2 = (np.take_along_axis(its, best_M2, axis=1) for its in (entity_M3, score_M3))
        return Links(entity_M2, score_M2.astype(np.float32), self.vector_MD)

    def predicted(self, kb: KnowledgeBase, documents: Sequence[Document]) -> list[tuple[Predicted, ...]]:
        """What is said of each mention of each document; they are those of `of`."""
        said = zip(self.entity_M2[:, 0].tolist(), self.score_M2.tolist(), strict=True)
        return [
            tuple(
                Predicted(text=mention.text, scores=tuple(scores), entity=kb.id(entity))
                for mention, (entity, scores) in zip(document.mentions, said, strict=False)
            )
            for document in documents
        ]


def linking(
    ranker: Ranker, texts: Sequence[Text], tested: Sequence[Text], output: Path, *, rounds: int, seeds: int
) -> None:
    """Accuracy@1 of the linkable mentions of test."""
    kb, train, test = ranker.kb, [text.document for text in texts], [text.document for text in tested]
    pool_links, test_links = Links.of(ranker, texts), Links.of(ranker, tested)
    row_CD, entity_C, document_C = clusters(ranker, train, pool_links.vector_MD)
    vectors = [unit_vectors(ranker.encoder, text.plain[2].mean(axis=0, keepdims=True))[0] for text in texts]
    gold = [set(kb.rows(mention.entities)) for document in test for mention in document.mentions]
    linkable_M = np.array([bool(mention.entities) for document in test for mention in document.mentions])

    def judged(links: Links) -> float:
        right = [entity in rows for entity, rows in zip(links.entity_M2[:, 0].tolist(), gold, strict=True)]
        return float(np.array(right)[linkable_M].mean())

    def curve(strategy: str, seed: int) -> Curve:
        pool, tested, taken, found = pool_links, test_links, list[int](), [(0, judged(test_links))]
        for round in range(rounds):
            said = pool.predicted(kb, train)
            samples = [
                Sample(document=str(d), predicted=said[d], vector_D=vectors[d])
                for d in range(len(train))
                if d not in taken
            ]
            new = drawn(strategy, samples, known(train[d] for d in taken), n=ROUND, seed=1000 * seed + round)
            rows_C = np.isin(document_C, new)
            pool, tested = (its.learn(row_CD[rows_C], entity_C[rows_C]) for its in (pool, tested))
            taken += new
            found.append((len(taken), judged(tested)))
        return found

    strategies = [CONTROL, *(name for name in names(SAMPLING) if name != CONTROL)]
    curves = {name: [curve(name, seed) for seed in range(seeds)] for name in strategies}
    told("linking", curves, output, what=f"accuracy@1 on test, {len(kb):,} concepts (%)", n=int(linkable_M.sum()))


def clusters(ranker: Ranker, documents: Sequence[Document], vector_MD: Float) -> tuple[Float, Int, Int]:
    """What joins an index of each document: the prototype of each of its clusters, its entity, and which document it is."""
    known_M = [bool(ranker.kb.rows(mention.entities)) for document in documents for mention in document.mentions]
    kept_MD, found = vector_MD[np.array(known_M)], group(documents, ranker.kb).clusters
    prototype_CD = np.stack([kept_MD[list(cluster.mentions)].mean(axis=0) for cluster in found])
    entity_C, document_C = (np.array([getattr(its, name) for its in found]) for name in ("entity", "document"))
    return unit_vectors(ranker.encoder, prototype_CD), entity_C, document_C


# Tagging: a head is fitted to the words


def fitted(texts: Sequence[Text], tags: Tags) -> Head:
    """A head that tells the labels of these documents apart."""
    plain = [text.plain for text in texts]
    labels = [tags.of(text.document, start_W, end_W) for text, (start_W, end_W, _) in zip(texts, plain, strict=True)]
    vector_WD = torch.from_numpy(np.concatenate([its for _, _, its in plain]))
    wanted_W = torch.from_numpy(np.concatenate(labels))
    head = Head(vector_WD.shape[1], len(tags.labels), dropout=0.0)
    optimizer = torch.optim.Adam(head.parameters(), lr=RATE)
    for _ in range(STEPS):
        loss = torch.nn.functional.cross_entropy(head(vector_WD), wanted_W)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return head


@torch.inference_mode()
def found_in(text: Text, head: Head, tags: Tags) -> Found:
    """The mentions that a head finds, and how sure it is of each."""
    start_W, end_W, vector_WD = text.plain
    chance_WL = head(torch.from_numpy(vector_WD)).softmax(dim=1).double().numpy()
    spans = [
        Span(int(start_W[its.first]), int(end_W[its.last - 1]), its.type, its.confidence)
        for its in tags.spans(chance_WL)
    ]
    return Found.of(text.document, spans)


def tagging(
    ranker: Ranker, texts: Sequence[Text], tested: Sequence[Text], output: Path, *, rounds: int, seeds: int
) -> None:
    """Strong F1 of mentions with their types on test."""
    test = [text.document for text in tested]
    tags = Tags("bioes", ("Chemical", "Disease"))
    scores: dict[tuple[str, int, int], tuple[float, ...]] = {}  # of each mention that was ever found

    def predicted(head: Head, place: int) -> Sample:
        """What a head finds in a document, linked by names alone."""
        text, found = texts[place], found_in(texts[place], head, tags)
        mentions = found.document.mentions
        keys = [(found.document.id, one.start, one.end) for one in mentions]
        new = [place for place, key in enumerate(keys) if key not in scores]
        if new:
            vector_MD = text.mentions(ranker.encoder, [mentions[place] for place in new])
            hits = ranker.index.search(Queries(("",) * len(new), vector_MD), k=2)
            scores.update({keys[place]: tuple(its) for place, its in zip(new, hits.score_MK.tolist(), strict=True)})
        said = [
            Predicted(text=one.text, recognizer=sure, scores=scores[key])
            for one, sure, key in zip(mentions, found.confidence, keys, strict=True)
        ]
        return Sample(document=str(place), predicted=tuple(said))

    def curve(strategy: str, seed: int) -> Curve:
        taken, head, curve = list[int](), None, list[tuple[int, float]]()
        for round in range(rounds):
            left = [place for place in range(len(texts)) if place not in taken]
            if head is None or strategy == CONTROL:
                samples, rule = [Sample(document=str(place)) for place in left], CONTROL
            else:
                samples, rule = [predicted(head, place) for place in left], strategy
            taken += drawn(rule, samples, Known(), n=ROUND, seed=1000 * seed + round)
            head = fitted([texts[place] for place in taken], tags)
            found = [found_in(text, head, tags) for text in tested]
            curve.append((len(taken), by_type(found, test, seed=0)[0].strong.f1.value))
        print(f"{strategy}, seed {seed}: F1 {curve[-1][1]:.3f} of {curve[-1][0]} documents", flush=True)
        return curve

    mentions = sum(len(document.mentions) for document in test)
    curves = {name: [curve(name, seed) for seed in range(seeds)] for name in (CONTROL, "margin")}
    told("tagging", curves, output, what="strong F1 of mentions on test (%)", n=mentions)


# Of both


def drawn(strategy: str, samples: Sequence[Sample], known: Known, *, n: int, seed: int) -> list[int]:
    """The documents that a strategy draws, with no control arm."""
    made = choose(SAMPLING, {"name": strategy}, where="strategy").make()
    return [int(one.document) for one in draw(samples, made, name=strategy, n=n, known=known, seed=seed, control=0.0)]


def known(documents: Iterable[Document]) -> Known:
    """What is annotated in documents."""
    mentions = [mention for document in documents for mention in document.mentions]
    return Known(
        entities=frozenset(id for mention in mentions for id in mention.entities),
        forms=frozenset(mention.text.casefold() for mention in mentions),
    )


def told(name: str, curves: dict[str, list[Curve]], output: Path, *, what: str, n: int) -> None:
    """A table, a picture with the mean of the seeds and its deviation, and the numbers of every seed."""
    figure, (axes,) = sheet(1)
    rows = []
    sizes = [size for size, _ in curves[CONTROL][0]]
    shown = sorted({sizes[0], *(size for size in (20, 50, 100, 150, 200, 250) if size in sizes), sizes[-1]})
    print(f"\n{what}, N = {n:,}; mean and standard deviation over {len(curves[CONTROL])} seeds")
    print("| documents | " + " | ".join(map(str, shown)) + " |")
    print("|---" * (1 + len(shown)) + "|")
    for (strategy, its), (colour, marker) in zip(curves.items(), STYLES, strict=False):
        at = [[100 * one[place][1] for one in its] for place in range(len(sizes))]
        mean, spread = [fmean(values) for values in at], [stdev(values) if len(values) > 1 else 0.0 for values in at]
        axes.plot(sizes, mean, color=colour, marker=marker, ms=3, lw=1.2, label=strategy)
        axes.fill_between(sizes, np.subtract(mean, spread), np.add(mean, spread), color=colour, alpha=0.15, lw=0)
        cells = [f"{mean[sizes.index(size)]:.1f} ± {spread[sizes.index(size)]:.1f}" for size in shown]
        print(f"| {strategy} | " + " | ".join(cells) + " |", flush=True)
        rows += [(strategy, seed, size, value) for seed, one in enumerate(its) for size, value in one]
    axes.set(xlabel="annotated documents", ylabel=what, title=f"BC5CDR, simulated experts (N = {n:,} mentions)")
    finish(axes)
    print(write(figure, output / f"active-{name}.png", ("strategy", "seed", "documents", name), rows))


if __name__ == "__main__":
    main()
