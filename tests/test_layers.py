"""Who may import whom: each module from its own layer or one before it in LAYERS."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "tripel"
LAYERS = (
    "guard offline startup characters faults findings limits sizes documents knowledge files config find problems memory "
    "linking.finding",
    "corpora terminologies formats data kb training.clusters tagging.tags linking.abbreviations linking.bundle "
    "names.synonyms names.pair_files searching.vectors bulk.input bulk.ledger bulk.parquet",
    "encoding indexes searching.candidates searching.folding progress",
    "objectives environment training.negatives training.batches training.trainer training.checkpoint training.journal "
    "names.batches",
    "recognizers linking searching names.negatives names.exporting",
    "judging reports names.separation names.separation_plots data.corpus_plots",
    "training names tagging bulk searching.asking kb.knowing judging.kept judging.splits judging.choosing judging.runs "
    "judging.pipelines judging.comparing reports.reporting "
    "reports.cards reports.maps linking.records linking.link_files linking.page linking.reranker_training linking.bundling "
    "tasks spacy_docs spacy annotations web cli checkups doctor __main__ __init__",
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names.split()}
JUDGING = 5
TORCHLESS = (0, 1, JUDGING)


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def layer(*parts: str) -> int | None:
    """That of a module, where it has one of its own, or that of its folder."""
    return LAYER.get(".".join(parts[:2]), LAYER.get(parts[0]))


def parts(path: Path) -> tuple[str, ...]:
    return path.relative_to(PACKAGE).with_suffix("").parts


def imported(tree: ast.AST, package: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import, wherever it stands; relative ones made absolute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def may(importer: int, target: int) -> bool:
    """Judging stands apart: what it needs of linking comes to it in files."""
    return target <= importer and (importer != JUDGING or target in TORCHLESS)


def breaches(path: Path, source: str) -> Iterator[str]:
    """Each import against the direction, as file:line."""
    ours = layer(*parts(path))
    assert ours is not None
    package = ("tripel", *path.relative_to(PACKAGE).parent.parts)
    for line, name in imported(ast.parse(source), package):
        first, *rest = name.split(".")
        place = f"{path.relative_to(PACKAGE.parent)}:{line}"
        if first == "torch" and ours in TORCHLESS:
            yield f"{place}: layer {ours} never imports torch"
        target = layer(*(rest or ["__init__"])) or 0
        if first == "tripel" and not may(ours, target):
            yield f"{place}: layer {ours} imports {name} of layer {target}"


def test_every_module_has_a_layer() -> None:
    unknown = [".".join(parts(path)) for path in modules() if layer(*parts(path)) is None]
    assert not unknown, f"{', '.join(unknown)}: give it a place in LAYERS of tests/test_layers.py"


def test_every_folder_is_on_the_map() -> None:
    text = (PACKAGE.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    its = text[text.index("# Find your way") : text.index("# Work on it")]
    folders = {path.parent.name for path in modules() if path.parent.parent == PACKAGE}
    named = {name for line in its.splitlines() if line.startswith("| `") for name in line.split("|")[1].split()}
    assert {f"`{folder}`" for folder in folders} == named


def test_imports_point_one_way() -> None:
    placed = [path for path in modules() if layer(*parts(path)) is not None]
    found = [breach for path in placed for breach in breaches(path, path.read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("files.py", "import json\nfrom tripel.find import near", 0),
        ("files.py", "from tripel.training.clusters import Cluster", 1),
        ("files.py", "def f():\n    import torch.nn", 1),
        ("corpora/pubtator.py", "from ..encoding.encoder import Encoder", 1),
        ("corpora/pubtator.py", "from .lines import read\nfrom tripel import documents", 0),
        ("judging/metrics.py", "from tripel.linking import linker", 1),
        ("judging/metrics.py", "from tripel.encoding.encoder import Encoder", 1),
        ("judging/metrics.py", "from tripel.documents import Document", 0),
        ("tasks.py", "from tripel.judging import metrics\nimport torch", 0),
        ("encoding/encoder.py", "from tripel import tasks\nfrom tripel.linking import linker", 2),
    ],
)
def test_a_breach_is_seen(module: str, source: str, found: int) -> None:
    assert len(list(breaches(PACKAGE / module, source))) == found


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


def test_inner_layers_and_judging_never_load_torch() -> None:
    names = [
        ".".join(["tripel", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")
        for path in modules()
        if layer(*parts(path)) in TORCHLESS
    ]
    code = f"""
import importlib, sys
for name in {names!r}:
    importlib.import_module(name)
    if "torch" in sys.modules:
        sys.exit(f"{{name}} loads torch")
"""
    done = python(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [["--help"], ["data", "--help"]])
def test_help_loads_no_torch(words: list[str]) -> None:
    code = f"""
import sys
from tripel.cli.main import main
sys.argv = ["tripel", *{words!r}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
for heavy in ("torch", "transformers", "sklearn", "wandb"):
    assert heavy not in sys.modules, heavy
"""
    done = python(code)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
