"""Ray: started here or elsewhere, and shards handed to the workers that it keeps alive. What a worker does is not known here.

Each worker is an actor of a pool of Ray Data, and each shard a block of its own. Ray starts a worker that died anew, on another
node where its own is gone, and hands it the shard that it had; the others go on meanwhile. Ray pickles what it sends between its
own processes; no file that a user gives is ever unpickled. What is sent are places of shards and counts, never text.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Outcomes = Generator[str, None, None]

ACROSS = "ray://"  # how the address begins of a cluster that is driven from outside of it
OBJECTS = 100 << 20  # bytes that Ray holds for what is sent: a few hundred for each shard
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else it warns of what is to come
    "RAY_ENABLE_AUTO_CONNECT": "0",  # else a thread that outlives its Ray starts another one
}
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # by its name: off, Ray's processes listen on 127.0.0.1 alone

TRIES = 3  # to enter a cluster
HINT = "`ray start --head` starts one; where a token is asked for, set RAY_AUTH_MODE=token"


@dataclass(frozen=True)
class Pool:
    """How many workers there may be, and whether each has a GPU."""

    workers: int
    gpus: int = 0


@contextmanager
def cluster(address: str, *, workers: int, scratch: Path) -> Iterator[Pool]:
    """The cluster at an address; without one, Ray on this machine while the block runs, reached by nobody else.

    workers: at most so many; 0 for one on each GPU that is there now, or on each core where there is none. Raises ValueError
    where no Ray can be reached.
    """
    if find_spec("ray") is None:
        raise ValueError("--bulk needs Ray: pip install 'tripel[bulk]'")
    token = {"RAY_AUTH_TOKEN": secrets.token_hex(32)}  # which Ray would otherwise make, and write to the home folder
    with _environment(QUIET if address else {**QUIET, **LOOPBACK, **token}), redirect_stdout(sys.stderr):
        import ray

        kind: dict[str, Any] = {"address": address} if address else _here(workers, scratch)
        try:
            _knock(address)
            _enter(lambda: ray.init(log_to_driver=False, logging_level=logging.FATAL, **kind))
        except (OSError, RuntimeError) as error:
            where = f"at {address}" if address else "on this machine"
            raise ValueError(f"no Ray answers {where} ({error}); {HINT}") from None
        try:
            there = ray.cluster_resources()
            gpus = int(there.get("GPU", 0))
            with _terminable():
                yield Pool(workers or gpus or max(1, int(there.get("CPU", 0))), gpus=min(1, gpus))
        finally:
            ray.shutdown()


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM, as schedulers of clusters send it, ends the block as any exit does; Ray would abort."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _enter(door: Callable[[], object]) -> None:
    """Ray's server for drivers outside may fail to begin for one of them, and begins for the next."""
    for _ in range(TRIES - 1):
        with suppress(ConnectionAbortedError):
            door()
            return
    door()


def _knock(address: str) -> None:
    """Raises OSError where nothing listens at a host and port: Ray itself would try for a quarter of an hour."""
    host, _, port = address.removeprefix(ACROSS).rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def _here(workers: int, scratch: Path) -> dict[str, Any]:
    """How Ray is started on this machine; it counts cores, within the limits of a container, unless this process has fewer."""
    all_cores = os.cpu_count() or 1
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else all_cores
    return {
        "address": "local",
        "num_cpus": workers or (ours if ours < all_cores else None),
        "include_dashboard": False,
        "object_store_memory": OBJECTS,
        "_temp_dir": str(scratch / "r"),  # below, since Ray lets everybody into it
    }


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables that hold for the block, unless they are set already."""
    ours = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


def outcomes(address: str, worker: Callable[..., Any], task: object, shards: Sequence[str], pool: Pool) -> Outcomes:
    """What became of each shard, as workers end with them, in any order; to be closed before the cluster is.

    Raises ValueError where Ray itself fails.
    """
    import ray

    try:
        if not address.startswith(ACROSS):
            with closing(_outcomes(worker, task, shards, pool)) as told:
                yield from told
            return
        inside = ray.remote(num_cpus=0)(Inside).remote(worker, task, shards, pool)
        while one := ray.get(inside.next.remote()):
            yield one
    except ray.exceptions.RayError as error:
        kept = "what is done is kept: the same command goes on, with the same tripel and Ray on every node"
        raise ValueError(f"Ray failed ({type(error).__name__}); {kept}") from None


class Inside:
    """Drives the workers from within a cluster: Ray Data does not run in a process that reaches it by `ray://`."""

    def __init__(self, worker: Callable[..., Any], task: object, shards: Sequence[str], pool: Pool) -> None:
        self._outcomes = _outcomes(worker, task, shards, pool)

    def next(self) -> str:
        """What became of one more shard; empty where all are through."""
        return next(self._outcomes, "")


def _outcomes(worker: Callable[..., Any], task: object, shards: Sequence[str], pool: Pool) -> Outcomes:
    from ray.data import ActorPoolStrategy, DataContext, from_items

    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    context = DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.execution_no_progress_timeout_s = -1  # a shard takes as long as it takes
    context.autoscaling_config.actor_pool_util_upscaling_threshold = 1.0  # a worker more while shards wait for one
    actors = ActorPoolStrategy(min_size=1, max_size=pool.workers, max_tasks_in_flight_per_actor=1)
    with DataContext.current(context):
        blocks = from_items([{"shard": shard} for shard in shards], override_num_blocks=len(shards))
        linked = blocks.map(worker, fn_constructor_args=(task,), compute=actors, num_cpus=1, num_gpus=pool.gpus)
    for batch in linked.iter_batches(batch_size=None, prefetch_batches=0):  # else each waits for the next
        yield from map(str, batch["outcome"])
