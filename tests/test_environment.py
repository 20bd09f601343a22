from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tripel import environment


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True).stdout


def test_it_tells_versions_and_machine_as_plain_values() -> None:
    found = json.loads(json.dumps(environment.describe()))
    assert set(found) == {"git", "python", "packages", "platform", "cores", "memory_gib", "gpu", "gpus"}
    assert found["packages"]["torch"]
    assert found["cores"] >= 1
    assert found["memory_gib"] > 0


def test_the_commit_of_tracked_files(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert environment.git_hash(tmp_path) is None
    (tmp_path / "code.py").write_text("1")
    assert environment.git_hash(tmp_path) is None
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    commit = git(tmp_path, "rev-parse", "HEAD").strip()
    assert environment.git_hash(tmp_path) == commit
    (tmp_path / "code.py").write_text("2")
    assert environment.git_hash(tmp_path) == f"{commit}-dirty"


def test_a_package_inside_another_checkout_has_no_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "mine.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "theirs.py").write_text("1")
    assert environment.git_hash(tmp_path / "site-packages") is None


def test_without_git_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment.git_hash(tmp_path) is None
