"""The documents that come with tripel, for whoever wants to look first. Their mentions are left out: a model marks them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from starlette.requests import Request

from tripel import formats
from tripel.annotations import datasets, jobs
from tripel.corpora.sample import Sample
from tripel.web.services import services

NAME = "sample.jsonl"


def upload_sample(request: Request, project: int, user: int) -> None:
    """Store the sample's documents without mentions, and let the model predict them. Raises ValueError."""
    database = services(request).database
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, NAME)
        bare = [one.having(mentions=()) for one in Sample(Sample.Config()).read("test")]
        formats.writer("jsonl").write(path, bare)
        datasets.upload(database, project, path, name=NAME, by=user)
    jobs.submit(database, project, "predict", by=user)
