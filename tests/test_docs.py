"""Pages of docs: their examples run, in order, in a folder where `runs/sample` and `runs/tagger` were trained."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
import yaml

from tripel import tasks
from tripel.corpora.sample import Sample

ROOT = Path(__file__).parents[1]
# tests/test_spacy.py and test_bulk.py run the first two; the last keeps a tagger of Flair
ELSEWHERE = {"spacy.md", "bulk.md", "recognizers.md"}
PAGES = [
    page.name
    for page in sorted((ROOT / "docs").glob("*.md"))
    if "```python" in page.read_text(encoding="utf-8") and page.name not in ELSEWHERE
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with configurations on an encoder that reads letters, and what was trained with them."""
    folder = tmp_path_factory.mktemp("docs")
    model = str(tiny.folder(folder / "model"))
    (folder / "configs").mkdir()
    sample = yaml.safe_load((ROOT / "configs" / "sample.yaml").read_text(encoding="utf-8"))
    sample["encoder"]["model"] = model
    sample["trainer"]["epochs"] = 0
    sample |= {"journal": {"wandb": False}}
    sample["data"] = {"watched": 0}
    tagger = {
        "corpus": {"name": "sample"},
        "objective": {"name": "tagging", "lr": 0.05},
        "data": {"watched": 0},
        "encoder": {"model": model},
        "trainer": {"epochs": 1, "batch": 8},
        "journal": {"wandb": False},
    }
    for name, run, values in (("sample", "sample", sample), ("bc5cdr_tagger", "tagger", tagger)):
        path = folder / "configs" / f"{name}.yaml"
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
        tasks.train(path, output=folder / "runs" / run)
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run(page: str, place: Path) -> None:
    """In a process of their own: some change how the process works."""
    document = next(one for one in Sample(Sample.Config()).read("test") if one.mentions)
    first = document.mentions[0]
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
    script = place / page.replace(".md", ".py")
    known = f"FIRST = {(document.id, first.start, first.end)!r}"
    script.write_text("\n".join([known, *blocks]), encoding="utf-8")
    done = subprocess.run([sys.executable, script.name], cwd=place, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr


def test_links_between_pages_lead_somewhere() -> None:
    for page in (*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
