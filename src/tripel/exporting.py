"""An encoder of names as a Sentence Transformers model: the same vectors there, no code of ours needed."""

from __future__ import annotations

import shutil
from pathlib import Path

from tripel.encoder import Encoder
from tripel.files import write_json

POOLING = "1_Pooling"


def export(encoder: Encoder, folder: Path) -> None:
    """Write a new folder. Raises ValueError where it is there, or where that library has no such pooling or towers."""
    config = encoder.config
    if folder.exists():
        raise ValueError(f"{folder} is there already; choose another folder")
    if config.towers == "two":
        raise ValueError("an encoder with two towers is two models: only one with shared towers can be exported")
    if config.entity_pooling == "span":
        raise ValueError(
            "this encoder means over a name's own tokens, Sentence Transformers over all: train with"
            " encoder.entity_pooling=mean or cls to export it"
        )
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    encoder.save(part)
    unit = config.similarity == "cosine"
    modules = [("", "Transformer"), (POOLING, "Pooling"), *([("2_Normalize", "Normalize")] if unit else [])]
    write_json(
        part / "modules.json",
        [
            {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for number, (path, kind) in enumerate(modules)
        ],
    )
    write_json(
        part / POOLING / "config.json",
        {
            "word_embedding_dimension": encoder.dimensions,
            "pooling_mode_cls_token": config.entity_pooling == "cls",
            "pooling_mode_mean_tokens": config.entity_pooling == "mean",
            "pooling_mode_max_tokens": False,
        },
    )
    for path, _ in modules[2:]:
        (part / path).mkdir()
    write_json(
        part / "sentence_bert_config.json", {"max_seq_length": config.entity_length, "do_lower_case": config.lower_case}
    )
    write_json(part / "config_sentence_transformers.json", {"similarity_fn_name": config.similarity})
    part.rename(folder)
