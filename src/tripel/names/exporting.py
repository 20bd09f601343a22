"""An encoder of names as a Sentence Transformers model: the same vectors there, no code of ours needed."""

from __future__ import annotations

import shutil
from pathlib import Path

from tripel.encoding.encoder import Encoder
from tripel.files import write_json


def export(encoder: Encoder, folder: Path) -> None:
    """Write a new folder. Raises ValueError where it is there, or where that library has no such pooling or towers."""
    config = encoder.config
    _check(config, folder)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    encoder.save(part)
    modules = _modules(encoder)
    paths = ["", *(f"{number}_{kind}" for number, kind in enumerate(modules, 1))]
    write_json(
        part / "modules.json",
        [
            {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for number, (kind, path) in enumerate(zip(["Transformer", *modules], paths, strict=True))
        ],
    )
    for path, settings in zip(paths[1:], modules.values(), strict=True):
        write_json(part / path / "config.json", settings)
    write_json(
        part / "sentence_bert_config.json", {"max_seq_length": config.entity_length, "do_lower_case": config.lower_case}
    )
    write_json(part / "config_sentence_transformers.json", {"similarity_fn_name": config.similarity})
    part.rename(folder)


def _check(config: Encoder.Config, folder: Path) -> None:
    if folder.exists():
        raise ValueError(f"{folder} is there already; choose another folder")
    if config.towers == "two":
        raise ValueError("an encoder with two towers is two models: only one with shared towers can be exported")
    if config.entity_pooling == "span" and config.entity_view == "whole":
        raise ValueError(
            "this encoder counts the [SEP] between the names of an entity and not the one at the end, which Sentence"
            " Transformers cannot tell apart: train with encoder.entity_view=names or entity_pooling=mean to export it"
        )


def _modules(encoder: Encoder) -> dict[str, dict[str, object]]:
    """What comes after the transformer, with its settings."""
    pooling = encoder.config.entity_pooling
    modules: dict[str, dict[str, object]] = {
        "Pooling": {
            "word_embedding_dimension": encoder.dimensions,
            "pooling_mode_cls_token": pooling == "cls",
            "pooling_mode_mean_tokens": pooling != "cls",
            "pooling_mode_max_tokens": False,
        }
    }
    if pooling == "span":  # the mean divides by the sum of the weights: only the text's own tokens count
        tokens = encoder.tokenizer.convert_ids_to_tokens(list(range(len(encoder.tokenizer))))
        ends = dict.fromkeys((encoder.tokenizer.cls_token, encoder.tokenizer.sep_token), 0.0)
        modules = {"WordWeights": {"vocab": tokens, "word_weights": ends, "unknown_word_weight": 1.0}, **modules}
    return {**modules, "Normalize": {}} if encoder.config.similarity == "cosine" else modules
