"""Memory and speed of `nlp.pipe` with the linker, in one process and in several; one run, one machine.

    TRIPEL_DATA=... python scripts/benchmarks/spacy_processes.py runs/fast
    TRIPEL_DATA=... python scripts/benchmarks/spacy_processes.py runs/fast --processes 1 2 4 --documents 200

Texts are those of BC5CDR's test, their spans the annotated ones, so nothing is recognised and the linker is all that works. Each
figure comes from a process of its own with its children, whose memory is read four times a second from outside: PSS, in which
a page that several share counts once in all, and USS, what each has for itself. `opened` had linked one text before the others
were started. Pages of files count while they are mapped, though the system can take them back. In seconds, until the last text
came out, the start of processes and the opening of the run are included.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from tripel.corpora.bc5cdr import Bc5cdr
from tripel.documents import Document
from tripel.spacy import TripelLinker

PAUSE = 0.25  # seconds between two looks
BATCH = 16  # texts that a process is handed at a time


@dataclass
class Seen:
    """The most that a process and its children held, in bytes."""

    pss: int = 0
    uss: tuple[int, ...] = ()

    def look(self, process: psutil.Process) -> None:
        """Once."""
        found = [held for one in [process, *process.children(recursive=True)] if (held := memory(one))]
        if sum(pss for pss, _ in found) > self.pss:
            self.pss = sum(pss for pss, _ in found)
            self.uss = tuple(uss for _, uss in found)


def main() -> None:
    """One process after the other, then the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--documents", type=int, default=100)
    parser.add_argument("--work", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--opened", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        print(worked(asked.run, asked.documents, processes=asked.work, opened=asked.opened))
        return
    print(
        "| n_process | opened | texts/s | seconds | processor s | PSS of all, MiB | USS of each, MiB |\n"
        + "|---" * 7
        + "|"
    )
    for processes in asked.processes:
        for opened in (False, True) if processes > 1 else (False,):
            words = [str(asked.run), "--documents", str(asked.documents), "--work", str(processes)]
            seen, told = watched([*words, *(["--opened"] if opened else [])])
            each = ", ".join(f"{uss >> 20:,}" for uss in seen.uss)
            print(f"| {processes} | {opened} | {told} | {seen.pss >> 20:,} | {each} |", flush=True)


def watched(words: list[str]) -> tuple[Seen, str]:
    """What a run of this script with other words held, and what it said."""
    seen = Seen()
    with subprocess.Popen([sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True) as its:
        while its.poll() is None:
            seen.look(psutil.Process(its.pid))
            time.sleep(PAUSE)
        assert its.stdout is not None and its.returncode == 0
        return seen, its.stdout.read().strip()


def memory(process: psutil.Process) -> tuple[int, int] | None:
    """PSS and USS; none of a process that has ended."""
    try:
        held = process.memory_full_info()
        return held.pss, held.uss
    except psutil.Error:
        return None


def worked(run: Path, documents: int, *, processes: int, opened: bool) -> str:
    """Link texts; their number a second, the seconds that took, and the seconds that all processes worked."""
    nlp = spacy.blank("en")
    linker = nlp.add_pipe("tripel_linker", config={"run": str(run)})
    assert isinstance(linker, TripelLinker)
    texts = Bc5cdr(Bc5cdr.Config()).read("test")[:documents]
    docs = [annotated(nlp, document) for document in texts]
    if opened:
        linker(annotated(nlp, texts[0]))
    began, before = time.monotonic(), sum(os.times()[:4])
    for _ in nlp.pipe(docs, n_process=processes, batch_size=BATCH):
        pass
    spent = time.monotonic() - began
    return f"{len(docs) / spent:.2f} | {spent:.0f} | {sum(os.times()[:4]) - before:.0f}"


def annotated(nlp: Language, document: Document) -> Doc:
    """A text with its annotated spans, as far as they end where tokens do."""
    doc = nlp.make_doc(document.text)
    spans = (doc.char_span(its.start, its.end, label=its.type) for its in document.mentions if not its.parts)
    doc.ents = spacy.util.filter_spans([span for span in spans if span is not None])
    return doc


if __name__ == "__main__":
    main()
