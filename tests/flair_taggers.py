"""Tiny random taggers of Flair, made on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

WITHOUT = (
    "Flair is not installed: pip install 'tripel[flair]' in an environment of its own, since Flair 0.15 asks for transformers"
    " below 5 and requirements.lock has 5"
)


def dictionary(*items: str, spans: bool = False) -> Any:
    pytest.importorskip("flair", reason=WITHOUT)
    from flair.data import Dictionary

    made = Dictionary(add_unk=not spans)
    made.span_labels = spans
    for item in items:
        made.add_item(item)
    return made


def embeddings(kind: str, folder: Path) -> Any:
    """One of each kind that can be kept."""
    pytest.importorskip("flair", reason=WITHOUT)
    from flair import embeddings as every
    from flair.models import LanguageModel

    letters = dictionary(*"abcdefghijklmnopqrstuvwxyz ")
    if kind == "transformer":
        return every.TransformerWordEmbeddings(str(tiny.folder(folder / "encoder")))
    if kind == "context":
        return every.TransformerWordEmbeddings(str(tiny.folder(folder / "encoder")), use_context=True)
    if kind == "stacked":
        models = [LanguageModel(letters, is_forward_lm=way, hidden_size=8, nlayers=1) for way in (True, False)]
        return every.StackedEmbeddings([every.FlairEmbeddings(model) for model in models])
    if kind == "words":
        return every.WordEmbeddings(None, vocab={"ms": 0, "<unk>": 1}, embedding_length=4, name="words")
    if kind == "letters":
        return every.CharacterEmbeddings(letters)
    if kind == "hashed":
        return every.HashEmbeddings()
    return every.OneHotEmbeddings(letters)


def tagger(kind: str, folder: Path, *, crf: bool = True, prefixed: bool = False) -> Any:
    """A tagger that learnt nothing, with two labels; `prefixed` as HunFlair2 is."""
    made = embeddings(kind, folder)
    from flair.models import SequenceTagger
    from flair.models.prefixed_tagger import EntityTypeTaskPromptAugmentationStrategy, PrefixedSequenceTagger

    torch.manual_seed(1)
    settings = {
        "embeddings": made,
        "tag_dictionary": dictionary("Disease", "Chemical", spans=True),
        "tag_type": "ner",
        "hidden_size": 8,
        "use_crf": crf,
    }
    if prefixed:
        prompt = EntityTypeTaskPromptAugmentationStrategy(["diseases"])
        return PrefixedSequenceTagger(**settings, augmentation_strategy=prompt).eval()
    return SequenceTagger(**settings).eval()


def kept(folder: Path, kind: str = "stacked", **settings: bool) -> Path:
    """The folder of one that was kept."""
    from tripel.recognizers.flair_files import keep

    keep(tagger(kind, folder.parent, **settings), folder)
    return folder
