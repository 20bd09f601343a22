"""Taggers of Flair as files that hold no code: JSON, and safetensors for what are tensors. Nothing here recognizes.

Flair itself keeps a tagger as a pickle, which runs whatever is written in it. So a tagger is kept once, where its maker is
trusted, and read here ever after:

    from flair.models import SequenceTagger
    from tripel.recognizers.flair_files import keep
    keep(SequenceTagger.load("ner"), Path("taggers/ner"))
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from tripel.files import read_json, replacing, write_json

TAGGER, WEIGHTS = "tagger.json", "tagger.safetensors"
KINDS = ("SequenceTagger", "PrefixedSequenceTagger")
EMBEDDINGS = (
    "StackedEmbeddings",
    "TransformerWordEmbeddings",
    "TransformerEmbeddings",
    "FlairEmbeddings",
    "WordEmbeddings",
    "CharacterEmbeddings",
    "OneHotEmbeddings",
)  # made of what is kept alone: they unpickle nothing and fetch nothing
CLASS = "__cls__"  # Flair's own mark
TENSOR, BYTES, DICTIONARY, PROMPT = "tripel:tensor", "tripel:bytes", "tripel:dictionary", "tripel:prompt"


def keep(tagger: Any, folder: Path) -> None:
    """Write a SequenceTagger of Flair that is in memory. Raises ValueError for one that cannot be kept without a pickle."""
    if (folder / TAGGER).exists():
        raise ValueError(f"{folder}: a tagger is kept there already; choose another folder")
    state = tagger._get_state_dict()
    state["state_dict"] = dict(state["state_dict"])
    tensors: dict[str, torch.Tensor] = {}
    plain = _plain(state, tensors, "")
    _check(plain)
    with replacing(folder / WEIGHTS) as part:
        save_file(tensors, part)
    write_json(folder / TAGGER, plain)  # last: a folder that has it is whole


def read(folder: Path) -> Any:
    """The tagger that `keep` wrote. Raises ValueError where it is something else."""
    if not (folder / TAGGER).is_file():
        said = "a file of Flair, which is a pickle" if folder.is_file() else f"no folder with {TAGGER}"
        raise ValueError(
            f"{folder}: {said}; no pickle is loaded here: load it with Flair where you trust it, and write it with"
            " `tripel.recognizers.flair_files.keep(tagger, folder)`"
        )
    plain = read_json(folder / TAGGER)
    _check(plain)
    from flair import models

    state = _state(plain, load_file(folder / WEIGHTS))
    return getattr(models, state[CLASS]).load(state)


def _plain(value: Any, tensors: dict[str, torch.Tensor], place: str) -> Any:
    """A part of a tagger as JSON has it; tensors are put aside under the place they come from."""
    from flair.data import Dictionary
    from flair.models.prefixed_tagger import EntityTypeTaskPromptAugmentationStrategy

    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, torch.Tensor):
        tensors[place] = value.detach().cpu().clone().contiguous()
        return {TENSOR: place}
    if isinstance(value, Mapping):
        return {str(key): _plain(its, tensors, f"{place}.{key}".lstrip(".")) for key, its in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(its, tensors, f"{place}.{number}") for number, its in enumerate(value)]
    if isinstance(value, bytes | BytesIO):
        held = value if isinstance(value, bytes) else value.getvalue()
        return {BYTES: base64.b64encode(held).decode("ascii")}
    if isinstance(value, Dictionary):
        return {DICTIONARY: value.get_items(), "unknown": value.add_unk, "spans": value.span_labels}
    if isinstance(value, EntityTypeTaskPromptAugmentationStrategy):
        return {PROMPT: list(value.entity_types)}
    raise ValueError(
        f"{place} is {type(value).__name__}, which only a pickle can keep; this tagger cannot be used here"
    )


def _state(value: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    """What `_plain` was made of."""
    if isinstance(value, list):
        return [_state(its, tensors) for its in value]
    if not isinstance(value, dict):
        return value
    if TENSOR in value:
        return tensors[value[TENSOR]]
    if BYTES in value:
        return BytesIO(base64.b64decode(value[BYTES]))
    if DICTIONARY in value:
        return _dictionary(value)
    if PROMPT in value:
        from flair.models.prefixed_tagger import EntityTypeTaskPromptAugmentationStrategy

        return EntityTypeTaskPromptAugmentationStrategy(value[PROMPT])
    return {key: _state(its, tensors) for key, its in value.items()}


def _dictionary(value: dict[str, Any]) -> Any:
    from flair.data import Dictionary

    made = Dictionary(add_unk=False)
    for item in value[DICTIONARY]:
        made.add_item(item)
    made.add_unk, made.span_labels = value["unknown"], value["spans"]
    return made


def _check(plain: Any) -> None:
    """Raises ValueError for a part that is known to unpickle, to fetch, or not known at all."""
    kind = plain.get(CLASS) if isinstance(plain, dict) else None
    if kind not in KINDS:
        raise ValueError(f"{kind or 'this'} is not a tagger that can be used here; expected {' or '.join(KINDS)}")
    for name in _embeddings(plain.get("embeddings")):
        if name not in EMBEDDINGS:
            raise ValueError(f"a tagger with {name}, which cannot be used here; expected {', '.join(EMBEDDINGS)}")


def _embeddings(plain: Any) -> Iterator[str]:
    """The kinds of embeddings within a tagger."""
    if isinstance(plain, dict):
        yield from [str(plain[CLASS])] if CLASS in plain else []
        plain = list(plain.values())
    for its in plain if isinstance(plain, list) else ():
        yield from _embeddings(its)
