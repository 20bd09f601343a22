"""Every command that README, docs and the headers of configs show is one that the program understands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from tripel import config, tasks
from tripel.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "data" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
COMMAND = re.compile(r"(?:^|\s)(?:\.venv/bin/)?(tripel|python src/train\.py)\s+(.+)")
TRAIN = "python src/train.py"


def code(page: Path) -> Iterator[str]:
    """Lines of a page's code blocks; of a configuration those of its header. What goes on in the next line is joined."""
    text = re.sub(r"\\\n#?\s*", "", page.read_text(encoding="utf-8"))
    fence = ""
    for line in text.splitlines():
        if line.startswith("```"):
            fence = "" if fence else line
        elif page.suffix == ".yaml":
            if line.startswith("# "):
                yield line.removeprefix("#").strip()
        elif fence == "```bash" or (not fence and line.startswith("    ")):
            yield line.strip()


def commands() -> Iterator[tuple[str, str, str]]:
    """Page, program and its words, without the remark behind them."""
    for page in [*PAGES, *sorted((ROOT / "configs").glob("*.yaml"))]:
        for line in code(page):
            found = COMMAND.search(line)
            if found and not line.startswith("then `"):
                yield page.name, found[1], re.split(r"\s+#\s|\s{2,}\(|\s&&\s", found[2])[0].strip()


def test_commands_are_found() -> None:
    found = list(commands())
    assert sum(program == TRAIN for _, program, _ in found) >= 10
    assert sum(program == "tripel" for _, program, _ in found) >= 20


@pytest.mark.parametrize(
    ("page", "words"), [(page, words) for page, program, words in commands() if program == "tripel"]
)
def test_a_command_is_understood(page: str, words: str) -> None:
    """Options and arguments are those that it has; nothing is run."""
    left, command = shlex.split(words), typer.main.get_command(app)
    while hasattr(command, "commands"):
        name = left.pop(0)
        assert name in command.commands, f"{page}: tripel {words}"
        command = command.commands[name]
    command.make_context("tripel", left)


@pytest.mark.parametrize(("page", "words"), [(page, words) for page, program, words in commands() if program == TRAIN])
def test_a_configuration_is_there_and_its_words_fit(page: str, words: str) -> None:
    path, *settings = shlex.split(words)
    if "--output" in settings:
        place = settings.index("--output")
        del settings[place : place + 2]
    tasks.recipe_of(config.load(ROOT / path, settings))


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.name)
def test_a_configuration_reads_back_equal(path: Path) -> None:
    recipe = tasks.recipe_of(config.load(path))
    assert tasks.recipe_of(recipe.dump()) == recipe
