"""The report of a comparison: what was run, tables, pictures, how far scores can be trusted, and the errors to look through."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tripel.config import Choice, load
from tripel.files import read_json, read_lines, replacing
from tripel.indexes.base import Bool
from tripel.judging import protocols
from tripel.judging.calibration import Float, calibrated, ranked_apart, reliability, risk_coverage
from tripel.judging.comparing import Comparison, compared, named
from tripel.judging.evaluation import outcomes
from tripel.judging.kept import FULL, SPEEDS, TRAINED, TRUST
from tripel.judging.pipelines import SAID, Pipeline, gains, kept
from tripel.judging.predictions import Prediction
from tripel.judging.trust import Trust
from tripel.knowledge import KnowledgeBase
from tripel.linking.deciding import CALIBRATION
from tripel.linking.reranker import mark
from tripel.reports import plots, published, tables, trust_plots
from tripel.reports.page import Block, Error, Errors, Picture, Report, Section, Shown, Text
from tripel.reports.tables import Table
from tripel.terminologies.mentions import Mentions
from tripel.training import checkpoint
from tripel.training.journal import METRICS, SPEED, Journal
from tripel.training.preparing import Ground
from tripel.training.recipe import Recipe, Role

SHOWN = 400  # errors on the page
AROUND = 90  # characters of text on each side of a mention
TOLD = 3  # candidates of an error
PICTURES = "pictures"
PUBLISHED = "published figures; compare only within one protocol"
BUCKETED = {
    "training clusters": "training clusters of the gold entity",
    "short form": "short forms, by how many entities they stand for",
}


def report(
    sources: Sequence[Path], recipe: Recipe, found: Ground, *, role: Role, folder: Path, texts: bool, note: str
) -> Report:
    """Write the report of systems on dev or test, the first against the others. Without `texts` it holds no errors.

    note: a sentence for its readers, above all figures. Probabilities are those that a run was judged with.
    """
    its = compared(sources, found, role, seed=recipe.trainer.seed)
    sections = [
        Section("What was run", list(_runs(named(sources), its, recipe, note))),
        Section("Accuracy", list(_accuracy(its, recipe, named(sources), folder / PICTURES))),
        Section("Slices", list(_slices(its, folder / PICTURES))),
        *_end_to_end(named(sources), its, corpus=recipe.corpus.name),
        Section("How far scores can be trusted", list(_trust(its, sources, folder / PICTURES))),
    ]
    maps = list(_maps(named(sources), role, folder / PICTURES))
    if maps:
        sections.append(Section("The embedding", maps))
    if texts:
        sections.append(Section("Errors", [_errors(its)]))
    made = Report(f"{its.first} on {recipe.corpus.name}{'' if role == 'test' else f', {role}'}", sections)
    made.write(folder)
    return made


def tell(made: Report, journal: Journal, *, shareable: bool) -> None:
    """Each table and picture of a report, and no text. Pictures with names of the knowledge base only where it is `shareable`."""
    for block in (block for section in made.sections for block in section.blocks):
        if isinstance(block, Shown):
            journal.tables(f"tables/{block.name}", block.table.columns, block.table.rows)
        elif isinstance(block, Picture) and (shareable or not block.names_entities):
            journal.pictures({f"pictures/{block.path.stem}": block.path})


def _runs(sources: Mapping[str, Path], its: Comparison, recipe: Recipe, note: str) -> Iterator[Block]:
    kb = its.found.kb
    if note:
        yield Text(note)
    if its.role == "dev":
        yield Text("This is dev: settings, weights and probabilities were chosen on it, so that its figures flatter.")
    yield Text(
        f"Knowledge base: {' and '.join(map(_vocabulary, recipe.terminologies))}, {len(kb):,} concepts, {len(kb.names):,}"
        f" names, SHA-256 {kb.fingerprint[:16]}. Systems stand in the order in which they were named; the first is compared"
        " with the others."
    )
    rows = [[name, *_described(source)] for name, source in sources.items()]
    yield Shown(
        "runs", "Systems", Table(["system", "learnt from", "encoder", "objective", "training", "code", "machine"], rows)
    )


def _vocabulary(terminology: Choice) -> str:
    """Its name, or of what mentions the names are."""
    its = terminology.settings
    return (
        f"what mentions of {its.corpus['name']} {its.split} say"
        if isinstance(its, Mentions.Config)
        else terminology.name
    )


def _described(source: Path) -> list[str]:
    if not source.is_dir():
        return ["a file of predictions", "", "", "", "", ""]
    recipe = Recipe.read(load(source / checkpoint.CONFIG))
    path = source / "environment.json"
    made = read_json(path) if path.exists() else {}
    return [
        f"{recipe.corpus.name} {recipe.data.train}" if recipe.learns else "no documents",
        recipe.index.search.name
        if recipe.index.lexical
        else f"{Path(recipe.encoder.model).name}, {recipe.encoder.view}",
        (recipe.objective.name if recipe.trainer.epochs else "none") + (", re-ranked" if mark(source) else ""),
        _training(source, recipe.trainer.epochs) if recipe.trainer.epochs else "none",
        str(made.get("git") or "")[:12],
        f"{made.get('gpu') or 'CPU'}, {made.get('cores')} cores",
    ]


def _training(run: Path, wanted: int) -> str:
    """How far it came: steps, and the epochs and the minutes that they are."""
    steps = [one for one in read_lines(run / METRICS) if "progress" in one] if (run / METRICS).is_file() else []
    spent = [one["seconds"] for one in read_lines(run / SPEED)] if (run / SPEED).is_file() else []
    if not steps:
        return "not known"
    epochs = round(steps[-1]["progress"] * wanted, 2)
    return f"{steps[-1]['step']:,} steps, {epochs:g} epochs" + (f", {spent[-1] / 60:.0f} minutes" if spent else "")


def _accuracy(its: Comparison, recipe: Recipe, systems: Mapping[str, Path], pictures: Path) -> Iterator[Block]:
    yield Text(tables.counted(its.scores[0]))
    yield from map(Text, its.notes)
    gained = its.gains()
    yield Shown("accuracy", _marked("accuracy, in %", its), tables.accuracies(its.scores, against=gained))
    if its.others:
        yield Shown(
            "gains",
            "points of accuracy@1 gained on the same mentions; p by sign flips over documents",
            tables.gains({f"{its.first} over {name}": gain for name, gain in gained.items()}),
        )
    if its.within:
        within = "accuracy within lexical candidates, to which gold is never added, in %"
        yield Shown(
            "accuracy-within",
            _marked(within, its) if (gained_within := its.gains_within()) else within,
            tables.accuracies(its.scores_within, against=gained_within),
        )
    yield Shown("outcomes", "what became of the mentions, in %", tables.outcomes(its.scores))
    yield Shown(
        "counted-as",
        f"accuracy@1 as other benchmarks count it, in % (N); {protocols.said()}",
        tables.styles(its.scores),
    )
    beside = published.beside(recipe.corpus.name)
    if beside and its.role == "test":
        yield Shown("published", PUBLISHED, beside)
    curves = {one.system: {k: figure.value for k, figure in one.linkable.accuracy.items()} for one in its.scores}
    n = its.scores[0].linkable.n
    path = plots.accuracy_curves(curves, n=n, title="full knowledge base", path=pictures / "accuracy.png")
    yield Picture(path, "accuracy at k")
    speeds = {name: speed for name, source in systems.items() if (speed := _speed(source, its.role))}
    if speeds:
        accuracy = {one.system: one.linkable.accuracy[1] for one in its.scores if one.system in speeds}
        path = trust_plots.speed(accuracy, speeds, title="speed and accuracy", path=pictures / "speed.png")
        yield Picture(path, "accuracy@1 over mentions linked in a second, each on the machine it was judged on")


def _speed(source: Path, role: Role) -> float:
    """Mentions a second, as the run was judged; 0 where nobody measured."""
    path = source / SPEEDS / f"{role}.json"
    return float(read_json(path)[TRAINED]) if path.is_file() else 0.0


def _maps(systems: Mapping[str, Path], role: Role, pictures: Path) -> Iterator[Block]:
    """The maps that runs drew when they were judged, with their numbers."""
    for name, source in systems.items():
        drawn, path = source / PICTURES / f"{role}-map.png", pictures / f"map-{name}.png"
        if drawn.is_file():
            for suffix in (".png", ".csv"):
                with replacing(path.with_suffix(suffix)) as part:
                    shutil.copy(drawn.with_suffix(suffix), part)
            yield Picture(
                path,
                f"{name}: mentions of a few entities, and their names (outlined), before and after training",
                names_entities=True,
            )


def _slices(its: Comparison, pictures: Path) -> Iterator[Block]:
    for heading, label in BUCKETED.items():
        if heading in its.scores[0].slices:
            buckets = {one.system: one.slices[heading] for one in its.scores}
            path = pictures / f"{heading.replace(' ', '-')}.png"
            yield Picture(
                plots.by_bucket(buckets, title="accuracy@1", xlabel=label, path=path), f"accuracy@1 by {heading}"
            )
    against = its.gains_by_slice()
    yield Shown("slices", _marked("accuracy@1 by slice, in %", its), tables.slices(its.scores, against=against))
    for number, (other, gained) in enumerate(against.items(), 1):
        said = f"points of accuracy@1 that {its.first} gained over {other}"
        yield Shown(f"gains-{number}", said, tables.gains_by_slice(gained))


def _marked(caption: str, its: Comparison) -> str:
    """With what marks say, where there is something to mark."""
    return f"{caption}; {tables.legend(its.first)}" if its.others else caption


def _end_to_end(systems: Mapping[str, Path], of: Comparison, *, corpus: str) -> Iterator[Section]:
    """Of runs that were judged with a recognizer on plain texts; nothing where none was."""
    pipelines = {source: kept(source, of.role) for source in systems.values()}
    found = {f"{name}, {its.name}": its for name, source in systems.items() for its in pipelines[source]}
    if not found:
        return
    every = [replace(its.judged[0], system=name) for name, its in found.items()]
    rows = [
        [
            name,
            "none" if its.threshold is None else f"{its.threshold:g}",
            *(f"{count:,}" for count in (its.texts, its.mentions, its.links)),
            f"{its.speed:.1f}",
        ]
        for name, its in found.items()
    ]
    blocks: list[Block] = [
        Text("Mentions found in plain texts, linked and decided, by a run with a recognizer, as each was judged."),
        Shown(
            "pipelines",
            "what was read",
            Table(["system", "threshold", "texts", "mentions", "links", "texts a second"], rows),
        ),
        Shown(
            "end-to-end",
            "precision over links given, recall over linkable mentions, in %; strong: the same characters, weak: some",
            tables.matched(every),
        ),
        *_gained(pipelines, of, first=next(iter(found))),
        Shown(
            "recall",
            "strong recall of mentions whose entity training showed, and whose entity it did not, in %",
            tables.recalled({name: its.recall for name, its in found.items()}),
        ),
        Shown("lost", "what became of linkable mentions, in %", tables.lost(every)),
    ]
    typed = ((name, its.judged[1:]) for name, its in found.items() if its.judged[1:])
    blocks += [
        Shown(f"end-to-end-{number}", f"{name}, by type", tables.matched(types))
        for number, (name, types) in enumerate(typed, 1)
    ]
    if of.role == "test" and (beside := published.beside_pipelines(corpus)):
        blocks.append(Shown("published-pipelines", PUBLISHED, beside))
    yield Section("Mentions found and linked", blocks)


def _gained(pipelines: Mapping[Path, Sequence[Pipeline]], of: Comparison, *, first: str) -> Iterator[Block]:
    if sum(map(len, pipelines.values())) < 2:
        return
    gone = [
        run for run, some in pipelines.items() for its in some if not (run / SAID.format(of.role, its.name)).is_file()
    ]
    if gone:
        yield Text(f"F1 is not compared: what was said is not there of {', '.join(run.name for run in gone)}.")
    else:
        caption = f"points of F1 that {first} gained; p by exchanging answers to whole documents at random"
        yield Shown("end-to-end-gains", caption, gains(pipelines, of.found, of.role, seed=of.seed))


def _trust(its: Comparison, sources: Sequence[Path], pictures: Path) -> Iterator[Block]:
    sure = {name: its.sureness(name) for name in its.answers}
    every = len(its.truth.mentions)
    curves = {name: risk_coverage(score, right, mentions=every) for name, (score, right) in sure.items()}
    yield Picture(
        trust_plots.risk_coverage(curves, title="risk and coverage", path=pictures / "risk-coverage.png"),
        "how many links are wrong when only the surest are given, by the score of the first candidate; a curve ends where"
        " a system says nothing of the other linkable mentions",
    )
    shares = (0.01, 0.02, 0.05, 0.1)
    rows = [[name, *(f"{100 * curve.at(risk):.1f}" for risk in shares)] for name, curve in curves.items()]
    heads = [f"wrong <= {100 * risk:g} %" for risk in shares]
    yield Shown(
        "coverage",
        "linkable mentions that have a link, in %, so that no more than so many links are wrong",
        Table(["system", *heads], rows),
    )
    caption = "scores of first candidates, mean and standard deviation; apart: how often a right one has the higher score, in %"
    rows = [[name, *_apart(score, right == 1)] for name, (score, right) in sure.items()]
    yield Shown("separation", caption, Table(["system", "right", "wrong", "difference", "apart"], rows))
    score, right = sure[its.first]
    path = pictures / "scores.png"
    yield Picture(
        trust_plots.scores(score[right == 1], score[right == 0], title=its.first, path=path),
        f"scores of {its.first}, right and wrong links apart",
    )
    yield from _reliability(its, sources, pictures)


def _apart(score_M: Float, right_M: Bool) -> list[str]:
    """Dashes of a system that gives no scores, or where all are right, or all are wrong."""
    if not len(score_M) or not np.ptp(score_M):
        return ["-"] * 4
    right, wrong = score_M[right_M], score_M[~right_M]
    said = [f"{its.mean():.3f} ({its.std():.3f})" if len(its) else "-" for its in (right, wrong)]
    if not len(right) or not len(wrong):
        return [*said, "-", "-"]
    return [
        *said,
        f"{right.mean() - wrong.mean():.3f}",
        f"{100 * ranked_apart(score_M, right_M.astype(np.float64)):.1f}",
    ]


def _reliability(its: Comparison, sources: Sequence[Path], pictures: Path) -> Iterator[Block]:
    """Of the probabilities that links come with, as each run was judged with them; of a run without, what dev makes of scores."""
    runs = {name: source for name, source in named(sources).items() if source.is_dir()}
    judged = {
        name: Trust.load(path) for name, source in runs.items() if (path := source / TRUST.format(its.role)).exists()
    }
    found = {name: one.reliability for name, one in judged.items()}
    bare = [name for name, source in runs.items() if name not in judged and (source / CALIBRATION).exists()]
    if bare:
        yield Text(
            f"Of {', '.join(bare)} no reliability was kept: judge again with `tripel evaluate RUN --on {its.role}`."
        )
    scored = [
        source
        for name, source in runs.items()
        if its.role == "test"
        and name not in judged
        and name not in bare
        and (source / "predictions" / f"dev-{TRAINED}-{FULL}.jsonl").is_file()
    ]
    if scored:
        dev = compared(scored, its.found, "dev", seed=its.seed)
        for name in dev.answers:
            score, right = its.sureness(name)
            found[f"{name}, by scores"] = reliability(calibrated(*dev.sureness(name), score), right)
    if not found and not judged:
        yield Text("No system has probabilities, or predictions for dev, on which they would be learnt from scores.")
    if found:
        yield Picture(
            trust_plots.reliability(found, title="reliability", path=pictures / "reliability.png"),
            "probabilities of the best candidates of all mentions, those without an id too, and how often they came true; `by"
            " scores`: not calibrated, isotonic regression on dev of the scores of linkable mentions",
        )
    for number, (name, one) in enumerate(judged.items(), 1):
        yield Shown(f"thresholds-{number}", f"{name}: {tables.trusted(one)}", tables.thresholds(one))


def _errors(its: Comparison) -> Errors:
    found = outcomes(its.answers[its.first], its.truth, its.ranks[its.first])
    wrong = [m for m, outcome in enumerate(found) if outcome != "right"]
    chosen = sorted(np.random.default_rng(its.seed).permutation(len(wrong))[:SHOWN].tolist())
    by_place = {(one.document, one.start, one.end): one for one in its.answers[its.first]}
    text_of = {document.id: document.text for document in its.found.documents[its.role]}
    errors = []
    for m in (wrong[i] for i in chosen):
        mention = its.truth.mentions[m]
        document, start, end = mention.key
        text = text_of[document]
        errors.append(
            Error(
                document=document,
                start=start,
                end=end,
                before=text[max(0, start - AROUND) : start],
                mention=text[start:end],
                after=text[end : end + AROUND],
                outcome=found[m],
                right=tuple(_entity(its.found.kb, id) for id in sorted(mention.ids)),
                said=tuple(_said(its.found.kb, by_place.get(mention.key))),
                others=tuple(name for name in its.others if its.ranks[name][m] == 1),
            )
        )
    drawn = "" if len(wrong) <= SHOWN else f", {SHOWN} of them drawn at random"
    return Errors(f"{len(wrong):,} of {len(found):,} mentions that {its.first} did not link right{drawn}.", errors)


def _said(kb: KnowledgeBase, prediction: Prediction | None) -> Iterator[str]:
    for id, score in prediction.candidates[:TOLD] if prediction else ():
        yield f"{_entity(kb, id)} ({score:.3f})"


def _entity(kb: KnowledgeBase, id: str) -> str:
    row = kb.row(id)
    return f"{id} (not in the knowledge base)" if row is None else f"{id} {kb.names[int(kb.first_E[row])].as_py()}"
