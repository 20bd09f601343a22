"""The arithmetic in which an encoder makes vectors once it is trained: what its settings say, or another. It trains nothing."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Literal, get_args

import torch

from tripel.encoding.encoder import Encoder

Arithmetic = Literal["", "no", "bf16", "int8"]
"""As an encoder's settings say; single precision; bfloat16; or the linear layers in integers of eight bits."""


def known(arithmetic: str) -> None:
    """Raises ValueError where it is none that there is."""
    if arithmetic not in get_args(Arithmetic):
        said = ", ".join(filter(None, get_args(Arithmetic)))
        raise ValueError(f"arithmetic is {arithmetic!r}; expected one of {said}, or nothing for that of the run")


def change(encoder: Encoder, arithmetic: str) -> None:
    """Let an encoder reckon otherwise, for good: its layers are replaced where they are to be of integers.

    Raises ValueError where it cannot here.
    """
    known(arithmetic)
    if not arithmetic:
        return
    if arithmetic == "int8":
        _to_integers(encoder)
    encoder.config = replace(encoder.config, precision="bf16" if arithmetic == "bf16" else "no")


def _to_integers(encoder: Encoder) -> None:
    """Linear layers of what reads mentions, where they stand."""
    if encoder.device.type != "cpu":
        raise ValueError(
            f"int8 is an arithmetic of CPUs, and the encoder is on {encoder.device.type}; say bf16, or hide the GPU with"
            " CUDA_VISIBLE_DEVICES="
        )
    if torch.backends.quantized.engine in (None, "none") or not hasattr(torch.ao.quantization, "quantize_dynamic"):
        raise ValueError(f"torch {torch.__version__} cannot reckon in int8 here; say bf16, or no")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch means to leave this to torchao some day; torch 2.13 still has it
        torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]  # of torch
            encoder.mention_tower, {torch.nn.Linear}, dtype=torch.qint8, inplace=True
        )
