"""A short run of requests drawn from the description of every route; `scripts/fuzz_api.py` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest
from annotating import RECORDS, upload
from fuzzing import described, fuzz
from opened import opened

from tripel.annotations import projects
from tripel.web.settings import Settings


def test_no_request_makes_the_server_fail(tmp_path: Path, database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(folder=tmp_path, links_per_minute=100_000)
    with opened(tmp_path, settings=settings, database=database_url) as its:
        admin = its.accounts.named("admin")
        assert admin is not None
        project = projects.new(its.database, title="Fevers", by=admin.id)
        documents = upload(its.database, project.id, tmp_path, RECORDS, by=admin.id)
        known = {"project": [project.id], "document": documents, "version": [1], "job": [1], "id": [1]}
        outcome = fuzz(its.browser("admin"), its.app, known=known, examples=2)
    assert outcome.faults == [], "\n".join([*outcome.faults, caplog.text])
    assert outcome.requests > 60 and {200, 404, 422} <= outcome.statuses.keys(), outcome


def test_every_route_is_described(tmp_path: Path) -> None:
    with opened(tmp_path) as its:
        paths = described(its.app)["paths"]
        assert {"/login", "/users", "/api/link", "/inception/{token}/predict", "/projects/{project}"} <= paths.keys()
