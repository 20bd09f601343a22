"""The training loop, as a generator of Step. It knows batches and gradients; it has never heard of diseases.

All randomness of a step follows from the seed and the step's number, so a run that goes on from a checkpoint makes the very
steps that an uninterrupted one makes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sized
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import torch
from accelerate import Accelerator
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn

from tripel.encoding.encoder import Encoder
from tripel.objectives.base import Loss, Objective, Shown


@dataclass(frozen=True, kw_only=True)
class Config:
    epochs: NonNegativeInt = 3
    batch: PositiveInt = 128
    """Clusters in a batch; of the document view about so many, since a document's clusters stay together."""
    lr: PositiveFloat = 1e-4
    """Peak learning rate of the encoder (AdamW)."""
    weight_decay: NonNegativeFloat = 0.0
    warmup: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Share of the run in which the learning rate rises."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """How it goes on after that, down to 0 at the end."""
    clip: NonNegativeFloat = 1.0
    """Largest norm of the gradient; 0 is none."""
    accumulate: PositiveInt = 1
    """Batches whose gradients are added before a step of the optimizer."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    """Arithmetic of training: bf16 is twice as fast on a CPU that has AMX, and on GPUs; fp16 is for older GPUs."""
    seed: NonNegativeInt = 42
    minutes: PositiveFloat | None = None
    """Stop after so many minutes of training, for comparisons at equal time."""
    evaluate_every: NonNegativeInt = 1
    """Epochs between judgements on dev; 0 is never."""
    checkpoint_every: PositiveInt = 100
    """Steps between checkpoints; one is always written at the end of an epoch."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands: what has been done, to go on from."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    """Batches of this epoch already learnt from."""
    seconds: float = 0.0
    """Time spent in training steps."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step, done."""

    place: Place
    loss: float
    parts: dict[str, float]
    lr: float
    examples: int
    ends_epoch: bool
    progress: float
    """Share of the run that is done."""
    last: bool
    """No step comes after this one."""
    whole: bool
    """No gradients of it wait to be added to those of the next one, so a run can go on from here."""


class Student(nn.Module):
    """Encoder and objective as one module, so that one wrapper carries both over several devices."""

    def __init__(self, encoder: Encoder, objective: Objective[Any, Any]) -> None:
        super().__init__()
        self.encoder = encoder
        self.objective = objective

    def forward(self, batch: Shown) -> tuple[Tensor, dict[str, float]]:
        """Select, encode, judge. Gives the loss and its parts."""
        batch = self._selected(batch)
        mention_MD, entity_ED = self.objective.encode(self.encoder, batch)
        with torch.autocast(mention_MD.device.type, enabled=False):  # closeness divided by 0.05 is too fine for bf16
            loss: Loss = self.objective(mention_MD.float(), entity_ED.float(), batch)
        return loss.value, dict(loss.parts)

    @torch.no_grad()
    def _selected(self, batch: Shown) -> Shown:
        """As the encoder judges when it links: without dropout."""
        training = self.encoder.training
        self.encoder.eval()
        selected: Shown = self.objective.select(self.encoder, batch)
        self.encoder.train(training)
        return selected


