"""From a template to a page that needs nothing else. Whatever stands in it is escaped; a value that is missing is an error."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def rendered(template: str, **values: Any) -> str:
    """A template of the package with its values."""
    return _environment().get_template(template).render(**values)


def allowing(style: str) -> str:
    """A Content-Security-Policy: a browser applies this very style sheet, and neither runs nor fetches anything."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader("tripel.reports"), autoescape=True, undefined=StrictUndefined)
