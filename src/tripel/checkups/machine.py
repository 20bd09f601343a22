"""The machine: Python, memory, disks, cores, GPUs, and how torch gets on with them."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import torch

from tripel import limits
from tripel.environment import cores
from tripel.files import data_folder
from tripel.findings import Finding, ok, problem, warning
from tripel.sizes import said

LITTLE, TOO_LITTLE = 4 << 30, 3 << 29  # free memory; BC5CDR's 345,924 names take 1.3 GB while they are linked to
SCARCE = 2 << 30  # free disk; a run on BC5CDR leaves 0.7 GB
DRIVER = Path("/proc/driver/nvidia/version")
ARCH = re.compile(r"(sm|compute)_(\d+)(\d)([af]?)")


def findings() -> Iterator[Finding]:
    """All of it."""
    yield ok("Python", f"{platform.python_version()}, {sys.executable}")
    yield ok("platform", f"{platform.platform()}")
    yield memory(psutil.virtual_memory().available, limits.memory())
    for what, folder in (("data folder", data_folder()), ("runs folder", Path("runs")), ("temporary", _temporary())):
        yield disk(what, folder)
    yield threads(torch.get_num_threads(), min(filter(None, (cores(), limits.cores()))))
    yield arithmetic()
    yield from gpus()


def memory(free: int, limit: limits.Memory | None) -> Finding:
    """What can still be used, here and within what a container leaves."""
    total = f"{said(psutil.virtual_memory().total)}"
    if limit is not None:
        free = min(free, limit.limit - limit.used)
        total += f", limited to {said(limit.limit)} by a control group"
    found = f"{said(max(free, 0))} free of {total}"
    if free < LITTLE:
        mark = problem if free < TOO_LITTLE else warning
        return mark("memory", found, "end other programs or give more; `tripel index plan` tells what an index takes")
    return ok("memory", found)


def disk(what: str, folder: Path) -> Finding:
    """Whether it can be written to, and what is free there; of a folder that is not there yet, where it would be made."""
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    where = f"{folder}" if place == folder.absolute() else f"{folder} (not there yet)"
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        do = "have it made writable, or name another folder (--output, TRIPEL_DATA, TMPDIR)"
        return problem(what, f"{where} cannot be written to ({error.strerror})", do)
    free = shutil.disk_usage(place).free
    if free < SCARCE:
        return warning(what, f"{where}: {said(free)} free", "make room: a run may leave as much")
    return ok(what, f"{where}: {said(free)} free, can be written to")


def threads(used: int, allowed: float) -> Finding:
    """More threads than cores wait for each other."""
    found = f"{torch.__version__}, {used} thread{'s' * (used != 1)}, {allowed:g} core{'s' * (allowed != 1)}"
    if used > max(1, allowed):
        return warning("torch", found, f"set OMP_NUM_THREADS={max(1, int(allowed))}")
    return ok("torch", found)


def arithmetic(told: Path = Path("/proc/cpuinfo")) -> Finding:
    """What the CPU has for bfloat16."""
    flags = set(re.findall(r"\b(amx_bf16|avx512_bf16)\b", told.read_text())) if told.exists() else set()
    level = torch.backends.cpu.get_cpu_capability()
    if "amx_bf16" in flags:
        return ok("CPU", f"{level} with AMX: trainer.precision=bf16 encoder.precision=bf16 are faster here")
    return ok("CPU", f"{level}{', bfloat16' * bool(flags)}; no AMX, with which precision=bf16 would be faster")


def gpus() -> Iterator[Finding]:
    """Each GPU: whether this torch has code for it, and whether it works something out."""
    if not torch.cuda.is_available():
        yield _without(DRIVER.exists(), torch.version.cuda)
    for number in range(torch.cuda.device_count()):
        yield _gpu(number)
    if torch.backends.mps.is_available():
        yield ok("MPS", "there, and not used: tripel runs on the CPU here")


def _without(driver: bool, built_for: str | None) -> Finding:
    if driver and built_for is None:
        do = "install a torch with CUDA: https://pytorch.org/get-started"
        return warning("GPU", "an NVIDIA driver is here, and this torch was built without CUDA", do)
    if driver:
        do = "look at nvidia-smi and CUDA_VISIBLE_DEVICES; the driver may be older than CUDA needs"
        return warning("GPU", f"an NVIDIA driver is here, and torch, built for CUDA {built_for}, finds no GPU", do)
    return ok("GPU", "none; everything runs on the CPU")


def _gpu(number: int) -> Finding:
    name, capability = torch.cuda.get_device_name(number), torch.cuda.get_device_capability(number)
    free, total = torch.cuda.mem_get_info(number)
    found = f"{name}, capability {capability[0]}.{capability[1]}, {said(free)} free of {said(total)}"
    arches = torch.cuda.get_arch_list()
    if torch.version.hip is None and not served(capability, arches):
        do = "install a torch that was built for it: https://pytorch.org/get-started"
        return problem(f"GPU {number}", f"{found}; this torch has code for {', '.join(arches)}", do)
    try:
        eye = torch.eye(8, device=f"cuda:{number}")
        right = bool(((eye @ eye) == eye).all())
    except RuntimeError as error:
        right, found = False, f"{found}; {str(error).splitlines()[0]}"
    if not right:
        return problem(
            f"GPU {number}", f"{found}; it cannot multiply matrices", "look at nvidia-smi, and at the driver"
        )
    return ok(f"GPU {number}", f"{found}; bfloat16 {'works' if torch.cuda.is_bf16_supported() else 'is not supported'}")


def served(capability: tuple[int, int], arches: Sequence[str]) -> bool:
    """Whether code for one of these runs: machine code within a major version from its minor one on, PTX from its own on.

    Code with an `a` behind it runs on nothing else, with an `f` on its family.
    """
    for kind, major, minor, only in (found.groups() for arch in arches if (found := ARCH.fullmatch(arch))):
        its = (int(major), int(minor))
        later = its[0] == capability[0] and its <= capability if kind == "sm" else its <= capability
        if its == capability or (later and only != "a"):
            return True
    return False


def _temporary() -> Path:
    return Path(os.environ.get("TMPDIR") or tempfile.gettempdir())