class Trainer:
    """Holds what the loop changes: the student and its optimizer."""

    def __init__(self, encoder: Encoder, objective: Objective[Any, Any], config: Config) -> None:
        self.config = config
        mixed = config.precision if config.precision != "no" else None
        self.accelerator = Accelerator(mixed_precision=mixed, gradient_accumulation_steps=config.accumulate)
        self.student = Student(encoder, objective)
        # fused: 0.10 s a step against 0.33 s on one core at 22.7 M parameters
        self.optimizer = torch.optim.AdamW(_groups(self.student, config), weight_decay=config.weight_decay, fused=True)
        self._ready: nn.Module | None = None

    def steps(self, lessons: Callable[[int], Sized], *, start: Place = Place()) -> Iterator[Step]:
        """Train, yielding after each step; `lessons(epoch)` gives the examples of an epoch, mined anew where due.

        Several processes each take every n-th batch; a rest that does not fill a round is left to the next epoch.
        """
        self._ready = self._ready or self._prepared()
        place = start
        if self._late(place.seconds):
            return
        for epoch in range(start.epoch, self.config.epochs):
            lesson = lessons(epoch)
            first = start.batch if epoch == start.epoch else 0
            for batch, share, last in self._batches(lesson, epoch):
                if share.index < first:
                    continue
                began = time.monotonic()
                progress = (epoch + share.begin) / self.config.epochs
                loss, parts, lr = self._learn(batch, step=place.step, progress=progress)
                seconds = place.seconds + time.monotonic() - began
                place = Place(place.step + 1, epoch + last, 0 if last else share.index + 1, seconds)
                late = self._late(seconds)
                yield Step(
                    place=place,
                    loss=loss,
                    parts=parts,
                    lr=lr,
                    examples=len(batch),
                    ends_epoch=last,
                    progress=(epoch + share.end) / self.config.epochs,
                    last=late or place.epoch == self.config.epochs,
                    whole=self.accelerator.sync_gradients,
                )
                if late:
                    return

    def _late(self, seconds: float) -> bool:
        return self.config.minutes is not None and seconds > 60 * self.config.minutes

    def _prepared(self) -> nn.Module:
        ready, self.optimizer = self.accelerator.prepare(self.student, self.optimizer)
        self.student = self.accelerator.unwrap_model(ready)
        return ready  # type: ignore[no-any-return]  # accelerate gives back what it was given, wrapped

    def _batches(self, lesson: Sized, epoch: int) -> Iterator[tuple[Shown, _Share, bool]]:
        """This process's batches of an epoch, each with its share and whether it is the last."""
        rng = np.random.default_rng([self.config.seed, epoch])
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        total = max(1, len(lesson))
        waiting: tuple[Shown, _Share] | None = None
        round_: list[Shown] = []
        done, index = 0, 0
        for batch in self.student.objective.batches(lesson, size=self.config.batch, rng=rng):
            round_.append(batch)
            if len(round_) < world:
                continue
            if waiting:
                yield *waiting, False
            begin, done = done, done + sum(map(len, round_))
            waiting = round_[rank], _Share(index, min(1.0, begin / total), min(1.0, done / total))
            index, round_ = index + 1, []
        if waiting:
            yield waiting[0], _Share(waiting[1].index, waiting[1].begin, 1.0), True

    def _learn(self, batch: Shown, *, step: int, progress: float) -> tuple[float, dict[str, float], float]:
        assert self._ready is not None
        torch.manual_seed(_mixed(self.config.seed, step, self.accelerator.process_index))  # dropout takes no generator
        rate = _rate(progress, self.config)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * (rate if group["scheduled"] else 1.0)
        self._ready.train()
        with self.accelerator.accumulate(self._ready):
            value, parts = self._ready(batch)
            self.accelerator.backward(value)
            if not self.accelerator.sync_gradients or self._clipped() != 0:
                self.optimizer.step()
            self.optimizer.zero_grad()
        return float(value.item()), parts, self.config.lr * rate

    def _clipped(self) -> float:
        """The norm of the gradient, clipped. At 0 nothing was to be learnt, and AdamW would still move by its momentum."""
        assert self._ready is not None
        return float(self.accelerator.clip_grad_norm_(self._ready.parameters(), self.config.clip or math.inf) or 0)


@dataclass(frozen=True, slots=True)
class _Share:
    """Which batch of the epoch, and what share of it is done before and after."""

    index: int
    begin: float
    end: float


def _groups(student: Student, config: Config) -> list[dict[str, object]]:
    """The encoder's parameters, and the objective's own: at a constant rate where it names one."""
    encoder, own = list(student.encoder.parameters()), list(student.objective.parameters())
    groups: list[dict[str, object]] = [{"params": encoder, "lr": config.lr, "peak": config.lr, "scheduled": True}]
    if own:
        lr = student.objective.lr or config.lr
        groups.append({"params": own, "lr": lr, "peak": lr, "scheduled": student.objective.lr is None})
    return groups


def _rate(progress: float, config: Config) -> float:
    """Share of the peak learning rate at a share of the run."""
    if progress < config.warmup:
        return max(progress / config.warmup, 1e-3)
    rest = (progress - config.warmup) / max(1e-9, 1 - config.warmup)
    if config.schedule == "linear":
        return 1 - rest
    return (1 + math.cos(math.pi * rest)) / 2 if config.schedule == "cosine" else 1.0


def _mixed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
