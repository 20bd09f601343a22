"""The image and the compose file: no model, no password, no privilege, and versions that are said. Neither is built here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def test_the_image_is_pinned_and_runs_as_nobody_in_particular() -> None:
    assert re.search(r"^ARG PYTHON=python:3\.11\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${PYTHON}", "${PYTHON}"]
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (.+)$", last, re.MULTILINE) == ["10001:10001"]
    assert "--uid 10001" in last and not re.search(r"^(ADD|COPY) (?!--from=build)", last, re.MULTILINE)


def test_what_the_image_copies_is_there_and_let_in() -> None:
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert let_in[1] == "*", "everything is left out first"
    for words in re.findall(r"^COPY (?!--)(.+)$", DOCKERFILE, re.MULTILINE):
        for source in words.split()[:-1]:
            assert (ROOT / source).exists() and f"!{source}" in let_in, source


def test_every_package_has_the_version_of_the_lock() -> None:
    installs = re.findall(r"pip install (.+)", DOCKERFILE)
    assert len(installs) == 2 and all("--constraint requirements.lock" in one for one in installs)


def test_no_password_is_known_beforehand() -> None:
    said = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert not re.search(r"PASSWORD: |:[^/@\s]+@", said), "only files hold passwords"
    for name, service in COMPOSE["services"].items():
        assert service["secrets"] == ["database-password"], name
        assert any(key.endswith("PASSWORD_FILE") for key in service["environment"]), name
    assert "/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8")


def test_the_database_is_reached_by_the_server_alone_and_the_server_by_this_machine() -> None:
    server, database = COMPOSE["services"]["tripel"], COMPOSE["services"]["database"]
    assert "ports" not in database and database["networks"] == ["inside"] and COMPOSE["networks"]["inside"]["internal"]
    assert all(port.startswith("127.0.0.1:") for port in server["ports"])
    assert server["read_only"] and server["cap_drop"] == ["ALL"] and "no-new-privileges:true" in server["security_opt"]
    assert re.fullmatch(r"postgres:\d+\.\d+-\w+", database["image"])


def test_the_command_of_the_image_is_one_that_there_is() -> None:
    from typer.testing import CliRunner

    from tripel.cli import main as cli

    told = CliRunner().invoke(cli.app, ["serve", "--help"], env={"COLUMNS": "200"}).output
    pages = [(ROOT / name).read_text(encoding="utf-8") for name in ("docs/serving.md", "SECURITY.md")]
    said = re.findall(
        r"--[a-z][a-z-]+", " ".join([DOCKERFILE.rpartition("ENTRYPOINT")[2], *COMPOSE["services"]["tripel"]["command"]])
    )
    said += [option for page in pages for option in re.findall(r"`(--[a-z-]+)", page)]
    assert len(said) > 8 and [option for option in said if option not in told] == []
