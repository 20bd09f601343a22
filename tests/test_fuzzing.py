"""A short run of requests drawn from the description of every route; `scripts/fuzz_api.py` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzzing import begun, described, fuzz
from opened import opened

from tripel.web.settings import Settings


def test_no_request_makes_the_server_fail(tmp_path: Path, database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(folder=tmp_path, links_per_minute=100_000)
    with opened(tmp_path, settings=settings, database=database_url) as its:
        outcome = fuzz(its.browser("admin"), its.app, known=begun(its, tmp_path), examples=2)
    assert outcome.faults == [], "\n".join([*outcome.faults, caplog.text])
    assert outcome.requests > 60 and {200, 404, 422} <= outcome.statuses.keys(), outcome


def test_every_route_is_described(tmp_path: Path) -> None:
    with opened(tmp_path) as its:
        paths = described(its.app)["paths"]
        assert {"/login", "/users", "/api/link", "/inception/{token}/predict", "/projects/{project}"} <= paths.keys()
