"""What `tripel bundle` does: one folder of all that links of a run, opened before it is named."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

from tripel import __version__, config
from tripel.environment import versions
from tripel.files import appearing, write_text
from tripel.kb import library
from tripel.linking.bundle import RECOGNIZER, Bundle, counted, recognizer, seal
from tripel.linking.finding import folders, moved, parts
from tripel.linking.linker import Linker, recognizer_of
from tripel.linking.ranker import Ranker
from tripel.progress import bar
from tripel.recognizers.base import TAGGER
from tripel.searching.asking import lay_out
from tripel.sizes import said
from tripel.tasks import linker_of
from tripel.training import checkpoint
from tripel.training.checkpoint import CONFIG
from tripel.training.wiring import public, textless

CARD, NOTICE, SETTINGS = "README.md", "NOTICE.txt", "settings.yaml"
OF_TRAINING = shutil.ignore_patterns(checkpoint.STATE, "wandb", "predictions", "examples.txt")  # in a tagger's folder
TOLD = 5  # vocabularies that are named where it is said


def make_bundle(run: Path, output: Path, *, finds: str = "") -> str:
    """Copy what links of a run, with what `finds` mentions: a tagger's folder, or a name with settings. Gives what was made.

    Raises ValueError where the run does not link, or what was copied does not.
    """
    if output.exists():
        raise ValueError(f"{output} is there already; choose another folder, or delete it")
    ranker, finds = linker_of(run).ranker, finds or recognizer(run)
    models = folders(finds)
    if len(models) > 1:
        raise ValueError(f"{finds}: a bundle has room for one model that finds mentions, and two folders are named")
    if finds and not models and parts(finds)[0] == "token_classifier":
        raise ValueError(f"{finds}: a bundle has no network; bring the model to a folder, and say model=FOLDER")
    if finds and not models:
        recognizer_of(finds, ranker)  # raises where it is none
    with appearing(output) as part:
        _copy_all(run, part, models)
        _account(run, part, ranker, moved(finds, lambda place: RECOGNIZER if Path(place) in models else place))
        Linker.load(part)  # raises where something is missing
    return _told(output, Bundle.load(output))


def _copy_all(run: Path, part: Path, models: Sequence[Path]) -> None:
    lay_out(run, part, copy=_copy)
    for model in models:
        ours = (model / TAGGER).exists()
        shutil.copytree(model, part / RECOGNIZER, copy_function=_copy, ignore=OF_TRAINING if ours else None)
        if (part / RECOGNIZER / CONFIG).exists():
            config.save(part / RECOGNIZER / CONFIG, textless(config.load(part / RECOGNIZER / CONFIG)))
    for name in (CARD, SETTINGS):
        if (run / name).exists():
            _copy(str(run / name), str(part / name))
    if (run / CONFIG).exists():
        config.save(part / SETTINGS, public(config.load(run / CONFIG)))


def _copy(source: str, target: str) -> None:
    """The bytes alone, on the disk before they are counted."""
    shutil.copyfile(source, target)
    with Path(target).open("rb") as written:
        os.fsync(written.fileno())


def _account(run: Path, part: Path, ranker: Ranker, finds: str) -> None:
    kb, restricted = ranker.kb, library.restricted(ranker.kb)
    notice = _notice(restricted)
    if notice:
        listed = "".join(f"{name}\t{'not known' if level is None else level}\n" for name, level in restricted.items())
        write_text(part / NOTICE, f"{notice}\n\nVocabulary\tlevel of restriction\n{listed}")
    with bar("counting every file") as progress:
        files = counted(part, progress)
    Bundle(
        tripel=__version__,
        python=platform.python_version(),
        packages=versions(),
        made_from=run.resolve().name,
        encoder=checkpoint.encoder_fingerprint(part / checkpoint.ENCODER),
        knowledge_base=kb.fingerprint,
        concepts=len(kb),
        names=len(kb.names),
        recognizer=finds,
        restricted=restricted,
        notice=notice,
        files=files,
    ).save(part)


def _notice(restricted: dict[str, int | None]) -> str:
    if not restricted:
        return ""
    first = ", ".join(list(restricted)[:TOLD]) + (", ..." if len(restricted) > TOLD else "")
    return (
        f"This folder holds names of {len(restricted)} vocabularies that are restricted, or of which it is not known how far"
        f" ({first}), and its weights were fitted to names: whoever passes it on makes sure that their licences allow it, and"
        " whoever links with it needs licences of their own; for those of UMLS: https://uts.nlm.nih.gov"
    )


def _told(folder: Path, made: Bundle) -> str:
    size = said(sum(file.size for file in made.files.values()))
    finds = f"`{made.recognizer}` finds mentions" if made.recognizer else "mentions come with their texts"
    if (folder / RECOGNIZER).exists():
        finds = f"the model in {folder / RECOGNIZER} finds mentions"
    lines = [
        f"{folder}: {len(made.files)} files, {size}; {made.concepts:,} concepts, {made.names:,} names; {finds}",
        f"after copying it: `tripel bundle --check {folder}`, then `tripel --offline link {folder} ...`",
        seal(folder),
    ]
    return "\n".join([*lines, made.notice] if made.notice else lines)
