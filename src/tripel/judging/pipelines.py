"""Judging a whole pipeline: mentions found, linked and decided in plain texts, against what people marked there."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tripel.documents import Document, Linked
from tripel.files import read_json, write_json
from tripel.judging import predictions
from tripel.judging.end_to_end import LOST, EndToEnd, compare_f1, end_to_end
from tripel.judging.gold import Gold
from tripel.judging.kept import FULL, made_by, made_now
from tripel.judging.metrics import Estimate
from tripel.judging.predictions import Origin, Prediction
from tripel.judging.runs import right
from tripel.knowledge import KnowledgeBase
from tripel.linking import finding
from tripel.linking.linker import Linker
from tripel.progress import bar
from tripel.reports import tables
from tripel.reports.tables import Table
from tripel.training.preparing import Ground
from tripel.training.recipe import Role

EVERY = "all types"
MOST_TYPES = 5  # that have a row of their own
OWN = "own-tagger"  # what a run's own recognizer is called
SHOWN = ("seen in training", "unseen in training")  # slices of entities
SCORES = "scores/{}-pipeline-{}.json"  # in a run folder, by role and name
SAID = "predictions/{}-{}.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """What came out for a run with a recognizer, on plain texts."""

    recognizer: str
    """The name of its folder, or of the component."""
    name: str
    """The same, told apart from others that are called so; files have this name."""
    threshold: float | None
    texts: int
    mentions: int
    """Found."""
    links: int
    speed: float
    """Texts a second."""
    judged: tuple[EndToEnd, ...]
    """All types together, then each where there are several."""
    recall: dict[str, Estimate]
    """Strong recall of mentions whose entity training showed, or never showed: by SHOWN."""

    def save(self, path: Path) -> None:
        """Write JSON, whole or not at all."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> Pipeline:
        """Read what `save` wrote. Raises ValueError where it is something else."""
        again = "judge again with `tripel evaluate --recognizer`"
        try:
            its = TypeAdapter(cls).validate_python(read_json(path))
        except ValidationError as error:
            raise ValueError(f"{path}: {error.errors()[0]['msg']}; {again}") from None
        if any(tuple(one.lost) != LOST for one in its.judged):
            raise ValueError(f"{path}: it tells other kinds of losses than today's; {again}")
        return its

    def __str__(self) -> str:
        recalled = "; of ".join(
            f"{its.n:,} whose entity is {slice} {tables.with_interval(its)} %" for slice, its in self.recall.items()
        )
        return (
            f"{self.mentions:,} mentions found in {self.texts:,} texts, {self.links:,} linked, {self.speed:.1f} texts a second."
            f" Found as they are marked and linked right, of mentions: of {recalled}.\n\n{tables.found(self.judged)}"
        )


def kept(run: Path, role: Role) -> list[Pipeline]:
    """The pipelines of a run that were judged, as it is now."""
    its = (Pipeline.load(path) for path in sorted(run.glob(SCORES.format(role, "*"))))
    return [one for one in its if made_now(run, run / SAID.format(role, one.name))]


def gains(pipelines: Mapping[Path, Sequence[Pipeline]], found: Ground, role: Role, *, seed: int) -> Table:
    """What the first pipeline of runs gained over each other one in F1; a row for strong and one for weak matches.

    pipelines: by run; what each said is read from its run.
    """
    (first, *rest) = [(run, its) for run, some in pipelines.items() for its in some]
    said = [predictions.read(run / SAID.format(role, its.name))[1] for run, its in (first, *rest)]
    documents = [document.id for document in found.documents[role]]
    truth = right(found, role)
    gained = {
        f"{match}, over {run.resolve().name}, {its.name}": gain
        for (run, its), other in zip(rest, said[1:], strict=True)
        for match, gain in compare_f1(said[0], other, truth, documents=documents, kb=found.kb, seed=seed).items()
    }
    return tables.gains(gained, of="F1")


def called(recognizer: str) -> str:
    """What people call a recognizer, given as `Linker.load` takes it."""
    first = finding.parts(recognizer)[0] if recognizer else OWN
    return Path(first).resolve().name if finding.is_folder(first) else first


