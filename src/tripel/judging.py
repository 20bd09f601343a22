"""Judging a trained run, its baselines beside it: predictions in files, scores, tables and pictures in the run folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tripel import checkpoint, indexing, plots, predictions, tables
from tripel.clusters import group
from tripel.encoder import Encoder
from tripel.evaluation import Scores, evaluate
from tripel.files import fingerprint, read_json, read_lines, write_json, write_text
from tripel.indexes.base import Hits
from tripel.journal import METRICS, Journal
from tripel.linker import Linker
from tripel.preparing import Ground, lesson
from tripel.progress import bar
from tripel.recipe import Recipe

INDEX = "index"
ROLES = ("dev", "test")


def judge(run: Path, recipe: Recipe, found: Ground, journal: Journal) -> str:
    """Rank the mentions of dev and test by every system, and write down what came out. Gives the tables as Markdown."""
    systems: dict[str, Linker | None] = {"lexical": None}
    if recipe.data.compare_untrained:
        systems["untrained"] = linker(Encoder(replace(recipe.encoder, view="bare")), recipe, found, without_mentions=True)
    systems["trained"] = trained(run, recipe, found)
    said = [_judge_role(run, recipe, found, role, systems, journal) for role in ROLES]
    curves = plots.learning_curves(list(read_lines(run / METRICS)), folder=run / "pictures")
    journal.pictures({"learning curves": curves})
    text = "\n\n".join(said)
    write_text(run / "tables.md", text + "\n")
    return text


def trained(run: Path, recipe: Recipe, found: Ground) -> Linker:
    """The linker of a run; its index is built where it is not there, or was built for another encoder."""
    folder = checkpoint.published(run)
    encoder = Encoder.load(folder)
    stamp = encoder_fingerprint(folder)
    made = run / INDEX / "index.json"
    if not made.exists() or read_json(made).get("encoder") != stamp:
        rows = _rows(encoder, recipe, found)
        indexing.save(rows, run / INDEX, encoder=stamp, kb=found.kb.fingerprint)
    rows = indexing.load(
        run / INDEX, encoder=stamp, kb=found.kb.fingerprint, rebuild=f"tripel evaluate {run}"
    )
    return Linker(encoder, found.kb, rows.index(encoder, recipe.index), rows.name_N)


def linker(encoder: Encoder, recipe: Recipe, found: Ground, *, without_mentions: bool) -> Linker:
    """A linker that is not kept: with names or whole entities alone in its index, where it has learnt nothing."""
    kept = tuple(kind for kind in recipe.index.rows if kind != "mentions" or not without_mentions)
    its = replace(recipe, index=replace(recipe.index, rows=kept, centre_weight=0.0))
    rows = _rows(encoder, its, found)
    return Linker(encoder, found.kb, rows.index(encoder, its.index), rows.name_N)


def encoder_fingerprint(folder: Path) -> str:
    """Of the weights, of both towers where there are two, and of how they are used."""
    files = sorted(path for path in folder.rglob("*") if path.suffix == ".safetensors" or path.name == "tripel.json")
    return "-".join(fingerprint(path)[:16] for path in files)


def _rows(encoder: Encoder, recipe: Recipe, found: Ground) -> indexing.Rows:
    taught, _ = lesson(recipe, found, encoder)
    with bar("encoding the knowledge base") as progress:
        return indexing.build(encoder, found.kb, taught, recipe.index, progress=progress)


def _judge_role(
    run: Path, recipe: Recipe, found: Ground, role: str, systems: dict[str, Linker | None], journal: Journal
) -> str:
    scores = []
    for name, its in systems.items():
        for protocol, hits in _ranked(its, found, role):
            scores.append(_scored(run, recipe, found, role, name, protocol, hits))
    full = [one for one in scores if one.protocol == "full"]
    folder = run / "pictures"
    pictures = {
        f"{role} accuracy at k": plots.accuracy_curves(full, folder=folder, name=f"{role}-accuracy"),
        f"{role} by training clusters": plots.by_clusters(full, folder=folder, name=f"{role}-clusters"),
    }
    journal.pictures(pictures)
    journal.tables(role, ["system", "accuracy@1"], [[f"{one.system}, {one.protocol}", one.linkable.accuracy[1].value] for one in scores])
    return f"## {role}\n\n{tables.main(scores)}\n\n{tables.slices(full)}"


def _ranked(its: Linker | None, found: Ground, role: str) -> Iterator[tuple[str, Hits]]:
    candidates = found.candidates[role]
    if its is None:
        yield "full", candidates
        return
    with bar(f"linking {role}") as progress:
        within, full = its.both(found.documents[role], candidates.row_MK, progress=progress)
    yield "candidates", within
    yield "full", full


def _scored(
    run: Path, recipe: Recipe, found: Ground, role: str, system: str, protocol: str, hits: Hits
) -> Scores:
    documents = found.documents[role]
    made = predictions.of(documents, hits.row_MK, hits.score_MK, found.kb)
    stem = f"{role}-{system}-{protocol}"
    origin = predictions.Origin(
        protocol=protocol, system=system, encoder="", knowledge_base=found.kb.fingerprint
    )
    predictions.write(run / "predictions" / f"{stem}.jsonl", origin, made)
    scores = evaluate(
        made, kb=found.kb, documents=documents, train=found.documents["train"], seed=recipe.trainer.seed,
        system=system, protocol=protocol,
    )  # fmt: skip
    write_json(run / "scores" / f"{stem}.json", scores.to_json())
    return scores
