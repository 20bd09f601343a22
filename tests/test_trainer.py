"""Training: it learns, and a run that goes on from a checkpoint makes the very steps of one that was never stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import lessons
import numpy as np
import pytest
import tiny
import torch

from tripel.encoding.encoder import Encoder
from tripel.objectives.base import Objective
from tripel.objectives.prototype_contrastive import PrototypeContrastive
from tripel.objectives.prototype_triplet import PrototypeTriplet
from tripel.training import checkpoint
from tripel.training.trainer import Config, Place, Step, Trainer, _rate

CONFIG = Config(epochs=4, batch=4, lr=3e-3, warmup=0.1)
OBJECTIVES = {
    "contrastive": lambda: PrototypeContrastive(PrototypeContrastive.Config(wrong=3)),
    "triplet": lambda: PrototypeTriplet(PrototypeTriplet.Config(wrong=3, mean_radius=1.0)),
    "triplet of cosines": lambda: PrototypeTriplet(PrototypeTriplet.Config(wrong=3, distance="cosine", margin=0.2)),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.folder(tmp_path_factory.mktemp("tiny"))


def trainer(model: Path | None, objective: Objective, config: Config = CONFIG, *, saved: Path | None = None) -> Trainer:
    encoder = Encoder.load(saved) if saved else Encoder(Encoder.Config(model=str(model)))
    return Trainer(encoder, objective, config)


def run(its: Trainer, start: Place = Place()) -> list[Step]:  # noqa: B008
    return list(its.steps(lambda epoch: lessons.lesson(), start=start))


def test_the_loss_falls(model: Path) -> None:
    steps = run(trainer(model, OBJECTIVES["contrastive"](), Config(epochs=12, batch=100, lr=3e-3)))
    assert steps[-1].loss < 0.5 * steps[0].loss


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_bfloat16_learns_nearly_the_same(model: Path, name: str) -> None:
    """As accelerate has it, which cannot be told another arithmetic within one process."""
    its = trainer(model, OBJECTIVES[name]()).student
    batch = next(its.objective.batches(lessons.lesson(), size=100, rng=np.random.default_rng(0)))
    its.encoder.eval()
    losses = []
    for bfloat16 in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            losses.append(float(its(batch)[0].detach()))
    assert losses[0] != losses[1] and losses[0] == pytest.approx(losses[1], rel=0.1, abs=0.02)


@pytest.mark.parametrize("name", list(OBJECTIVES)[:2])
@pytest.mark.parametrize("stop", [1, 4, 7])
def test_going_on_from_a_checkpoint_changes_nothing(model: Path, tmp_path: Path, name: str, stop: int) -> None:
    whole = run(trainer(model, OBJECTIVES[name]()))
    first = trainer(model, OBJECTIVES[name]())
    taken = []
    for step in first.steps(lambda epoch: lessons.lesson()):
        taken.append(step)
        if step.place.step == stop:
            checkpoint.save(tmp_path, first, lessons.lesson().near, step.place)
            break
    folder = checkpoint.latest(tmp_path)
    assert folder is not None
    second = trainer(None, OBJECTIVES[name](), saved=folder / checkpoint.ENCODER)
    checkpoint.restore(folder, second)
    rest = run(second, checkpoint.place(folder))
    assert [(s.loss, s.lr, dict(s.parts)) for s in taken + rest] == [(s.loss, s.lr, dict(s.parts)) for s in whole]
    assert [s.ends_epoch for s in taken + rest] == [s.ends_epoch for s in whole]


def test_steps_say_where_they_are(model: Path) -> None:
    steps = run(trainer(model, OBJECTIVES["contrastive"]()))
    assert [step.place.step for step in steps] == list(range(1, len(steps) + 1))
    assert steps[-1].last and steps[-1].progress == 1.0 and not any(step.last for step in steps[:-1])
    assert sum(step.ends_epoch for step in steps) == CONFIG.epochs
    clusters = len(lessons.lesson().grouped.clusters)
    assert sum(step.examples for step in steps) == CONFIG.epochs * clusters


def test_time_is_up(model: Path) -> None:
    steps = run(trainer(model, OBJECTIVES["contrastive"](), Config(epochs=1000, batch=4, minutes=1e-6)))
    assert len(steps) == 1 and steps[0].last
    again = trainer(model, OBJECTIVES["contrastive"](), Config(epochs=1000, batch=4, minutes=1e-6))
    assert run(again, steps[0].place) == []


def test_accumulation_takes_fewer_optimizer_steps_and_still_learns(model: Path) -> None:
    its = trainer(model, OBJECTIVES["contrastive"](), Config(epochs=1, batch=4, accumulate=2, warmup=0.0))
    before = its.student.encoder.mention_tower.embeddings.word_embeddings.weight.clone()
    run(its)
    assert not torch.equal(before, its.student.encoder.mention_tower.embeddings.word_embeddings.weight)


def test_select_keeps_gold_and_the_hardest_wrong_entity(model: Path) -> None:
    its = trainer(model, OBJECTIVES["triplet"]())
    encoder, objective = its.student.encoder.eval(), its.student.objective
    batch = next(objective.batches(lessons.lesson(), size=100, rng=np.random.default_rng(0)))
    with torch.no_grad():
        selected = objective.select(encoder, batch)
        anchors = encoder.mentions(batch.mentions[batch.anchor_G])
        closeness = encoder.similarity(anchors, encoder.entities(batch.entities))
    assert selected.wrong_G is not None
    for g in range(len(batch)):
        wrong = [e for e in range(len(batch.entities)) if not batch.known_GE[g, e]]
        hardest = max(wrong, key=lambda e: float(closeness[g, e]))
        assert selected.row_E[selected.wrong_G[g]] == batch.row_E[hardest]
        assert selected.row_E[selected.gold_G[g]] == batch.row_E[batch.gold_G[g]]
        assert not selected.known_GE[g, selected.wrong_G[g]]


def test_a_batch_in_which_every_entity_is_right_has_no_wrong_one(model: Path) -> None:
    its = trainer(model, OBJECTIVES["triplet"]())
    batch = next(its.student.objective.batches(lessons.lesson(), size=100, rng=np.random.default_rng(0)))
    known = replace(batch, known_GE=np.ones_like(batch.known_GE))
    with torch.no_grad():
        selected = its.student.objective.select(its.student.encoder.eval(), known)
    assert selected.wrong_G is not None and set(selected.wrong_G.tolist()) == {-1}
    assert [int(selected.row_E[g]) for g in selected.gold_G] == [int(batch.row_E[g]) for g in batch.gold_G]


@pytest.mark.parametrize("accumulate", [2, 3])
def test_a_checkpoint_waits_until_gradients_were_added_up(model: Path, tmp_path: Path, accumulate: int) -> None:
    config = Config(epochs=4, batch=4, lr=3e-3, accumulate=accumulate)
    whole = run(trainer(model, OBJECTIVES["contrastive"](), config))
    first = trainer(model, OBJECTIVES["contrastive"](), config)
    taken = []
    for step in first.steps(lambda epoch: lessons.lesson()):
        taken.append(step)
        if step.whole and step.place.step >= 4:
            checkpoint.save(tmp_path, first, lessons.lesson().near, step.place)
            break
    assert taken[-1].place.step % accumulate == 0
    folder = checkpoint.latest(tmp_path)
    assert folder is not None
    second = trainer(None, OBJECTIVES["contrastive"](), config, saved=folder / checkpoint.ENCODER)
    checkpoint.restore(folder, second)
    assert [s.loss for s in taken + run(second, checkpoint.place(folder))] == [s.loss for s in whole]


@pytest.mark.parametrize(
    ("schedule", "at"), [("constant", [1, 1, 1]), ("linear", [1, 0.5, 0]), ("cosine", [1, 0.5, 0])]
)
def test_learning_rates(schedule: str, at: list[float]) -> None:
    config = Config(schedule=schedule, warmup=0.2)  # type: ignore[arg-type]
    assert _rate(0.1, config) == pytest.approx(0.5)
    assert [_rate(p, config) for p in (0.2, 0.6, 1.0)] == pytest.approx(at)
