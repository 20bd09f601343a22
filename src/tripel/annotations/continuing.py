"""A training that goes on from a model: its settings, its encoder and what its objective has learnt, with other documents.

The knowledge base stays, with its rows. Nothing is chosen on the documents held out: weights and calibration are the model's.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from tripel import config
from tripel.encoding.encoder import SETTINGS as ENCODER_SETTINGS
from tripel.files import read_json, share, write_json
from tripel.linking.bundling import SETTINGS
from tripel.linking.deciding import CALIBRATION
from tripel.linking.ranker import KNOWLEDGE
from tripel.linking.whole import WEIGHTS
from tripel.recognizers.base import TAGGER
from tripel.recognizers.tagger import HEAD
from tripel.tagging.tags import Tags
from tripel.training import checkpoint
from tripel.training.checkpoint import CONFIG, ENCODER, OBJECTIVE, STATE
from tripel.training.trainer import Place

JOINT: dict[str, Any] = {
    "terminologies": [],
    "objective": {"name": "tagging_and_linking", "names": 2, "right": "together", "wrong": 6, "tagging": 2.0},
    "negatives": {"refresh": 1, "kept": 16, "pool": 24},
    "trainer": {"epochs": 4, "batch": 32, "lr": 1.0e-4},
}
"""Of a folder that was never trained here; as configs/bc5cdr_joint.yaml."""
TRAIN, HELD_OUT = "train", "dev"  # splits of the documents


def begin(model: Path, corpus: Path, run: Path, *, types: tuple[str, ...]) -> dict[str, Any]:
    """Lay a run folder out so that it begins with a model, and give its settings, as of a YAML file.

    corpus: a folder with `train` and `dev` documents. types: of mentions in those; a tagger learns those that are new, too.
    """
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    values = _settings(model)
    known = tuple(values["objective"].get("types") or ())
    if known:
        values["objective"]["types"] = [*known, *(type for type in types if type not in known)]
    if (model / OBJECTIVE).exists():
        _first_checkpoint(model, run, labels=_labels(values["objective"]))
    return {
        **values,
        "corpus": {"name": "files", "path": str(corpus)},
        "data": {"train": TRAIN, "dev": HELD_OUT, "test": HELD_OUT, "judged": [HELD_OUT], "watched": 0},
        "encoder": {**values.get("encoder", {}), "model": str(checkpoint.published(model))},
        "journal": {"wandb": False},
        **(_of_linking(model, run, values) if "terminologies" in values else {}),
    }


def can_be_trained(recognizer: str) -> bool:
    """Whether what finds mentions is a tagger of ours."""
    return bool(recognizer) and (Path(recognizer) / TAGGER).is_file()


def _settings(model: Path) -> dict[str, Any]:
    """Those that a run or a bundle was trained with; of another folder, those of JOINT with its encoder."""
    for name in (CONFIG, SETTINGS):
        if (model / name).is_file():
            return config.load(model / name)
    its = read_json(checkpoint.published(model) / ENCODER_SETTINGS)
    return {**JOINT, "objective": dict(JOINT["objective"]), "encoder": {**its, "view": "document"}}


def _of_linking(model: Path, run: Path, values: dict[str, Any]) -> dict[str, Any]:
    """What only the recipe of a linker has: the knowledge base, as it is, and what was chosen on other documents."""
    share(model / KNOWLEDGE, run / KNOWLEDGE)
    there = (model / WEIGHTS).exists() or (model / CALIBRATION).exists()
    return {
        "terminologies": [{"name": "saved", "path": str(run / KNOWLEDGE)}],
        "index": values.get("index") or {"rows": ["names", "mentions"]},
        "whole": {"weigh": (model / WEIGHTS).exists(), "like": str(model) if there else ""},
    }


def _first_checkpoint(model: Path, run: Path, *, labels: int) -> None:
    """Where the new run stands before its first step."""
    folder = run / STATE / "step-00000000"
    shutil.copytree(checkpoint.published(model), folder / ENCODER)
    tensors = load_file(model / OBJECTIVE)
    save_file(
        {name: _grown(its, labels) if name.startswith(HEAD) else its for name, its in tensors.items()},
        folder / OBJECTIVE,
    )
    save_file({}, folder / "optimizer.safetensors")
    write_json(folder / "place.json", asdict(Place()))


def _labels(objective: dict[str, Any]) -> int:
    """How many labels a tagger's head tells apart; 0 where there is none."""
    if "scheme" not in objective:
        return 0
    return len(Tags(objective["scheme"], tuple(objective.get("types") or ("",))).labels)


def _grown(its: torch.Tensor, labels: int) -> torch.Tensor:
    """A head's numbers with rows of zeros for labels that are new; those of new types stand behind the others."""
    new = max(0, labels - len(its))
    return torch.cat([its, its.new_zeros(new, *its.shape[1:])]).contiguous()
