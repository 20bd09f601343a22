"""Systems against each other on the same mentions, from what they said in files; nothing is linked here.

A system is a run that was judged, or a file of predictions by any software. The first run says what is right: its corpus, its
knowledge base, and what training had shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np

from tripel import config
from tripel.judging import foreign, predictions
from tripel.judging.evaluation import Scores, compare, compare_slices, evaluate, placed, ranks
from tripel.judging.gold import Gold
from tripel.judging.kept import CANDIDATES, FULL, PREDICTIONS, TRAINED, made_now
from tripel.judging.metrics import Float, Int, Paired
from tripel.judging.predictions import Prediction
from tripel.judging.runs import right
from tripel.knowledge import KnowledgeBase
from tripel.progress import bar
from tripel.reports import tables
from tripel.training.checkpoint import CONFIG
from tripel.training.preparing import Ground
from tripel.training.recipe import Recipe, Role

Of = TypeVar("Of")


@dataclass(frozen=True, eq=False)
class Comparison:
    """What systems said of the mentions of dev or test. The first is compared with each other one."""

    found: Ground
    role: Role
    answers: Mapping[str, Sequence[Prediction]]
    """By system."""
    seed: int
    within: Mapping[str, Path] = field(default_factory=dict)
    """Files of the same within lexical candidates, of systems that were judged so; read one or two at a time."""
    notes: Sequence[str] = ()
    """What should be known of systems that were not made like the first."""

    @cached_property
    def truth(self) -> Gold:
        """What is right."""
        return right(self.found, self.role)

    @property
    def first(self) -> str:
        """The system that is compared with the others."""
        return next(iter(self.answers))

    @property
    def others(self) -> list[str]:
        """All but the first."""
        return list(self.answers)[1:]

    @cached_property
    def scores(self) -> list[Scores]:
        """Of each system."""
        return [
            evaluate(made, self.truth, kb=self.found.kb, system=name, protocol=FULL, seed=self.seed)
            for name, made in counted(self.answers, "judging what each system said")
        ]

    @cached_property
    def scores_within(self) -> list[Scores]:
        """The same within lexical candidates, of each system that was judged so."""
        return [
            evaluate(
                predictions.read(path)[1],
                self.truth,
                kb=self.found.kb,
                system=name,
                protocol=CANDIDATES,
                seed=self.seed,
            )
            for name, path in counted(self.within, "judging what each said within candidates")
        ]

    def gains(self) -> dict[str, Paired]:
        """accuracy@1 of the first less that of each other one, by its name."""
        others = {name: self.answers[name] for name in self.others}
        return {name: self._gain(self.answers[self.first], its) for name, its in counted(others, "comparing")}

    def gains_within(self) -> dict[str, Paired]:
        """The same within lexical candidates; nothing where the first was not judged so."""
        if self.first not in self.within:
            return {}
        first = predictions.read(self.within[self.first])[1]
        others = {name: path for name, path in self.within.items() if name != self.first}
        return {
            name: self._gain(first, predictions.read(path)[1])
            for name, path in counted(others, "comparing within candidates")
        }

    def _gain(self, one: Sequence[Prediction], other: Sequence[Prediction]) -> Paired:
        return compare(one, other, self.truth, kb=self.found.kb, seed=self.seed)

    def gains_by_slice(self) -> dict[str, dict[str, dict[str, Paired]]]:
        """The same within each slice, by the name of the other."""
        others = {name: self.answers[name] for name in self.others}
        return {
            name: compare_slices(self.answers[self.first], its, self.truth, kb=self.found.kb, seed=self.seed)
            for name, its in counted(others, "comparing within slices")
        }

    @cached_property
    def ranks(self) -> dict[str, Int]:
        """Of each system the rank of what is right, for each mention [M]; 0 where it was not found."""
        return {name: ranks(made, self.truth, kb=self.found.kb) for name, made in self.answers.items()}

    def sureness(self, system: str) -> tuple[Float, Float]:
        """The score of the first candidate of each mention that has one, and whether it is right [m], [m]."""
        by_place = {(one.document, one.start, one.end): one for one in self.answers[system]}
        pairs = [
            (by_place[mention.key].candidates[0][1], float(rank == 1))
            for mention, rank in zip(self.truth.mentions, self.ranks[system].tolist(), strict=True)
            if mention.key in by_place and by_place[mention.key].candidates
        ]
        score_m, right_m = np.array(pairs, np.float64).reshape(-1, 2).T
        return score_m, right_m

    def __str__(self) -> str:
        scores = [*self.scores, *self.scores_within]
        gained = tables.gains({f"{self.first} over {name}": gain for name, gain in self.gains().items()})
        parts: list[object] = [f"## {self.role}", *self.notes, tables.main(scores), gained, tables.slices(self.scores)]
        for name, slices in self.gains_by_slice().items():
            parts += [f"### {self.first} over {name}", tables.gains_by_slice(slices)]
        return "\n\n".join(map(str, parts))


def counted(systems: Mapping[str, Of], work: str) -> Iterator[tuple[str, Of]]:
    """Each system with what is there of it, and a bar of how many are done, where there is any."""
    if systems:
        with bar(work) as progress:
            for number, its in enumerate(systems.items()):
                progress(number, len(systems))
                yield its
            progress(len(systems), len(systems))


def compared(sources: Sequence[Path], found: Ground, role: Role, *, seed: int) -> Comparison:
    """The systems that runs and files hold."""
    systems = named(sources)
    within = {
        name: path for name, source in systems.items() if (path := _predictions(source, role, CANDIDATES)).is_file()
    }
    answers = {name: said(source, role, kb=found.kb) for name, source in systems.items()}
    notes = [note for name, source in systems.items() for note in _notes(name, source, answers[name], found, role)]
    if learnt := _learnt_otherwise(systems):
        notes.append(learnt)
    its = Comparison(found, role, answers, seed, within, notes)
    for name, source in systems.items():
        try:
            placed(answers[name], its.truth)
        except ValueError as error:
            raise ValueError(f"{source}: {error}") from None
    return its


def _notes(name: str, source: Path, said: Sequence[Prediction], found: Ground, role: Role) -> Iterator[str]:
    if source.is_dir():
        origin = predictions.origin(_predictions(source, role, FULL))
        if origin.knowledge_base != found.kb.fingerprint:
            yield f"{name} was judged over another knowledge base; `tripel evaluate {source} --on {role}` judges it anew."
        if not made_now(source, _predictions(source, role, FULL)):
            yield f"{name} was judged before it was as it is; `tripel evaluate {source} --on {role}` judges it anew."
        return
    first = [one.ids[0] for one in said if one.ids]
    unknown = sum(found.kb.row(id) is None for id in first)
    if unknown:
        yield f"Of the {len(first):,} first candidates of {name} {unknown:,} are not in the knowledge base."


def _learnt_otherwise(systems: Mapping[str, Path]) -> str:
    """A sentence where runs learnt from other documents than the first, whose are those that count as seen."""
    configs = {name: source / CONFIG for name, source in systems.items() if (source / CONFIG).is_file()}
    recipes = {name: Recipe.read(config.load(path)) for name, path in configs.items()}
    documents = {name: (its.corpus, its.data.train) for name, its in recipes.items()}
    first = next(iter(systems))
    others = [name for name, its in documents.items() if recipes[name].learns and its != documents.get(first, its)]
    if not others:
        return ""
    return f"Seen in training is said of what {first} learnt from; {', '.join(others)} learnt from other documents."


def said(source: Path, role: Role, *, kb: KnowledgeBase) -> list[Prediction]:
    """What a run said over the full knowledge base, or what stands in a file. Raises ValueError where that has no id of ours."""
    if not source.is_dir():
        made = foreign.read(source)
        ids = [id for one in made for id in one.ids]
        if ids and all(kb.row(id) is None for id in ids):
            raise ValueError(f"{source}: no id is in the knowledge base; expected such as {kb.id(0)}, found {ids[0]}")
        return made
    path = _predictions(source, role, FULL)
    if not path.is_file():
        raise ValueError(f"{source}: no predictions for {role}; make them with `tripel evaluate {source} --on {role}`")
    return predictions.read(path)[1]


def _predictions(run: Path, role: Role, protocol: str) -> Path:
    return run / PREDICTIONS.format(role, TRAINED, protocol)


def named(sources: Sequence[Path]) -> Mapping[str, Path]:
    """Each by its own name. Raises ValueError where two have the same."""
    found = {source.stem if source.is_file() else source.resolve().name: source for source in sources}
    if len(found) < len(sources):
        raise ValueError(f"{', '.join(map(str, sources))}: two of them have the same name; rename one")
    return found
