"""Pages from templates. Whatever stands in them is escaped; a value that is missing is an error."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from tripel.web.services import services


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A template of `web/templates` with its values.

    Every template has, besides: `asker` (who is signed in, or None), `csrf` (for forms: the token of the hidden field `csrf`),
    `model` (the state of the model), `path` (of the request).
    """
    asker = getattr(request.state, "asker", None)
    html = (
        _environment()
        .get_template(template)
        .render(
            asker=asker,
            csrf=asker.csrf if asker else "",
            model=services(request).batcher.state,
            path=request.url.path,
            **values,
        )
    )
    return HTMLResponse(html, status_code=status)


def sentence(words: str) -> str:
    """What an error says: with a large letter at its beginning, and a full stop."""
    return f"{words[:1].upper()}{words[1:]}."


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("tripel.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["sentence"] = sentence
    return made
