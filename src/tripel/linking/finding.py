"""What finds mentions, as a user says it: `dictionary fuzzy=true`, a tagger's folder, `spacy_pipeline model=FOLDER`.

It finds none itself. Only the folders named in it matter here: those that have to come along where a linker goes elsewhere. A
recognizer's own name means it, also where a folder is called so; `./dictionary` is the folder.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from tripel.find import names

OF_FOLDERS = ("model", "run")  # settings of recognizers that may name one


def parts(said: str) -> list[str]:
    """The name and its settings, quoted as in a shell; a folder alone needs no quotes."""
    return [said] if said and is_folder(said) else shlex.split(said)


def is_folder(said: str) -> bool:
    """Whether a word is a folder, and not the name of a recognizer."""
    return said not in names("recognizers") and Path(said).is_dir()


def folders(said: str) -> list[Path]:
    """The folders that are named and there."""
    return [Path(place) for _, place in map(_split, parts(said)) if place and is_folder(place)]


def moved(said: str, to: Callable[[str], str]) -> str:
    """The same with another place in the stead of each that may be a folder."""
    words = [(before, place, word) for word in parts(said) for before, place in [_split(word)]]
    return shlex.join(before + to(place) if place else word for before, place, word in words)


def _split(word: str) -> tuple[str, str]:
    """What may be the name of a folder, and what stands before it."""
    setting, is_one, value = word.partition("=")
    if not is_one:
        return "", word
    return (f"{setting}=", value) if setting in OF_FOLDERS else (word, "")
