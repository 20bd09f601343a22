"""Listening to a run: what goes to the journal, what is kept, when dev is looked at, when wrong entities are found anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from tripel.encoding.encode import entity_vectors, mention_vectors
from tripel.encoding.encoder import Encoder
from tripel.files import read_lines
from tripel.indexes.base import Hits
from tripel.knowledge import KnowledgeBase
from tripel.progress import bar
from tripel.training import checkpoint, negatives
from tripel.training.batches import Lesson, Near
from tripel.training.journal import METRICS, Journal
from tripel.training.negatives import Pool
from tripel.training.preparing import Ground
from tripel.training.trainer import Place, Step, Trainer


class Lessons:
    """The lesson of each epoch: wrong entities by spelling at first, then what the encoder confuses."""

    def __init__(self, its: negatives.Config, trainer: Trainer, first: Lesson, pool: Pool, *, start: Place) -> None:
        self.its = its
        self.trainer = trainer
        self.now = first
        self.pool = pool
        self.mined = start.epoch if start.batch else start.epoch - 1

    def of(self, epoch: int) -> Lesson:
        """Mined anew where it is due; what a checkpoint within an epoch brought back serves that epoch."""
        if self.its.refresh and epoch and epoch > self.mined and epoch % self.its.refresh == 0:
            encoder = self.trainer.student.encoder
            with bar("searching for hard negatives") as progress:
                near = negatives.by_encoder(encoder, self.now, self.pool, kept=self.its.kept, progress=progress)
            self.now, self.mined = replace(self.now, near=near), epoch
        return self.now


class Watcher:
    """Listens to the steps of a run: journal, dev, checkpoints, and the encoder that is published."""

    def __init__(
        self,
        run: Path,
        trainer: Trainer,
        journal: Journal,
        *,
        near: Callable[[], Near | None] = lambda: None,
        look: Callable[[Encoder], float] | None = None,
    ) -> None:
        """`near`: what a checkpoint keeps of what was mined. `look`: accuracy of an encoder, to choose between epochs."""
        self.run = run
        self.trainer = trainer
        self.journal = journal
        self.near = near
        self.look = look
        self.due = False  # a checkpoint, as soon as no gradients wait
        seen = (record.get("val_accuracy", -1.0) for record in read_lines(run / METRICS))
        self.best = max(map(float, seen), default=-1.0)

    def see(self, step: Step) -> None:
        """One step: first written down, then kept, so that no record of a kept step is ever missing."""
        record = {"step": step.place.step, "epoch": step.place.epoch, "progress": step.progress, "loss": step.loss}
        counted = {**record, "lr": step.lr, **step.parts, self.trainer.student.objective.counted: step.examples}
        self.journal.write(counted, seconds=step.place.seconds)
        if self.look is not None and self._due(step):
            self._judge(step, self.look)
        self.due = self.due or step.ends_epoch or step.place.step % self.trainer.config.checkpoint_every == 0
        if step.last or (self.due and step.whole):
            self.due = False
            checkpoint.save(self.run, self.trainer, self.near(), step.place)

    def finish(self) -> None:
        """Publish the last encoder where dev did not choose one."""
        if self.best < 0 or not (self.run / checkpoint.ENCODER).exists():
            self._publish()

    def _due(self, step: Step) -> bool:
        every = self.trainer.config.evaluate_every
        return every > 0 and (step.last or (step.ends_epoch and step.place.epoch % every == 0))

    def _judge(self, step: Step, look: Callable[[Encoder], float]) -> None:
        accuracy = look(self.trainer.student.encoder)
        self.journal.write({"step": step.place.step, "epoch": step.place.epoch, "val_accuracy": accuracy})
        if accuracy >= self.best:
            self.best = accuracy
            self._publish()

    def _publish(self) -> None:
        checkpoint.publish(self.run, self.trainer.student.encoder, self.trainer.student.objective)


def watched(encoder: Encoder, found: Ground, *, documents: int) -> float:
    """accuracy@1 on the first documents of dev among their lexical candidates, each shown by the name that matched.

    A quick look for choosing between epochs: a gold entity that is no candidate counts as wrong, and of an entity only
    the name nearest in spelling is seen.
    """
    chosen = [(document, document.mentions) for document in found.documents["dev"][:documents] if document.mentions]
    mentions = [mention for _, its in chosen for mention in its]
    candidates = found.candidates["dev"]
    shown = _shown(encoder, found.kb, candidates, count=len(mentions))
    keys = sorted({key for row in shown for key in row})
    column = {key: i for i, key in enumerate(keys)}
    with torch.inference_mode():
        entity_ED = torch.from_numpy(entity_vectors(encoder, [key[1] for key in keys]))
        mention_MD = torch.from_numpy(mention_vectors(encoder, chosen))
        right = 0
        for m, row in enumerate(shown):
            closeness = encoder.similarity(mention_MD[m : m + 1], entity_ED[[column[key] for key in row]])
            right += bool(row) and row[int(closeness.argmax())][0] in found.kb.rows(mentions[m].entities)
    return round(right / max(1, sum(bool(mention.entities) for mention in mentions)), 6)


def _shown(encoder: Encoder, kb: KnowledgeBase, hits: Hits, *, count: int) -> list[list[tuple[int, str]]]:
    """(entity, text) of the candidates of the first mentions."""
    whole, names = encoder.config.entity_view != "names", encoder.shown_names(kb)
    return [
        [
            (row, encoder.entity_text(kb, row) if whole else str(names[name].as_py()))
            for row, name in zip(hits.row_MK[m].tolist(), hits.name_MK[m].tolist(), strict=True)
            if row >= 0
        ]
        for m in range(count)
    ]
