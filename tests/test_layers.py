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
    "guard offline startup characters faults findings finding limits sizes documents knowledge files config find problems memory",
    "corpora terminologies abbreviations clusters synonyms pair_files vectors releases library bundle archives fetching checking "
    "counts formats inputs converting vocabularies tags bulk_input bulk_ledger bulk_parquet",
    "similarity views words windows packing hub encoder encoding quantizing indexes candidates folding progress",
    "negatives batches name_batches objectives trainer checkpoint journal environment",
    "index_rows indexing index_plan index_update index_learn reranker whole weighing deciding ranker recognizers linker opening "
    "name_negatives exporting",
    "predictions foreign metrics calibration trust gold protocols evaluation end_to_end tables plots corpus_plots separation "
    "separation_plots model_card report_page report_plots published pages",
    "recipe name_recipe tagger_recipe tagger_training tagger_judging "
    "preparing name_preparing judging pipeline_judging name_judging separating comparing reporting drawing asking knowing "
    "linking bulk bulk_cluster bulk_worker linked_page link_files cards watching training reranker_training maps tasks "
    "bundling spacy_docs spacy annotations web "
    "cli cli_index cli_kb cli_convert cli_link cli_bundle cli_doctor cli_annotations cli_serve checkups doctor __main__ __init__",
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names.split()}
JUDGING = 5
TORCHLESS = (0, 1, JUDGING)


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def top(path: Path) -> str:
    """The name that has a layer: the file's, or that of the folder of components it lies in."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


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
    ours = LAYER[top(path)]
    package = ("tripel", *path.relative_to(PACKAGE).parent.parts)
    for line, name in imported(ast.parse(source), package):
        first, *rest = name.split(".")
        place = f"{path.relative_to(PACKAGE.parent)}:{line}"
        if first == "torch" and ours in TORCHLESS:
            yield f"{place}: layer {ours} never imports torch"
        target = LAYER.get(rest[0] if rest else "__init__", 0) if first == "tripel" else 0
        if first == "tripel" and not may(ours, target):
            yield f"{place}: layer {ours} imports {name} of layer {target}"


def test_every_module_has_a_layer() -> None:
    unknown = sorted({top(path) for path in modules()} - LAYER.keys())
    assert not unknown, f"{', '.join(unknown)}: give it a place in LAYERS of tests/test_layers.py"


def test_imports_point_one_way() -> None:
    placed = [path for path in modules() if top(path) in LAYER]
    found = [breach for path in placed for breach in breaches(path, path.read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("files.py", "import json\nfrom tripel.find import near", 0),
        ("files.py", "from tripel.clusters import Cluster", 1),
        ("files.py", "def f():\n    import torch.nn", 1),
        ("corpora/pubtator.py", "from ..encoder import Encoder", 1),
        ("corpora/pubtator.py", "from .lines import read\nfrom tripel import documents", 0),
        ("metrics.py", "from tripel import linker", 1),
        ("metrics.py", "from tripel.encoder import Encoder", 1),
        ("metrics.py", "from tripel.documents import Document", 0),
        ("tasks.py", "from tripel import linker, metrics\nimport torch", 0),
        ("encoder.py", "from tripel import tasks, linker", 2),
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
        if LAYER.get(top(path)) in TORCHLESS
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
from tripel.cli import main
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
