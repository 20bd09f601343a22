"""Requests drawn from the description of every route, those of pages, too, sent by somebody who may do everything.

Whatever comes, the server answers as it says it may, and never with a fault of its own. `scripts/fuzz_api.py` does it for long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import browsing
import schemathesis
from annotating import RECORDS, upload
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from httpx2 import InvalidURL
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from opened import Opened
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from starlette.testclient import TestClient

from tripel.annotations import jobs, models, projects

LEFT_OUT = {
    ("post", "/logout"), ("post", "/account/sessions/{login}/end"), ("post", "/users/{user}/active"),
    ("post", "/users/{user}/admin"), ("post", "/users/{user}/password"), ("post", "/account/tokens/{token}/revoke"),
    ("post", "/projects/{project}/erase"), ("post", "/projects/{project}/archive"),
    ("post", "/projects/{project}/members/remove"),
}  # fmt: skip
"""What would shut the door behind the one who asks, or take away what is asked about; each is tested on its own."""
OF_PROGRAMS = ("response_schema_conformance", "content_type_conformance")
BUSY = 503  # the model is not there: said on purpose
JUNK = [
    "",
    "\0",
    "\ud800",
    "../../etc/passwd",
    "%00",
    "'\"<script>",
    "9" * 40,
    "-1",
    "{{7*7}}",
    "a" * 5000,
    "\u202e",
    "0x10",
    "NaN",
]


@dataclass
class Outcome:
    """What came of it."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    """Method, path, status and what is wrong."""


def begun(its: Opened, base: Path) -> dict[str, list[Any]]:
    """A project of the admin's with documents, a version of a model, and a job that waits: what is `known`."""
    admin = its.accounts.named("admin")
    assert admin is not None
    project = projects.new(its.database, title="Fevers", by=admin.id)
    documents = upload(its.database, project.id, base, RECORDS, by=admin.id)
    (base / "linker").mkdir()
    model = models.begin(its.database, project.id, browsing.run(base / "linker"), by=admin.id)
    job = jobs.submit(its.database, project.id, "predict", by=admin.id)
    return {"project": [project.id], "document": documents, "version": [model.version], "job": [job.id], "id": [1]}


def described(app: FastAPI) -> dict[str, Any]:
    """Every route in OpenAPI, those of pages, too."""
    contexts = list(iter_route_contexts(app.routes))
    for one in contexts:
        if hasattr(one._effective_route, "include_in_schema"):
            one._effective_route.include_in_schema = True
    return get_openapi(title="everything", version="1", routes=contexts)


def fuzz(
    client: TestClient, app: FastAPI, *, known: Mapping[str, Sequence[Any]], examples: int, start: int = 0
) -> Outcome:
    """`known`: values of parameters in paths, half of which are drawn from them, so that requests reach what there is."""
    load_all_checks()
    schema = schemathesis.openapi.from_dict(described(app))
    outcome = Outcome()
    for operation in _operations(schema):
        checks = [CHECKS.get_one(name) for name in OF_PROGRAMS] if operation.path.startswith("/api/") else []

        def send(case: Any, checks: Any = checks) -> None:
            _send(client, case, checks, outcome)

        _draw(operation, known, send, examples=examples, start=start)
    return outcome


def _draw(
    operation: Any, known: Mapping[str, Sequence[Any]], send: Callable[[Any], None], *, examples: int, start: int
) -> None:
    """Send requests to a route, as it wants them and as it does not."""

    @seed(start)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=st.one_of(*(operation.as_strategy(mode) for mode in GenerationMode)), data=st.data())
    def draw(case: Any, data: Any) -> None:
        for name in case.path_parameters or {}:
            drawn = data.draw(st.integers(0, 3))
            if drawn < 2 and name in known:
                case.path_parameters[name] = data.draw(st.sampled_from(list(known[name])))
            elif drawn == 2:
                junk = data.draw(st.sampled_from(JUNK)).encode(errors="surrogatepass")
                case.path_parameters[name] = quote(junk, safe="")
        send(case)

    draw()


def _operations(schema: Any) -> Iterator[Any]:
    for result in schema.get_all_operations():
        operation = result.ok()
        if (operation.method.lower(), operation.path) not in LEFT_OUT:
            yield operation


def _send(client: TestClient, case: Any, checks: Sequence[Any], outcome: Outcome) -> None:
    try:
        words = case.as_transport_kwargs(base_url=str(client.base_url))
        words.pop("cookies", None)  # the client has its own
        words["headers"].pop("Accept", None)
        if isinstance(words.get("data"), bytes | str):
            words["content"] = words.pop("data")
        answer = client.request(follow_redirects=False, **words)
    except (UnicodeError, ValueError, TypeError, InvalidURL):  # what no client can send
        return
    outcome.requests += 1
    outcome.statuses[answer.status_code] += 1
    if answer.status_code >= 500 and answer.status_code != BUSY:
        outcome.faults.append(f"{case.method} {case.path} {answer.status_code}")
    try:
        case.validate_response(answer, checks=list(checks)) if checks else None
    except FailureGroup as failures:
        outcome.faults += [f"{case.method} {case.path} {answer.status_code}: {one}" for one in failures.exceptions]
