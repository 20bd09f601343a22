"""A run, a bundle, or another folder that links: whether it opens, is of one piece and links, and how much memory that takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil

from tripel import limits
from tripel.documents import Document, Mention
from tripel.environment import versions
from tripel.files import mended, read_json
from tripel.findings import Finding, ok, problem, warning
from tripel.linking import bundle
from tripel.linking.linker import Linker
from tripel.linking.ranker import INDEX
from tripel.searching.indexing import ORIGIN, Config, kinds
from tripel.searching.plan import BESIDES, memory
from tripel.searching.rows import load_rows, shards
from tripel.sizes import said
from tripel.tasks import ENVIRONMENT

WHAT = "opens"


def findings(folder: Path) -> Iterator[Finding]:
    """A run, or another folder that links."""
    yield from _account(folder)
    yield from _made_with(folder)
    free, needed = _free(), expected(folder)
    if needed > free:
        do = "free memory, or build an index that takes less: `tripel index plan` tells which"
        yield problem(WHAT, f"not tried: linking takes about {said(needed)}, and {said(free)} are free", do)
        return
    began, before = time.monotonic(), _held()
    try:
        linker = Linker.load(folder)
        found = _linked(linker)
    except (ValueError, OSError) as error:
        yield problem(WHAT, str(error), "do what it says, then ask again")
        return
    kb = linker.ranker.kb
    spent = f"{time.monotonic() - began:.1f} s"
    yield ok(WHAT, f"{folder}: {len(kb):,} concepts, {len(kb.names):,} names, in {spent} with the first link")
    yield ok("fingerprints", "encoder, knowledge base and index belong together, and so does what was chosen for them")
    yield found
    yield ok("memory used", f"{said(_held())} by this process, of it {said(max(0, _held() - before))} for linking")


def expected(folder: Path) -> int:
    """About the bytes that linking takes; 0 where no index lies there."""
    index = mended(folder / INDEX)
    if not (index / ORIGIN).is_file():
        return 0
    config = Config.read(read_json(index / ORIGIN).get("settings"), where=str(index / ORIGIN))
    total = BESIDES
    for kind in kinds(index, config):
        first = next(iter(shards(index / kind)), None)
        dimensions = 0 if first is None else int(np.load(first, mmap_mode="r", allow_pickle=False).shape[1])
        total += memory(config.search, rows=len(load_rows(index / kind)["entity"]), dimensions=dimensions)
    return total


def _account(folder: Path) -> Iterator[Finding]:
    """Of a bundle, whether every file is there in its size."""
    if not (folder / bundle.BUNDLE).exists():
        return
    try:
        files = bundle.Bundle.load(folder).files
    except ValueError as error:
        yield problem("bundle", str(error), "copy it again")
        return
    wrong = [
        name
        for name, its in files.items()
        if not (folder / name).is_file() or (folder / name).stat().st_size != its.size
    ]
    do = f"`tripel bundle --check {folder}` reads every file; it reads their bytes, too"
    if wrong:
        yield problem("bundle", f"{len(wrong)} of {len(files)} files are missing or of another size: {wrong[0]}", do)
    else:
        yield ok(
            "bundle", f"{len(files)} files are there in their sizes; `tripel bundle --check {folder}` reads them all"
        )


def _made_with(folder: Path) -> Iterator[Finding]:
    """Packages of other versions than the run was made with."""
    path = folder / (bundle.BUNDLE if (folder / bundle.BUNDLE).exists() else ENVIRONMENT)
    then = read_json(path).get("packages", {}) if path.exists() else {}
    now = versions()
    other = [f"{name} {then[name]}, now {now[name]}" for name in now if then.get(name) and then[name] != now[name]]
    if other:
        do = "last digits of scores may differ; where that matters, install what it was made with"
        yield warning("made with", "; ".join(other), do)


def _linked(linker: Linker) -> Finding:
    """A name of the knowledge base, linked."""
    kb = linker.ranker.kb
    text = str(kb.names[0].as_py())
    mention = Mention(start=0, end=len(text), text=text)
    link = linker.link(Document(id="1", text=text, mentions=(mention,))).links[0]
    finds = "nothing finds mentions in it" if linker.recognizer is None else "it finds mentions itself"
    right = [one.entity for one in link.candidates].count(kb.id(0))
    if not right:
        do = "look at its tables, or train it again: a name should lead to its own entity"
        return warning("links", f"a name of the knowledge base ({kb.id(0)}) is not among its first candidates", do)
    return ok("links", f"a name of the knowledge base leads to its entity; {finds}")


def _free() -> int:
    within = limits.memory()
    free = int(psutil.virtual_memory().available)
    return free if within is None else min(free, within.limit - within.used)


def _held() -> int:
    return int(psutil.Process().memory_info().rss)
