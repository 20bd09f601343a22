"""A project's own index: the model's, with what was annotated in the project as rows beside it. The model stays as it is.

What was decided helps before any training. A document that changed replaces its rows. It knows how far in the log it has read,
so it catches up by itself, whoever wrote meanwhile. Where annotators work blind it learns what a reviewer settled alone: all see
what it says, and none is to see what another decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select

from tripel.annotations import models, projects, settled
from tripel.annotations.alone import alone
from tripel.annotations.database import Database
from tripel.annotations.models import Model
from tripel.annotations.predicted import OFFERED
from tripel.annotations.schema import events
from tripel.documents import Document
from tripel.encoding.encoder import Encoder
from tripel.files import appearing, read_json, share, write_json
from tripel.knowledge import KnowledgeBase
from tripel.linking.abbreviations import expand
from tripel.linking.linker import Linker
from tripel.linking.ranker import INDEX, Ranker
from tripel.searching.asking import lay_out
from tripel.searching.indexing import ORIGIN, Config, opened, stamp_of
from tripel.searching.learn import learn

READ = "read.json"  # how far in the log, and whose decisions
SILENT = ("predict", "time", "comment", "flag")  # events that change nothing that is learnt


class Overlay:
    """The index of a project with one version of its model; any process may open it."""

    def __init__(self, database: Database, files: Path, model: Model) -> None:
        """`files` is where the server keeps files."""
        self.database = database
        self.model = model
        self.folder = projects.place(files, model.project) / f"model-{model.version}"
        self._blind = projects.get(database, model.project).mode == "blind"

    def link(self) -> Linker:
        """Open what links, with all that was annotated so far. Raises ValueError where the model does not link."""
        self.laid_out()
        linker = Linker.load(self.folder, recognizer=models.finds(self.model), k=OFFERED)
        if self.catch_up(linker.ranker.encoder, linker.ranker.kb):
            linker = self.again(linker)
        return linker

    def again(self, linker: Linker) -> Linker:
        """The same linker with the index as it is now; encoder and recogniser stay as they are."""
        its, index = linker.ranker, self.folder / INDEX
        entities = opened(index, its.kb, stamp=stamp_of(index), rebuild="")
        return Linker(
            Ranker(its.encoder, its.kb, entities, its.weights, its.reranker, its.calibration),
            linker.recognizer,
            k=linker.k,
            threshold=linker.threshold,
            allowed_E=linker.allowed_E,
            vocabulary=linker.vocabulary,
        )

    def laid_out(self) -> None:
        """Lay the folder out where it is not there: files are shared with the model's where they can be."""
        with alone(self.folder):
            if not self.folder.exists():
                with appearing(self.folder) as part:
                    lay_out(self.model.folder, part, copy=share)

    @property
    def read(self) -> int:
        """The number of the last event whose document was learnt; 0 where it is all to be learnt again."""
        path = self.folder / READ
        said = read_json(path) if path.is_file() else {}
        # an index that learnt of annotators who work blind has rows that nobody may see
        return int(said["event"]) if said and bool(said.get("settled")) is self._blind else 0

    def catch_up(self, encoder: Encoder, kb: KnowledgeBase) -> int:
        """Learn the documents that changed since it was last done; how many."""
        with alone(self.folder):
            last, changed = self._changed(self.read)
            if changed and not self._spelt:
                learnt = [one.document() for one in settled.agreed(self.database, changed)]
                chosen = list(map(expand, learnt)) if encoder.config.long_forms else learnt
                learn(self.folder / INDEX, encoder, kb, list(map(_linked, chosen)))
            if changed:
                write_json(self.folder / READ, {"event": last, "settled": self._blind})
            return 0 if self._spelt else len(changed)

    @property
    def _spelt(self) -> bool:
        """Whether names are compared as they are spelt: such an index has no rows for mentions."""
        index = self.folder / INDEX
        return Config.read(read_json(index / ORIGIN)["settings"], where=f"{index / ORIGIN}: settings").lexical

    def _changed(self, beyond: int) -> tuple[int, Sequence[int]]:
        """The last event there is, and the documents that people changed after another."""
        asked = select(events.c.seq, events.c.document, events.c.kind).where(
            events.c.project == self.model.project, events.c.seq > beyond
        )
        with self.database.connect() as connection:
            rows = connection.execute(asked.order_by(events.c.seq)).all()
        changed = dict.fromkeys(row.document for row in rows if row.kind not in SILENT)
        return (rows[-1].seq if rows else beyond), tuple(changed)


def _linked(document: Document) -> Document:
    """Without the mentions that have no entity, of which there is nothing to learn."""
    return document.having(mentions=[mention for mention in document.mentions if mention.entities])
