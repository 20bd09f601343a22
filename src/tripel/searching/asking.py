"""What `tripel index` does: build a folder that can be asked, carry it over to another knowledge base, ask it, plan it."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from tripel import formats
from tripel.config import build as build_config
from tripel.config import choose, dump
from tripel.corpora.pubtator import whole
from tripel.encoding.encode import entity_vectors, unit_vectors
from tripel.encoding.encoder import Encoder
from tripel.files import appearing, located, mended, read_json, share, write_json
from tripel.kb import library
from tripel.knowledge import KnowledgeBase
from tripel.linking.abbreviations import expand
from tripel.linking.deciding import CALIBRATION
from tripel.linking.ranker import INDEX, KNOWLEDGE, Ranker
from tripel.linking.reranker import RERANKER
from tripel.linking.whole import WEIGHTS
from tripel.progress import bar
from tripel.recognizers.base import TAGGER
from tripel.reports import tables
from tripel.searching import indexing
from tripel.searching import learn as index_learn
from tripel.searching import plan as index_plan
from tripel.searching import update as index_update
from tripel.searching.indexing import Stamp
from tripel.searching.plan import memory
from tripel.searching.rows import EVIDENCE_ALONE, rows_of
from tripel.searching.vectors import Vectors
from tripel.sizes import parsed, said
from tripel.training import checkpoint
from tripel.training.preparing import read_terminologies

MADE_FROM = "made_from.json"  # which encoder a folder was begun with
SAMPLE = 20_000  # names that a plan is tried on


@dataclass(frozen=True, slots=True)
class Answer:
    """One entity that a query found."""

    query: str
    rank: int
    entity: str
    name: str
    matched: str
    """The name that matched; the preferred one where an entity was found by something else."""
    found_by: str
    """names, whole, centroids or mentions."""
    source: str
    """The vocabulary of the name that matched, where known."""
    score: float
    """The similarity of the encoder: for the cosine, the cosine. Training mentions rank a discount below theirs."""


def knowledge(source: str, settings: Mapping[str, Any] | None = None) -> KnowledgeBase:
    """A saved knowledge base, a folder of versions, a dictionary file, or terminologies by name: `mesh`, `mesh+ctd`.

    `settings` are those of a single terminology.
    """
    path = Path(source)
    folder = Path(source.rpartition("@")[0] or source)
    if path.suffix == ".arrow" or (folder / library.VERSIONS).exists():
        return library.opened(path)
    if path.is_dir() and (path / KNOWLEDGE).exists():
        return KnowledgeBase.open(path / KNOWLEDGE)
    listed: list[dict[str, Any]]
    if located(source).is_file():
        listed = [{"name": "dictionary", "path": str(located(source))}]
    elif path.suffix or len(path.parts) > 1:
        raise ValueError(
            f"{source}: no such file or folder; expected a dictionary, a knowledge base, or terminologies such as mesh+ctd"
        )
    else:
        listed = [{"name": name, **(settings or {})} for name in source.split("+")]
    return read_terminologies([choose("terminologies", one, where="terminology") for one in listed])


def encoder_of(model: str, settings: Mapping[str, Any]) -> Encoder:
    """The encoder of a run as it was trained, or another one with settings."""
    trained = Path(model) / checkpoint.ENCODER
    if mended(trained).is_dir():
        if settings:
            raise ValueError(
                f"{model} was trained with its own encoder settings; leave out encoder.{next(iter(settings))}"
            )
        return Encoder.load(trained)
    return Encoder(build_config(Encoder.Config, {"view": "bare", **settings, "model": model}, where="encoder"))


def build_index(model: str, source: str, folder: Path, settings: Mapping[str, Any], *, max_ram: str = "") -> str:
    """Encode a knowledge base into a folder that can be asked. Killed, it goes on where it stood when called again."""
    index, shown = _sections(settings)
    config = indexing.Config.read({"rows": ["names"], **index}, where="index")
    if "mentions" in config.rows:
        raise ValueError(
            "index.rows: mentions come of a corpus; a run has them, and `tripel index learn` adds them to a folder"
        )
    if EVIDENCE_ALONE in config.rows:
        raise ValueError("index.rows: descriptions are evidence of wholes, which only a run weighs")
    encoder, kb = encoder_of(model, shown), knowledge(source)
    if not len(kb):
        raise ValueError(f"{source}: a knowledge base without concepts")
    _own(folder, "build an index in another --output")
    _fits(config, kb, encoder, max_ram)
    made, origin = (
        folder / checkpoint.ENCODER,
        {"model": model, "encoder": dump(encoder.config), "weights": _weights(model)},
    )
    if (folder / MADE_FROM).exists() and read_json(folder / MADE_FROM) != origin:
        raise ValueError(f"{folder} was begun with another encoder; choose another --output, or delete it")
    write_json(folder / MADE_FROM, origin)
    if not mended(made).exists():
        part = folder / f".{checkpoint.ENCODER}.part"
        encoder.save(part)
        part.rename(made)
    stamp = Stamp(checkpoint.encoder_fingerprint(made), kb.fingerprint)
    kb.save(folder / KNOWLEDGE)
    if not indexing.made_by(folder / INDEX, stamp, config) or not _whole(folder / INDEX, kb, stamp):
        with bar("encoding the knowledge base") as progress:
            indexing.make(folder / INDEX, Encoder.load(made), kb, None, config, stamp=stamp, progress=progress)
    return f"{folder}: {len(kb):,} concepts, {len(kb.names):,} names; ask it with `tripel index query {folder} NAME`"


def update(folder: Path, source: str, output: Path | None = None) -> str:
    """Carry a folder over to another version of its knowledge base, encoding only what is new.

    A run keeps its knowledge base: what links of it goes on in `output`. A folder goes on in its place where there is none.
    """
    if output is None:
        _own(folder, "say --output OTHER, where its linker goes on")
    else:
        _carried(folder, output)
        folder = output
    made, new = checkpoint.published(folder), knowledge(source)
    stamp = Stamp(checkpoint.encoder_fingerprint(made), new.fingerprint)
    if indexing.made_by(folder / INDEX, stamp):
        new.save(folder / KNOWLEDGE)
        return f"{folder} is of this version already"
    linker = Ranker.load(folder)
    with bar("encoding new names") as progress:
        counts = index_update.update(folder / INDEX, linker.encoder, linker.kb, new, stamp=stamp, progress=progress)
    new.save(folder / KNOWLEDGE)
    return f"{folder}: {counts}"


LINKS = (checkpoint.ENCODER, INDEX, KNOWLEDGE, WEIGHTS, CALIBRATION, RERANKER, TAGGER)  # all that links, in a run
UNNEEDED = (checkpoint.STATE, "wandb", "*.jsonl", checkpoint.CONFIG)  # of training a re-ranker


def linking(folder: Path) -> Iterator[Path]:
    """The files of a run, or of another folder, that link; not what training left beside them."""
    own = (checkpoint.OBJECTIVE,) if (folder / TAGGER).exists() else ()  # the head of a tagger that shares the encoder
    for its in (folder / name for name in (*LINKS, *own)):
        for path in sorted(its.rglob("*")) if its.is_dir() else [its]:
            below = path.relative_to(its).parts
            if path.is_file() and not any(fnmatch(part, left) for part in below for left in UNNEEDED):
                yield path


def _carried(folder: Path, output: Path) -> None:
    """What links of a run, in a folder of its own; files are shared, not copied."""
    if output.exists():
        raise ValueError(f"{output} is there already; `tripel index update {output} KB` goes on with it")
    Ranker.load(folder)  # raises where something is missing
    with appearing(output) as part:
        lay_out(folder, part, copy=share)


def lay_out(folder: Path, part: Path, *, copy: Callable[[str, str], object]) -> None:
    """Bring what links of a run into another folder, file by file."""
    for path in linking(folder):
        target = part / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        copy(str(path), str(target))


def learn(folder: Path, files: Sequence[Path]) -> str:
    """Annotated documents join the index of a run or a folder, without training."""
    linker = Ranker.load(folder)
    read = (formats.of(formats.detect(file)).read(file) for file in files)
    documents = [document for found in read for document in whole(found)]
    if linker.encoder.config.long_forms:
        documents = list(map(expand, documents))
    with bar("encoding annotated mentions") as progress:
        return f"{folder}: {index_learn.learn(folder / INDEX, linker.encoder, linker.kb, documents, progress=progress)}"


def ask(
    linker: Ranker,
    queries: Sequence[str],
    *,
    k: int,
    types: Iterable[str] = (),
    sources: Iterable[str] = (),
    ids: Iterable[str] = (),
) -> list[Answer]:
    """The k closest entities of each name, asked once each; filters act before ranking."""
    types, sources, ids = tuple(types), tuple(sources), tuple(ids)
    allowed_E = linker.kb.allowed(types=types, sources=sources, ids=ids) if types or sources or ids else None
    queries = list(dict.fromkeys(queries))
    hits = linker.ask(queries, k=k, allowed_E=allowed_E)
    return [
        _answer(linker, query, rank, int(row), float(score), int(place))
        for query, rows, scores, places in zip(queries, hits.row_MK, hits.score_MK, hits.name_MK, strict=True)
        for rank, (row, score, place) in enumerate(zip(rows, scores, places, strict=True), 1)
        if row >= 0
    ]


def words(queries: Sequence[str], answers: Sequence[Answer], *, as_json: bool) -> str:
    """For people, a table under each query; or JSON Lines, of a query that found nothing one without an entity."""
    by_query: dict[str, list[Answer]] = {query: [] for query in queries}
    for one in answers:
        by_query[one.query].append(one)
    if as_json:
        told = [asdict(one) for its in by_query.values() for one in its]
        told += [{"query": query, "rank": 0, "entity": None} for query, its in by_query.items() if not its]
        return "\n".join(json.dumps(one, ensure_ascii=False) for one in told)
    return "\n\n".join("\n".join([query, *(_lines(its) or ["    nothing found"])]) for query, its in by_query.items())


def _lines(answers: Sequence[Answer]) -> list[str]:
    lines = []
    for one in answers:
        matched = f" (as {one.matched!r})" if one.matched != one.name else ""
        beside = "" if one.found_by == "names" else f" by {one.found_by}"
        source = f" [{one.source}]" if one.source else ""
        lines.append(f"    {one.score:.3f}  {one.entity:<14}{one.name}{matched}{source}{beside}")
    return lines


def plan(model: str, source: str, settings: Mapping[str, Any], *, ram: str) -> str:
    """What each index would cost for a knowledge base, and which one to take. Gives a table as Markdown."""
    limit = parsed(ram)
    index, shown = _sections(settings)
    if index:
        raise ValueError(f"index.{next(iter(index))}: a plan tries every index of vectors; leave it out")
    encoder, kb = encoder_of(model, shown), knowledge(source)
    if not len(kb):
        raise ValueError(f"{source}: a knowledge base without concepts")
    chosen = np.random.default_rng(42).permutation(len(kb.names))[:SAMPLE]
    with bar("encoding a sample") as progress:
        texts = kb.names.take(np.sort(chosen)).to_pylist()
        sample = Vectors([unit_vectors(encoder, entity_vectors(encoder, texts, progress=progress))])
    with bar("trying each index") as progress:
        found = index_plan.plan(
            sample, texts, rows=len(kb.names), similarity=encoder.config.similarity, progress=progress
        )
    disk = 2 * len(kb.names) * encoder.dimensions
    rows = [
        [
            one.name,
            said(one.memory),
            _on_disk(one, vectors=disk),
            f"{one.build_seconds / 60:.1f} min",
            "compares spelling" if math.isnan(one.recall) else f"{100 * (1 - one.recall):.1f} %",
            f"{one.faster:.1f}x",
        ]
        for one in found
    ]
    columns = ["index", "memory", "disk", "build, after encoding", "missed of the first 64", "speed, times exact"]
    best = index_plan.choose(found, ram=limit)
    command = f"tripel index build {model} {source} {best.words}" if best else ""
    verdict = f"take {best.name}: `{command}`" if best else "none fits; give more, or fewer names"
    grows = "; with more names hnsw misses more" if len(sample) < len(kb.names) else ""
    return (
        f"{len(kb.names):,} names of {encoder.dimensions} dimensions; build, misses and speed from {len(sample):,} of them\n\n"
        f"{tables.Table(columns, rows)}\n\nmisses are the sample's{grows}; ngram and bm25 are made when they are opened\n"
        f"within {ram}, of which Python, torch and an encoder are counted as {said(index_plan.BESIDES)}: {verdict}"
    )


def _on_disk(one: index_plan.Option, *, vectors: int) -> str:
    """The vectors, and what is made to search them; names alone are in the knowledge base."""
    if one.search.name in index_plan.SPELLING:
        return "names alone"
    return said(vectors + (0 if one.search.name == "exact" else one.memory))


def _sections(settings: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The settings of index and encoder. Raises ValueError for others."""
    for key, value in settings.items():
        if key not in ("index", "encoder") or not isinstance(value, Mapping):
            raise ValueError(f"{key}: expected index.search.name=..., encoder.precision=... and their like")
    return settings.get("index", {}), settings.get("encoder", {})


