"""Every command that README, docs and the headers of configs show is one that the program understands."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from tripel import config, tasks
from tripel.cli.main import app

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
        while left[0] in {option for parameter in command.params for option in parameter.opts}:
            left.pop(0)
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


STUB = """#!/usr/bin/env python3
import json, pathlib, sys
print(json.dumps(sys.argv[1:]))
if "--output" in sys.argv and "report" not in sys.argv:
    run = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
    run.mkdir(parents=True)
    (run / "config.yaml").touch()
"""


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").glob("reproduce_*.sh")), ids=lambda path: path.name)
def test_a_script_of_a_table_gives_words_that_fit(path: Path, tmp_path: Path) -> None:
    """The script as it is, with programs that only say what they were given."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(path, tmp_path / "scripts")
    for program in ("python", "tripel"):
        stub = tmp_path / ".venv" / "bin" / program
        stub.parent.mkdir(parents=True, exist_ok=True)
        stub.write_text(STUB, encoding="utf-8")
        stub.chmod(0o755)
    words = [str(tmp_path / "scripts" / path.name), "runs/x", "encoder.precision=bf16"]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    trained: list[str] = []
    reported: list[str] = []
    measured: list[str] = []
    for said in map(json.loads, done.stdout.splitlines()):
        if said[0] == "report":
            *its, output = (word for word in said[1:] if word.startswith("runs/x/"))
            assert set(its) <= set(trained)
            reported.append(output)
            continue
        if said[0] == "rerank":
            assert said[1].removesuffix("-reranked") in trained
            trained.append(said[1])
            continue
        if said[0] == "evaluate":
            assert {word for word in said[1:] if word.startswith("runs/x/")} <= set(trained)
            continue
        if said[:2] == ["index", "learn"]:
            trained.append(said[2].removesuffix(".part"))
            continue
        if said[0].startswith("scripts/benchmarks/"):
            assert (ROOT / said[0]).is_file()
            measured.append(said[1])
            continue
        script, configuration, output, run, *settings = said
        assert (script, output, settings[-1]) == ("src/train.py", "--output", "encoder.precision=bf16")
        tasks.recipe_of(config.load(ROOT / configuration, settings))
        trained.append(run)
    if trained:
        assert len(trained) >= 7 and reported[0] == "runs/x/report" and len(set(reported)) == len(reported)
        assert set(measured) <= set(trained)
    else:
        assert measured[0] == "runs/x" and "encoder.precision=bf16" in done.stdout