def named(recognizer: str, threshold: float | None) -> str:
    """The same for files: two folders of one name, two settings of one component, two thresholds have different ones."""
    parts = [called(recognizer)]
    if recognizer:
        first, *settings = finding.parts(recognizer)
        place = str(Path(first).resolve()) if finding.is_folder(first) else first
        parts.append(hashlib.sha256("\n".join([place, *settings]).encode()).hexdigest()[:8])
    if threshold is not None:
        parts.append(f"at-{threshold:g}")
    return "-".join(parts)


def judge_pipeline(
    linker: Linker, found: Ground, role: Role, *, run: Path, recognizer: str, threshold: float | None, seed: int
) -> str:
    """Link the texts of dev or test, keep what was said and how well, and tell it as Markdown.

    recognizer, threshold: what the linker was opened with.
    """
    documents = found.documents[role]
    bare = [replace(document, mentions=()) for document in documents]
    linked: list[Linked] = []
    began = time.monotonic()
    with bar(f"reading {role}") as progress:
        for one in linker.stream(bare):
            linked.append(one)
            progress(len(linked), len(bare))
    speed = len(bare) / (time.monotonic() - began)
    name = named(recognizer, threshold)
    origin = Origin(protocol=FULL, system=name, knowledge_base=found.kb.fingerprint, **made_by(run))
    said = [prediction for one in linked for prediction in _predictions(one)]
    predictions.write(run / SAID.format(role, name), origin, said)
    truth = right(found, role)
    its = Pipeline(
        recognizer=called(recognizer),
        name=name,
        threshold=linker.threshold,
        texts=len(bare),
        mentions=len(said),
        links=sum(link.decision == "linked" for one in linked for link in one.links),
        speed=speed,
        judged=tuple(
            _of_type(linked, truth, documents, found, type, seed=seed) for type in (EVERY, *_types(linked, documents))
        ),
        recall=recalls(said, truth, documents=[document.id for document in documents], kb=found.kb, seed=seed),
    )
    its.save(run / SCORES.format(role, name))
    return f"## {role}, {its.recognizer}: mentions found and linked\n\n{its}"


def _predictions(linked: Linked) -> list[Prediction]:
    """Of each mention its candidates, or none where it was not linked."""
    return [
        Prediction(
            linked.document.id,
            link.mention.start,
            link.mention.end,
            tuple((one.entity, round(one.score, 6)) for one in link.candidates) if link.decision == "linked" else (),
        )
        for link in linked.links
    ]


def _types(linked: Sequence[Linked], documents: Sequence[Document]) -> list[str]:
    """The types of mentions, where there are several and the recognizer tells the same ones apart."""
    types = {mention.type for document in documents for mention in document.mentions}
    told = {mention.type for one in linked for mention in one.document.mentions}
    return sorted(types) if 1 < len(types) <= MOST_TYPES and types & told else []


def _of_type(
    linked: Sequence[Linked], truth: Gold, documents: Sequence[Document], found: Ground, type: str, *, seed: int
) -> EndToEnd:
    """What was found as one type against what is marked as it."""
    kept = [
        replace(one, links=tuple(link for link in one.links if type in (EVERY, link.mention.type))) for one in linked
    ]
    gold = replace(truth, mentions=tuple(one for one in truth.mentions if type in (EVERY, one.slices["type"])))
    if type != EVERY:  # what stands on a mention of another type is an error, not a mention without an id
        others = {one.key for one in truth.mentions} - {one.key for one in gold.mentions}
        gold = replace(gold, places=gold.places - others)
    return end_to_end(
        [prediction for one in kept for prediction in _predictions(one)],
        gold,
        documents=[document.id for document in documents],
        kb=found.kb,
        system=type,
        seed=seed,
    )


def recalls(
    said: Sequence[Prediction], truth: Gold, *, documents: Sequence[str], kb: KnowledgeBase, seed: int
) -> dict[str, Estimate]:
    """Strong recall of the mentions of entities that training showed, and of those that it never did."""
    found = {}
    for slice in SHOWN:
        mentions = tuple(one for one in truth.mentions if one.slices["entity"] == slice)
        its = end_to_end(said, replace(truth, mentions=mentions), documents=documents, kb=kb, system=slice, seed=seed)
        found[slice] = its.strong.recall
    return found
