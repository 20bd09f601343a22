"""Documents are put into a project, from a file or from the sample that comes with tripel; then its model predicts them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from starlette.requests import Request

from tripel import formats
from tripel.annotations import datasets, jobs, models
from tripel.corpora.sample import Sample
from tripel.web.services import services

SAMPLE = "sample.jsonl"  # what the sample is called among the data sets


def store(
    request: Request, project: int, path: Path, *, name: str, by: int, read_as: str = "", partly: bool = False
) -> None:
    """Store a file, as `datasets.upload` does, and let the model in use, if any, predict it."""
    database = services(request).database
    datasets.upload(database, project, path, name=name, by=by, read_as=read_as, partly=partly)
    if any(model.in_use for model in models.of(database, project)):
        jobs.submit(database, project, "predict", by=by)


def store_sample(request: Request, project: int, *, by: int) -> None:
    """Store the sample without its mentions, for whoever wants to look first: a model marks them. Raises ValueError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, SAMPLE)
        bare = [one.having(mentions=()) for one in Sample(Sample.Config()).read("test")]
        formats.writer("jsonl").write(path, bare)
        store(request, project, path, name=SAMPLE, by=by)
