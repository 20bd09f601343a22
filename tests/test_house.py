"""What holds for the repository as a whole: one set of dependencies in three files, nothing big, nothing pickled."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"torch": "pytorch-gpu", "faiss-cpu": "faiss-gpu", "build": "python-build"}
IMPORTED_AS = {"faiss-cpu": "faiss", "pillow": "PIL", "pyyaml": "yaml", "scikit-learn": "sklearn"}
APART = ("flair",)  # extras that want older versions than the lock has: for an environment of their own
LARGEST = 1_000_000  # bytes of a file that git tracks, outside data/sample


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def requirements(*, extras: bool) -> list[Requirement]:
    declared = project()
    optional = {name: lines for name, lines in declared["optional-dependencies"].items() if name not in APART}
    more = [line for lines in optional.values() for line in lines] if extras else []
    return [Requirement(line) for line in [*declared["dependencies"], *more]]


def locked() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def bounds(wanted: Iterable[Requirement]) -> dict[str, str]:
    return {canonicalize_name(one.name): str(one.specifier) for one in wanted}


def test_conda_gets_the_same_packages_and_bounds() -> None:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    by_pip = [line for entry in listed if isinstance(entry, dict) for line in entry["pip"]]
    by_conda = [entry for entry in listed if isinstance(entry, str) and entry != "pip"]
    found = bounds(map(Requirement, [*by_conda, *by_pip]))
    expected = {CONDA_NAMES.get(name, name): bound for name, bound in bounds(requirements(extras=True)).items()}
    expected["python"] = project()["requires-python"]
    assert found == expected


def test_the_lock_holds_what_is_declared_within_its_bounds() -> None:
    pins = locked()
    for one in requirements(extras=True):
        name = canonicalize_name(one.name)
        assert name in pins, f"{name} is not in requirements.lock: make lock"
        assert one.specifier.contains(pins[name]), f"{name} {pins[name]} is outside {one.specifier}: make lock"


def test_the_lock_serves_every_machine() -> None:
    assert not [name for name in locked() if name.startswith(("nvidia", "cuda", "triton"))]
    assert not [version for version in locked().values() if "+" in version or "@" in version]


def roots(path: Path) -> Iterator[str]:
    """The packages that a file imports, wherever the import stands."""
    yield from import_roots(ast.parse(path.read_text(encoding="utf-8")))


def import_roots(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    imported = {root for path in sources("src") for root in roots(path)} - sys.stdlib_module_names - {"tripel"}
    declared = imported_as(map(str, requirements(extras=False)))
    optional = {name: imported_as(lines) for name, lines in project()["optional-dependencies"].items() if name != "dev"}
    allowed = declared.union(*optional.values())
    assert imported - allowed == set(), "declare it in pyproject.toml and environment.yml, then make lock"
    assert declared - imported == set(), "nothing imports it: take it out of pyproject.toml and environment.yml"


def imported_as(lines: Iterable[str]) -> set[str]:
    """What code calls the packages of some requirements."""
    names = [canonicalize_name(Requirement(line).name) for line in lines]
    return {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}


def test_what_is_optional_is_imported_within_functions() -> None:
    """So that all else works without it; what spaCy finds as its component is of spaCy whole, and the server of its packages."""
    extras = {name: lines for name, lines in project()["optional-dependencies"].items() if name != "dev"}
    optional = set().union(*map(imported_as, extras.values())) - imported_as(map(str, requirements(extras=False)))
    server = {"annotations", "web"}
    for path in (path for path in sources("src") if not path.stem.startswith("spacy") and not server & set(path.parts)):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        outside = ast.Module([node for node in body if isinstance(node, ast.Import | ast.ImportFrom)], [])
        found = {root for root in import_roots(outside) if root in optional}
        assert not found, f"{path.relative_to(ROOT)} imports {', '.join(found)} when it is imported"


def git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return done.stdout


def test_no_file_is_large() -> None:
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    paths = [ROOT / name for name in names if name and not name.startswith("data/sample/")]
    sizes = {str(path.relative_to(ROOT)): path.stat().st_size for path in paths if path.is_file()}
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}


def unsafe(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of what may run code that a file holds."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            yield from ((node.lineno, name) for name in names if name.split(".")[0] in PICKLING)
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in ("torch.load", "torch.save", "yaml.load", "yaml.unsafe_load", "eval", "exec"):
                yield node.lineno, called
            for keyword in node.keywords:
                if keyword.arg in ("allow_pickle", "trust_remote_code") and ast.unparse(keyword.value) != "False":
                    yield node.lineno, str(keyword.arg)


PICKLING = ("pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "cloudpickle")


def test_nothing_loads_what_could_run_code() -> None:
    for path in sources("src", "scripts", "tests"):
        found = list(unsafe(ast.parse(path.read_text(encoding="utf-8"))))
        assert not found, f"{path.relative_to(ROOT)}: {found}"


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "np.load(path, allow_pickle=True)",
        "AutoModel.from_pretrained(name, trust_remote_code=trusted)",
        "yaml.load(text)",
    ],
)
def test_unsafe_loading_is_seen(source: str) -> None:
    assert list(unsafe(ast.parse(source)))
    assert not list(unsafe(ast.parse("yaml.safe_load(text); np.load(path, allow_pickle=False); json.load(file)")))


# The objective that CONTRIBUTING.md begins with


def first_block() -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert text.startswith("# Add an objective\n")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found
    return found[1]


def test_an_objective_is_twenty_lines() -> None:
    lines = [line for line in first_block().splitlines() if line.strip()]
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    assert len(lines) - len(imports) <= 20


def test_the_objective_of_contributing_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a module of its own, found by its dotted path, on two clusters and three entities at known places."""
    import torch

    from tripel.encoding import views
    from tripel.find import component
    from tripel.training.batches import Batch

    (tmp_path / "single_mentions.py").write_text(first_block(), encoding="utf-8")
    (tmp_path / "mine").mkdir()
    shutil.move(tmp_path / "single_mentions.py", tmp_path / "mine" / "single_mentions.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    kind = component("objectives", "mine.single_mentions")
    objective = kind(kind.Config(temperature=0.5))
    batch = Batch(
        mentions=views.bare(["a", "b", "c"]),
        cluster_M=np.array([0, 0, 1]),
        entities=("A", "B", "C"),
        row_E=np.array([7, 8, 9]),
        gold_G=np.array([0, 1]),
        known_GE=np.eye(3, dtype=np.bool_)[:2],
    )
    entity_ED = torch.eye(3)
    near = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], requires_grad=True)
    far = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    good, bad = objective(near, entity_ED, batch).value, objective(far, entity_ED, batch).value
    total = np.exp(2) + 2  # s / t is 2 at the entity a mention lies on, and 0 at the two others
    assert good.item() == pytest.approx(-np.log(np.exp(2) / total), rel=1e-5)
    assert bad.item() == pytest.approx(-np.log(1 / total), rel=1e-5)
    good.backward()
    assert near.grad is not None
    assert near.grad.abs().sum() > 0


