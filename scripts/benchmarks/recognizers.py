"""Spans of recognizers against BC5CDR's, types and entities ignored: precision, recall, F1, speed, seconds to make, memory.

    TRIPEL_DATA=... python scripts/benchmarks/recognizers.py runs/bc5cdr --on dev dictionary "dictionary fuzzy=true"

The knowledge base is a run's. `--annotated` leaves of it what the corpus annotates: MeSH's diseases (C, F03), chemicals and drugs
(D), and all without a type, which are MEDIC's own and supplementary records. Time is the processor's, not the wall's, so that
others on the machine count little; memory is what the process grew by while a recognizer was made, each in a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from tripel.corpora.bc5cdr import Bc5cdr
from tripel.documents import Document
from tripel.judging.metrics import Estimate, precision_recall_f1
from tripel.knowledge import KnowledgeBase
from tripel.linking.linker import batched, recognizer_of
from tripel.linking.ranker import KNOWLEDGE
from tripel.recognizers.base import Recognizer

TREES = ("C", "D", "F03")
SEED = 42


def main() -> None:
    """A line of Markdown for each recognizer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("recognizers", nargs="+")
    parser.add_argument("--on", default="dev")
    parser.add_argument("--annotated", action="store_true")
    asked = parser.parse_args()
    if len(asked.recognizers) == 1:
        print(judged(asked.run, asked.recognizers[0], split=asked.on, annotated=asked.annotated), flush=True)
        return
    print(
        "| recognizer | names | precision | recall | F1 | texts/s | made in | memory |\n|---|---|---|---|---|---|---|---|",
        flush=True,
    )
    for one in asked.recognizers:
        more = ["--annotated"] if asked.annotated else []
        subprocess.run([sys.executable, __file__, str(asked.run), one, "--on", asked.on, *more], check=True)


def judged(run: Path, said: str, *, split: str, annotated: bool) -> str:
    """What came out for one recognizer."""
    kb = KnowledgeBase.open(run / KNOWLEDGE)
    if annotated:
        kb = KnowledgeBase(
            kb.table.filter(pa.array([not types or _wanted(types) for types in kb.table["types"].to_pylist()]))
        )
    documents = Bc5cdr(Bc5cdr.Config()).read(split)
    recognizer_of("gold", SimpleNamespace(kb=kb))  # type: ignore[arg-type]  # what every one imports
    before, begun = memory(), time.process_time()
    recognizer = recognizer_of(said, SimpleNamespace(kb=kb))  # type: ignore[arg-type]  # of a ranker it needs the names alone
    assert recognizer is not None
    made, grown = time.process_time() - begun, memory() - before
    begun = time.process_time()
    figures = spans(recognizer, documents)
    speed = len(documents) / (time.process_time() - begun)
    shown = " | ".join(f"{100 * one.value:.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}]" for one in figures)
    return f"| `{said}` | {len(kb.names):,} | {shown} | {speed:.0f} | {made:.1f} s | {grown:.0f} MiB |"


def spans(recognizer: Recognizer, documents: Sequence[Document]) -> tuple[Estimate, Estimate, Estimate]:
    """The same characters; annotations of several entities or types at one place count once."""
    table = []
    for some in batched(documents):
        for document, found in zip(some, recognizer.recognize(some), strict=True):
            wanted = {(one.start, one.end) for one in document.mentions}
            given = {(one.start, one.end) for one in found.document.mentions}
            right = len(wanted & given)
            table.append((right, len(given), right, len(wanted)))
    return precision_recall_f1(*np.array(table, np.float64).T, seed=SEED)


def memory() -> float:
    """Resident memory of this process, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


def _wanted(types: Sequence[str]) -> bool:
    return any(type.startswith(TREES) for type in types)


if __name__ == "__main__":
    main()