def _own(folder: Path, instead: str) -> None:
    """Raises ValueError for the folder of a training run, whose candidates and questions stand on its own knowledge base."""
    if (folder / checkpoint.CONFIG).exists():
        raise ValueError(f"{folder} is a training run and keeps its knowledge base; {instead}")


def _weights(model: str) -> str:
    """Of a run's encoder: it may be trained further."""
    trained = Path(model) / checkpoint.ENCODER
    return checkpoint.encoder_fingerprint(trained) if trained.is_dir() else ""


def _whole(folder: Path, kb: KnowledgeBase, stamp: Stamp) -> bool:
    """Whether an index opens; one that is damaged makes room."""
    try:
        indexing.opened(folder, kb, stamp=stamp, rebuild="")
    except (ValueError, OSError):
        shutil.rmtree(folder)
        return False
    return True


def _fits(config: indexing.Config, kb: KnowledgeBase, encoder: Encoder, max_ram: str) -> None:
    """Raises ValueError before any work where searching would take more memory than given."""
    if not max_ram:
        return
    rows = {kind: len(rows_of(kind, kb)[0]) for kind in config.rows if kind != "mentions"}
    held = (memory(config.search, rows=count, dimensions=encoder.dimensions) for count in rows.values())
    needed = sum(held) + index_plan.BESIDES
    if needed > parsed(max_ram):
        raise ValueError(
            f"{config.search.name} over {sum(rows.values()):,} rows needs about {said(needed)}, more than {max_ram}"
            f" ({said(index_plan.BESIDES)} of it for Python, torch and an encoder); `tripel index plan` tells what others take"
        )


def _answer(linker: Ranker, query: str, rank: int, row: int, score: float, place: int) -> Answer:
    kb = linker.kb
    first, number = int(kb.first_E[row]), int(linker.index.name_N[place])
    sources = kb.sources(row)
    within = number - first if number >= 0 else 0
    return Answer(
        query=query,
        rank=rank,
        entity=kb.id(row),
        name=str(kb.names[first].as_py()),
        matched=str(kb.names[number if number >= 0 else first].as_py()),
        found_by=linker.index.kind(place),
        source=sources[within] if sources else "",
        score=round(score + linker.index.discount(place), 6),
    )
