"""Searching names as one types: SQLite's FTS5, as `tripel.annotations.name_search` asks it, and tantivy, over the same names.

    python scripts/benchmarks/name_search.py                    8.6 million names, some 10 minutes
    python scripts/benchmarks/name_search.py --names 1000000

The names are those of MeSH and MEDIC in $TRIPEL_DATA, then these again with words of other names in the place of about half of
theirs, as new concepts. Queries are mentions of BC5CDR's test, each typed so far as chance has it. Both indexes give 20 entities,
by the same rule: names that begin with what is typed before those that have all its words; the shorter first.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import tantivy

from tripel.annotations.name_search import NameSearch
from tripel.annotations.typed_words import plain, words
from tripel.corpora.bc5cdr import Bc5cdr
from tripel.knowledge import Entity, KnowledgeBase
from tripel.progress import Progress, bar
from tripel.searching.asking import knowledge

NAMES = 8_600_000  # English names of UMLS
QUERIES = 2_000
K = 20
SHORT = 8  # the longest beginning of a word that has a term of its own
FETCHED = 4  # names fetched for each entity wanted: several may be of one


def main() -> None:
    """Build both, ask both, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", type=int, default=NAMES)
    asked = parser.parse_args()
    kb = KnowledgeBase.of(repeated(knowledge("mesh+ctd"), asked.names))
    queries = typed(QUERIES)
    print(f"{len(kb.names):,} names of {len(kb):,} concepts; {len(queries):,} queries, {K} entities each", flush=True)
    print(
        "| index | build (s) | disk (MB) | p50 (ms) | p95 (ms) | p99 (ms) | slowest (ms) |\n|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        answers = {name: measured(name, kb, Path(folder, name), queries) for name in ("FTS5", "tantivy")}
    alike = np.mean([first == second for first, second in zip(*answers.values(), strict=True)])
    found = np.mean([bool(first) for first in answers["FTS5"]])
    print(f"\nboth give the same first entity for {alike:.1%} of the queries; {found:.1%} find something")


def measured(name: str, kb: KnowledgeBase, folder: Path, queries: Sequence[str]) -> list[str]:
    """Print a row of the table; gives the id of the first entity of each query."""
    began = time.perf_counter()
    with bar(f"{name}: names", unit="names") as progress:
        find = (fts5 if name == "FTS5" else Tantivy)(kb, folder, progress)
    built = time.perf_counter() - began
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    for query in queries[:50]:  # files are read once before it counts
        find(query)
    seconds, first = [], []
    for query in queries:
        began = time.perf_counter()
        found = find(query)
        seconds.append(time.perf_counter() - began)
        first.append(found[0] if found else "")
    p50, p95, p99, slowest = 1e3 * np.percentile(seconds, [50, 95, 99, 100])
    print(f"| {name} | {built:.0f} | {size:,.0f} | {p50:.2f} | {p95:.2f} | {p99:.2f} | {slowest:.1f} |", flush=True)
    return first


def fts5(kb: KnowledgeBase, folder: Path, progress: Progress) -> Callable[[str], list[str]]:
    """As the server searches."""
    search = NameSearch.open(kb, folder, progress=progress)
    return lambda query: [found.entity for found in search.find(query, k=K)]


class Tantivy:
    """The same rule by tantivy: each name with its words, all beginnings of them up to SHORT, and itself as one term."""

    def __init__(self, kb: KnowledgeBase, folder: Path, progress: Progress) -> None:
        self.kb = kb
        folder.mkdir()
        builder = tantivy.SchemaBuilder()
        for field in ("words", "beginnings", "heads"):
            builder.add_text_field(field, tokenizer_name="whitespace", index_option="basic")
        builder.add_text_field("whole", tokenizer_name="raw", index_option="basic")
        builder.add_unsigned_field("length", fast=True)
        builder.add_unsigned_field("name", fast=True)
        self.schema = builder.build()
        index = tantivy.Index(self.schema, path=str(folder))
        index.register_tokenizer("whitespace", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
        writer = index.writer(heap_size=512_000_000, num_threads=1)
        shown = plain(kb.names)
        for first in range(0, len(shown), 50_000):
            for number, text in enumerate(shown[first : first + 50_000].to_pylist(), first):
                writer.add_document(self._document(number, text))
            progress(min(first + 50_000, len(shown)), len(shown))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self.searcher = index.searcher()

    def __call__(self, query: str) -> list[str]:
        """Ids of the first K entities."""
        typed, found = words(query), dict[int, None]()
        for question in self._questions(typed):
            hits = self.searcher.search(
                question, limit=FETCHED * K, count=False, order_by_field="length", order=tantivy.Order.Asc
            ).hits
            for name in self.searcher.fast_field_values("name", [address for _, address in hits]):
                found[int(np.searchsorted(self.kb.first_E, int(name or 0), side="right")) - 1] = None
            if len(found) >= K:
                break
        return [self.kb.id(row) for row in list(found)[:K]]

    def _document(self, number: int, text: str) -> tantivy.Document:
        beginnings = {word[:end] for word in text.split() for end in range(1, min(SHORT, len(word)) + 1)}
        heads = {text[:end].replace(" ", "_") for end in range(1, min(SHORT, len(text)) + 1)}
        made = tantivy.Document(words=text, whole=text, beginnings=" ".join(beginnings), heads=" ".join(heads))
        made.add_unsigned("length", len(text))
        made.add_unsigned("name", number)
        return made

    def _questions(self, typed: Sequence[str]) -> Iterator[tantivy.Query]:
        if not typed:
            return
        text = " ".join(typed)
        yield self._term("heads", text.replace(" ", "_")) if len(text) <= SHORT else self._prefix("whole", text)
        last = self._begins(typed[-1])
        must = [self._term("words", word) for word in typed[:-1]]
        yield tantivy.Query.boolean_query([(tantivy.Occur.Must, one) for one in [*must, last]])
        if len(typed) > 1:
            yield tantivy.Query.boolean_query([(tantivy.Occur.Must, self._begins(word)) for word in typed])

    def _begins(self, word: str) -> tantivy.Query:
        return self._term("beginnings", word) if len(word) <= SHORT else self._prefix("words", word)

    def _term(self, field: str, word: str) -> tantivy.Query:
        return tantivy.Query.term_query(self.schema, field, word, index_option="basic")

    def _prefix(self, field: str, text: str) -> tantivy.Query:
        return tantivy.Query.regex_query(self.schema, field, f"{text}.*")  # letters, digits and blanks alone


def repeated(kb: KnowledgeBase, names: int) -> Iterator[Entity]:
    """The concepts of a knowledge base, then copies with other words, until there are so many names."""
    rng = random.Random(1)
    others = [word for name in kb.names.to_pylist() for word in name.split()]
    left, round = names, 0
    while left > 0:
        for entity in kb:
            if left <= 0:
                return
            shown = entity.names if not round else tuple(varied(name, others, rng) for name in entity.names)
            yield Entity(id=f"{entity.id}-{round}", name=shown[0], synonyms=shown[1:], types=entity.types)
            left -= len(set(shown))
        round += 1


def varied(name: str, others: Sequence[str], rng: random.Random) -> str:
    """About half of the words are others."""
    return " ".join(rng.choice(others) if rng.random() < 0.5 else word for word in name.split())


def typed(count: int) -> list[str]:
    """Beginnings of mentions."""
    rng = random.Random(2)
    mentions = [mention.text for document in Bc5cdr(Bc5cdr.Config()).read("test") for mention in document.mentions]
    return [mention[: rng.randint(1, len(mention))] for mention in rng.choices(mentions, k=count)]


if __name__ == "__main__":
    main()