# scripts/install, with a Python that only pretends


PRETENDER = """#!/usr/bin/env bash
case "$*" in
  "-c import ensurepip"*) exit {unfit} ;;
  "-m venv .venv") echo "venv" >> log; mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
  "-m pip"*) words="$*"; echo "${{words#-m pip --disable-pip-version-check }}" >> log; exit {pip} ;;
  --version) echo "Python 3.9.2" ;;
esac
"""


def install(checkout: Path, *, unfit: int = 0, pip: int = 0) -> subprocess.CompletedProcess[str]:
    (checkout / "bin").mkdir(exist_ok=True)
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        (checkout / "bin" / name).write_text(PRETENDER.format(unfit=unfit, pip=pip))
        (checkout / "bin" / name).chmod(0o755)
    if (checkout / ".venv").is_dir():
        shutil.copy(checkout / "bin" / "python3", checkout / ".venv" / "bin" / "python")
    (checkout / "log").unlink(missing_ok=True)
    return subprocess.run(
        ["bash", "scripts/install"],
        cwd=checkout,
        env={"PATH": f"{checkout / 'bin'}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "install", tmp_path / "scripts" / "install")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "requirements.lock").write_text("torch==2.13.0\nnumpy==2.4.6\n")
    return tmp_path


WHOLE = [
    "install -qq --constraint requirements.lock torch",
    "install -qq --requirement requirements.lock",
    "install -qq --no-deps --editable .",
]


def log(checkout: Path) -> list[str]:
    return (checkout / "log").read_text().splitlines() if (checkout / "log").exists() else []


def test_install_makes_the_environment_once(checkout: Path) -> None:
    assert install(checkout).returncode == 0
    assert log(checkout) == ["venv", *WHOLE]
    again = install(checkout)
    assert (again.returncode, again.stdout, log(checkout)) == (0, "", [])


def test_install_follows_the_lock(checkout: Path) -> None:
    install(checkout)
    (checkout / "requirements.lock").write_text("torch==2.13.1\n")
    install(checkout)
    assert log(checkout) == WHOLE


def test_an_install_that_broke_off_starts_over(checkout: Path) -> None:
    assert install(checkout, pip=1).returncode == 1
    assert install(checkout).returncode == 0
    assert log(checkout) == ["venv", *WHOLE]


def test_without_a_python_that_suits_it_says_what_to_do(checkout: Path) -> None:
    done = install(checkout, unfit=1)
    assert done.returncode == 1
    assert "tripel needs Python 3.11 or later with its venv module; found Python 3.9.2." in done.stderr
    assert not (checkout / ".venv").exists()


def test_scripts_are_runnable() -> None:
    for name in ("scripts/install", "scripts/test", "scripts/check", "scripts/lock", ".ci/run"):
        assert (ROOT / name).stat().st_mode & 0o111, name
        assert subprocess.run(["bash", "-n", str(ROOT / name)], check=False).returncode == 0
