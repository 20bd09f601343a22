"""What several tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from databases import database, database_url, made_file, made_template, postgres, servers

__all__ = ["database", "database_url", "made_file", "made_template", "postgres"]

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the tests are of the arithmetic of a CPU; before torch first looks

ROOT = Path(__file__).parents[1]
# Files that take minutes are begun first, so that no process is alone with one in the end.
LONG = ("tasks", "bulk", "asking", "browser", "docs", "retraining", "reranker", "tagger", "recognizers", "spacy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order files; tests keep theirs within one."""
    rank = {f"test_{name}.py": place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(item.path.name, len(LONG)))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--postgresql", action="store_true", help="servers under test keep all in PostgreSQL")


@pytest.fixture(scope="session", autouse=True)
def all_in_postgresql(request: pytest.FixtureRequest) -> None:
    """Where that is asked for."""
    if request.config.getoption("--postgresql"):
        servers["postgresql"] = request.getfixturevalue("postgres")


@pytest.fixture(scope="session")
def corpora_folder() -> Path:
    """The folder of real corpora and knowledge bases; the project does not ship them."""
    for folder in (os.environ.get("TRIPEL_DATA"), ROOT.parent / "shared" / "data"):
        if folder and (Path(folder) / "bc5cdr").is_dir():
            return Path(folder).resolve()
    pytest.skip("the real corpora are not here: set TRIPEL_DATA to a folder that holds them (`tripel data fetch`)")
