"""The doctor: each check-up on what is there, on what is made up to be wrong, and all of them as a command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import lessons
import numpy as np
import pytest
import tiny
from packaging.requirements import Requirement
from typer.testing import CliRunner

from tripel import find, limits, sizes
from tripel.checkups import data, indexes, machine, packages, run
from tripel.cli import main as cli
from tripel.files import read_json, write_json, write_text
from tripel.findings import Finding, as_json, in_words, ok, problem, warning
from tripel.indexes.ivf import Ivf
from tripel.linking import bundling
from tripel.searching import asking

ROOT = Path(__file__).parents[1]
GB = 1 << 30


def marks(findings: object) -> dict[str, str]:
    return {one.what: one.mark for one in findings}  # type: ignore[attr-defined]


# Limits of control groups, as each version writes them


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert limits.memory(tmp_path) is None and limits.cores(tmp_path) is None


def test_the_tightest_group_of_version_2_holds(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        {
            "proc/self/cgroup": "0::/jobs/mine\n",
            "sys/fs/cgroup/jobs/mine/memory.max": "max\n",
            "sys/fs/cgroup/jobs/mine/cpu.max": "max 100000\n",
            "sys/fs/cgroup/jobs/memory.max": f"{8 * GB}\n",
            "sys/fs/cgroup/jobs/memory.current": f"{3 * GB}\n",
            "sys/fs/cgroup/jobs/memory.stat": f"anon 5\ninactive_file {GB}\n",
            "sys/fs/cgroup/jobs/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/memory.max": f"{16 * GB}\n",
        },
    )
    assert limits.memory(root) == limits.Memory(8 * GB, 2 * GB)
    assert limits.cores(root) == 1.5


def test_of_version_1_each_controller_has_its_own_tree_and_a_container_sees_only_the_top(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/outside/of/here\n4:memory:/outside/of/here\n1:name=systemd:/\n0::/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2 * GB}\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GB}\n",
            "sys/fs/cgroup/memory/memory.stat": f"total_inactive_file {GB // 2}\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
    )
    assert limits.memory(root) == limits.Memory(2 * GB, GB // 2)
    assert limits.cores(root) is None
    (root / "sys/fs/cgroup/cpu/cpu.cfs_quota_us").write_text("400000\n")
    assert limits.cores(root) == 4.0
    (root / "sys/fs/cgroup/memory/memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert limits.memory(root) is None


# The machine


@pytest.mark.parametrize(
    ("free", "limit", "mark", "said"),
    [
        (100 * GB, None, "ok", "100.0 GB free of"),
        (3 * GB, None, "warning", "3.0 GB free of"),
        (100 * GB, limits.Memory(4 * GB, 3 * GB), "problem", "1.0 GB free of"),
        (100 * GB, limits.Memory(GB, 2 * GB), "problem", "0.0 KB free of"),
    ],
)
def test_memory_is_what_the_tighter_of_both_leaves(
    free: int, limit: limits.Memory | None, mark: str, said: str
) -> None:
    found = machine.memory(free, limit)
    assert found.mark == mark and found.found.startswith(said)
    assert ("limited to" in found.found) == (limit is not None)


def test_a_folder_that_cannot_be_written_to_is_a_problem(tmp_path: Path) -> None:
    found = machine.disk("runs folder", tmp_path / "not" / "there")
    assert found.mark == "ok" and "(not there yet)" in found.found and not list(tmp_path.iterdir())
    if Path("/proc/self").exists():
        assert machine.disk("runs folder", Path("/proc/self/runs")).mark == "problem"


def test_a_full_disk_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=GB)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)
    found = machine.disk("data folder", tmp_path)
    assert found.mark == "warning" and "1.0 GB free" in found.found


def test_more_threads_than_cores_are_a_warning_with_the_number_to_set() -> None:
    assert machine.threads(2, 2).mark == "ok" and machine.threads(1, 0.5).mark == "ok"
    assert machine.threads(64, 2.5) == warning("torch", machine.threads(64, 2.5).found, "set OMP_NUM_THREADS=2")
    assert machine.threads(2, 0.5).do == "set OMP_NUM_THREADS=1"


def test_amx_is_read_from_the_flags_of_the_cpu(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("flags\t\t: fpu amx_tile amx_bf16 avx512_bf16\n")
    assert "with AMX: trainer.precision=bf16" in machine.arithmetic(tmp_path / "cpuinfo").found
    (tmp_path / "cpuinfo").write_text("flags\t\t: fpu avx512_bf16\n")
    assert "bfloat16; no AMX" in machine.arithmetic(tmp_path / "cpuinfo").found
    assert "bfloat16" not in machine.arithmetic(tmp_path / "none").found


@pytest.mark.parametrize(
    ("capability", "arches", "expected"),
    [
        ((8, 0), ["sm_80"], True),
        ((8, 6), ["sm_80"], True),  # machine code runs on later minor versions
        ((8, 0), ["sm_86"], False),  # and not on earlier ones
        ((9, 0), ["sm_80"], False),  # nor on another major version
        ((9, 0), ["compute_80"], True),  # PTX is compiled for what comes later
        ((7, 0), ["compute_80"], False),
        ((10, 0), ["sm_90a"], False),
        ((9, 0), ["sm_90a"], True),
        ((12, 0), ["sm_70", "sm_120"], True),
        ((10, 3), ["sm_100f"], True),
        ((6, 1), ["sm_70", "sm_75", "sm_80"], False),
        ((9, 0), [], False),
    ],
)
def test_which_code_runs_on_which_gpu(capability: tuple[int, int], arches: list[str], expected: bool) -> None:
    assert machine.served(capability, arches) is expected


def test_a_gpu_that_torch_does_not_use_is_told() -> None:
    assert machine._without(False, None).mark == "ok"
    assert "without CUDA" in machine._without(True, None).found
    found = machine._without(True, "12.8")
    assert found.mark == "warning" and "built for CUDA 12.8, finds no GPU" in found.found


# Packages


@pytest.mark.parametrize(
    ("wanted", "mark", "do"),
    [
        (["numpy>=2.0,<3"], "ok", ""),
        (["numpy>=1,<2"], "warning", "pip install 'numpy<2,>=1'"),
        (["no-such-package>=1"], "problem", "pip install 'no-such-package>=1'"),
        (["numpy>=2", "no-such-package; python_version<'3'"], "ok", ""),
        (["numpy>=2", "no-such-package; extra=='more'"], "ok", ""),
    ],
)
def test_packages_are_held_against_their_bounds(wanted: list[str], mark: str, do: str) -> None:
    (found,) = packages.needed([Requirement(one) for one in wanted])
    assert (found.mark, found.do) == (mark, do)


def test_an_extra_that_is_not_there_is_no_fault() -> None:
    wanted = [
        Requirement("numpy>=2"),
        Requirement("no-such-package>=1; extra=='more'"),
        Requirement("numpy; extra=='most'"),
    ]
    found = packages.optional("more", wanted)
    assert found.mark == "ok" and "no-such-package is not installed; `pip install 'tripel[more]'`" in found.found
    assert packages.optional("most", wanted).found == "installed"


# Indexes


@pytest.mark.parametrize("name", find.names("indexes"))
def test_each_kind_of_index_finds_what_it_should(name: str) -> None:
    assert indexes.index(name).mark == "ok", indexes.index(name)


def test_an_index_that_finds_little_or_breaks_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ivf, "search", lambda self, query_MD, wanted: np.zeros((len(query_MD), wanted), np.int64))
    found = indexes.index("ivf")
    assert found.mark == "problem" and "% of what it should; install" in f"{found}"

    def broken(*_: object) -> None:
        raise RuntimeError("illegal instruction")

    monkeypatch.setattr(Ivf, "search", broken)
    assert "cannot be searched (RuntimeError: illegal instruction)" in indexes.index("ivf").found


# Data, wandb, the network


def test_what_lies_in_the_data_folder_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = data.data(tmp_path / "none")
    assert found.mark == "warning" and "tripel data fetch" in found.do
    monkeypatch.setenv("TRIPEL_DATA", str(tmp_path))
    assert next(data.data(tmp_path)).found.startswith("none but the embedded sample in")
    files = {"bc5cdr/train.pubtator": "", "biored/notes.txt": "", "kb/mesh.tsv.gz": ""}
    written(tmp_path, files)
    (tmp_path / "bases" / "mesh").mkdir(parents=True)
    asked = CliRunner().invoke(cli.app, ["kb", "build", "sample", "--output", str(tmp_path / "bases" / "mesh")])
    assert asked.exit_code == 0, asked.output
    found_by = {one.what: one.found for one in data.data(tmp_path)}
    assert found_by["corpora"] == f"bc5cdr in {tmp_path} (TRIPEL_DATA)"
    assert found_by["terminologies"] == "mesh"
    assert found_by["kb build"] == f"{tmp_path / 'bases' / 'mesh'} (1 versions)"


@pytest.mark.parametrize(
    ("mode", "key", "said"),
    [("", "k", "logged in"), ("", "", "not logged in"), ("offline", "k", "kept here"), ("disabled", "k", "not kept")],
)
def test_what_becomes_of_runs_in_wandb(
    mode: str, key: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name, value in (("WANDB_MODE", mode), ("WANDB_API_KEY", key)):
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    assert said in data.wandb().found and ("not logged in" in data.wandb().found) == (said == "not logged in")


class Answers(BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012  # what came, for the test

    def do_HEAD(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_the_hub_is_asked_only_where_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    try:
        assert data.network(False) == ok("network", "not asked; --network asks the hub for an answer")
        assert Answers.asked == []
        assert data.network(True).found.endswith("answers") and len(Answers.asked) == 1
    finally:
        server.shutdown()
        server.server_close()
    assert data.network(True).mark == "warning" and "does not answer" in data.network(True).found


# A run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("run")
    lessons.KB.save(made / "kb.arrow")
    asking.build_index(str(tiny.folder(made / "base")), str(made / "kb.arrow"), made / "names", {})
    return made / "names"


def test_a_run_that_is_well(folder: Path) -> None:
    found = {one.what: one for one in run.findings(folder)}
    assert set(marks(found.values()).values()) == {"ok"}
    assert f"{folder}: 6 concepts, 11 names" in found["opens"].found
    assert "leads to its entity; nothing finds mentions in it" in found["links"].found
    used = sizes.parsed(found["memory used"].found.partition(" by")[0])
    assert used > 100 * 2**20  # torch alone is more


def test_a_run_whose_parts_do_not_belong_together_is_a_problem(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "other")
    settings = tmp_path / "other" / "encoder" / "tripel.json"
    write_text(settings, settings.read_text().replace('"entity_length": 48', '"entity_length": 40'))
    (found,) = run.findings(tmp_path / "other")
    assert found.mark == "problem" and "built with encoder" in found.found
    (found,) = run.findings(tmp_path / "nothing")
    assert found.mark == "problem" and "no such folder" in found.found


def test_what_would_not_fit_is_not_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = len(lessons.KB.names)
    assert run.expected(folder) == pytest.approx(GB + 4 * rows * 16, rel=1e-6)
    monkeypatch.setattr(run, "_free", lambda: GB // 2)
    monkeypatch.setattr(run, "Linker", None)
    (found,) = run.findings(folder)
    assert found.mark == "problem" and "not tried: linking takes about 1.0 GB, and 512.0 MB are free" in found.found


def test_other_versions_than_it_was_made_with_are_a_warning(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "other")
    write_json(tmp_path / "other" / "environment.json", {"packages": {"torch": "1.0", "numpy": np.__version__}})
    found = {one.what: one for one in run.findings(tmp_path / "other")}
    assert found["made with"].mark == "warning" and found["made with"].found.startswith("torch 1.0, now ")
    assert "numpy" not in found["made with"].found


def test_a_bundle_that_lost_a_file_is_told_by_its_account(folder: Path, tmp_path: Path) -> None:
    bundling.make_bundle(folder, tmp_path / "made")
    assert marks(run.findings(tmp_path / "made"))["bundle"] == "ok"
    (tmp_path / "made" / "index" / "names" / "rows.safetensors").unlink()
    found = {one.what: one for one in run.findings(tmp_path / "made")}
    assert "1 of" in found["bundle"].found and "index/names/rows.safetensors" in found["bundle"].found
    assert found["bundle"].mark == found["opens"].mark == "problem"
    write_json(tmp_path / "made" / "bundle.json", {**read_json(tmp_path / "made" / "bundle.json"), "format": 99})
    assert "of format 99" in {one.what: one for one in run.findings(tmp_path / "made")}["bundle"].found


# All of it


def test_a_line_says_its_mark_in_a_word_and_a_sign() -> None:
    said = in_words([ok("torch", "there"), warning("disk", "little", "make room"), problem("x", "broken", "mend it")])
    assert said.splitlines() == [
        "+ ok       torch          there",
        "! warning  disk           little; make room",
        "x problem  x              broken; mend it",
        "1 problem, 1 warning",
    ]
    assert json.loads(as_json([problem("x", "broken", "mend it")])) == [
        {"mark": "problem", "what": "x", "found": "broken", "do": "mend it"}
    ]


def doctor(words: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **more}
    done = [sys.executable, "-m", "tripel", *words]
    return subprocess.run(done, capture_output=True, text=True, timeout=300, env=env)


def test_the_command_asks_no_network_and_ends_with_1_for_a_problem(folder: Path, tmp_path: Path) -> None:
    done = doctor(["--offline", "doctor", str(folder), "--network", "--json"])
    found = [Finding(**one) for one in json.loads(done.stdout)]
    assert {"Python", "memory", "torch", "GPU", "index hnsw", "corpora", "wandb", "opens"} <= {
        one.what for one in found
    }
    assert next(one for one in found if one.what == "network").found.startswith("closed")
    assert done.stderr.startswith("offline: no attempt to reach a network")
    assert done.returncode == int(any(one.mark == "problem" for one in found))
    (tmp_path / "faiss").mkdir()
    (tmp_path / "faiss" / "__init__.py").write_text("raise ImportError('libgomp.so.1: cannot open', name='faiss')")
    broken = doctor(["doctor"], PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT / "src")]))
    assert broken.returncode == 1 and "Traceback" not in broken.stderr
    assert "x problem  index hnsw" in broken.stdout and "libgomp.so.1: cannot open" in broken.stdout
    assert "+ ok       packages" in broken.stdout and "+ ok       network" in broken.stdout
