"""What a run folder holds of training, and going on from it. Safetensors and JSON only; a checkpoint is whole or absent."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tripel.encoding.encoder import Encoder
from tripel.files import fingerprint, mended, read_json, replacing, swap_in, write_json
from tripel.training.batches import Near
from tripel.training.trainer import Place, Trainer

CONFIG = "config.yaml"  # the recipe of a run, complete
ENCODER, OBJECTIVE, STATE, NEAR = "encoder", "objective.safetensors", "state", "near.safetensors"
SCALER = "scaler.json"  # of the loss, in half precision


def save(run: Path, trainer: Trainer, near: Near | None, place: Place) -> None:
    """Write `state/step-<n>`, then let the earlier one go."""
    folder = run / STATE / f"step-{place.step:08d}"
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    trainer.student.encoder.save(part / ENCODER)
    save_file(_contiguous(trainer.student.objective.state_dict()), part / OBJECTIVE)
    save_file(_optimizer_tensors(trainer), part / "optimizer.safetensors")
    if trainer.accelerator.scaler is not None:
        write_json(part / SCALER, trainer.accelerator.scaler.state_dict())
    if near is not None:
        save_arrays(vars(near), part / NEAR)
    write_json(part / "place.json", asdict(place))
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    for other in (run / STATE).glob("step-*"):
        if other != folder:
            shutil.rmtree(other)


def latest(run: Path) -> Path | None:
    """The newest whole checkpoint of a run."""
    found = [path for path in (run / STATE).glob("step-*") if path.suffix != ".part"]
    return max(found, default=None)


def place(folder: Path) -> Place:
    """Where the run stood at a checkpoint."""
    return Place(**read_json(folder / "place.json"))


def restore(folder: Path, trainer: Trainer) -> Near | None:
    """Bring objective and optimizer back to where they stood; the encoder was made from `folder / ENCODER`."""
    trainer.student.objective.load_state_dict(load_file(folder / OBJECTIVE))
    _load_optimizer(trainer, load_file(folder / "optimizer.safetensors"))
    if trainer.accelerator.scaler is not None and (folder / SCALER).exists():
        trainer.accelerator.scaler.load_state_dict(read_json(folder / SCALER))
    return Near(**load_arrays(folder / NEAR)) if (folder / NEAR).exists() else None


def publish(run: Path, encoder: Encoder, objective: nn.Module) -> None:
    """Put the encoder of this moment, and the objective's own numbers, where the linker finds them."""
    part = run / f".{ENCODER}.part"
    shutil.rmtree(part, ignore_errors=True)
    encoder.save(part)
    with replacing(run / OBJECTIVE) as written:
        save_file(_contiguous(objective.state_dict()), written)
    swap_in(part, run / ENCODER)


def published(run: Path) -> Path:
    """Where the published encoder lies. Mends a run that was killed between the two renames of `publish`."""
    folder = mended(run / ENCODER)
    if not folder.exists():
        raise ValueError(f"{run}: no trained encoder here; train one with `tripel train` or `tripel resume {run}`")
    return folder


def encoder_fingerprint(folder: Path) -> str:
    """Of the weights, of both towers where there are two, and of how they are used."""
    files = sorted(path for path in folder.rglob("*") if path.suffix == ".safetensors" or path.name == "tripel.json")
    return "-".join(fingerprint(path)[:16] for path in files)


def _parameters(trainer: Trainer) -> list[tuple[str, Tensor]]:
    return list(trainer.student.named_parameters())


def _optimizer_tensors(trainer: Trainer) -> dict[str, Tensor]:
    state = trainer.optimizer.state
    return {
        f"{name}|{key}": value.detach().cpu().contiguous()
        for name, parameter in _parameters(trainer)
        if parameter in state
        for key, value in state[parameter].items()
    }


def _load_optimizer(trainer: Trainer, tensors: dict[str, Tensor]) -> None:
    keys: dict[str, dict[str, Tensor]] = {}
    for full, value in tensors.items():
        name, _, key = full.rpartition("|")
        keys.setdefault(name, {})[key] = value
    for name, parameter in _parameters(trainer):
        if name in keys:
            moved = {key: value if key == "step" else value.to(parameter.device) for key, value in keys[name].items()}
            trainer.optimizer.state[parameter] = moved


def _contiguous(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: torch.clone(value).contiguous() for name, value in tensors.items()}
