"""What is said when something is refused: problem+json (RFC 9457) to programs, a page to people; never how we are made."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tripel.web.rendering import page


class Problem(BaseModel):
    """Why a request is refused, as application/problem+json (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    faults: list[dict[str, str]] = []


MEDIA = "application/problem+json"
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": said, "content": {MEDIA: {"schema": Problem.model_json_schema()}}}
    for status, said in {
        400: "Not JSON, or not what was expected",
        401: "Not signed in, or the token is not valid",
        403: "Not allowed to this user or token",
        404: "No such thing, or not for this user",
        409: "Another has changed it since",
        413: "More than may be sent",
        422: "Something in the request is not as expected",
        429: "Too often",
        503: "The model is not ready; ask again",
    }.items()
}
"""What routes of the API may refuse, for `APIRouter(responses=PROBLEMS)`."""


class Refused(Exception):
    """A request is not served. What it says is shown to whoever asked, so it holds no text of a document."""

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, sign_in: bool = False, **more: Any
    ) -> None:
        """`more` goes into the problem beside its title, status and detail. sign_in: people are led to where they sign in."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.sign_in = sign_in
        self.more = more


def problem(refused: Refused) -> Response:
    """For programs."""
    return JSONResponse(
        {"type": "about:blank", "title": phrase(refused.status), "status": refused.status, "detail": refused.detail}
        | refused.more,
        status_code=refused.status,
        headers=refused.headers,
        media_type=MEDIA,
    )


def answer(request: Request, refused: Refused) -> Response:
    """For whoever asked."""
    if not wants_page(request):
        return problem(refused)
    if refused.sign_in:
        return RedirectResponse(
            "/login?" + urlencode({"next": request.url.path if request.method == "GET" else "/"}), 303
        )
    made = page(
        request,
        "refused.html",
        status=refused.status,
        title=phrase(refused.status),
        detail=refused.detail,
        more=refused.more,
    )
    made.headers.update(refused.headers)
    return made


def wants_page(request: Request) -> bool:
    """Whether a person asks, by a browser, and not a program."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def phrase(status: int) -> str:
    """`404` -> `Not Found`."""
    return HTTPStatus(status).phrase if status in {one.value for one in HTTPStatus} else "Not served"
