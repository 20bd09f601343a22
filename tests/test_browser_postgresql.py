"""A real browser once more, on a server that keeps annotations in PostgreSQL: first start, a project, annotating, two people."""

from __future__ import annotations

import pytest
from browsing import chrome, project, server
from test_browser import (
    test_a_document_is_annotated_by_keyboard_alone,
    test_two_people_see_each_other_and_neither_overwrites_the_other,
)

__all__ = [  # fixtures, and tests that run here, too
    "chrome",
    "project",
    "server",
    "test_a_document_is_annotated_by_keyboard_alone",
    "test_two_people_see_each_other_and_neither_overwrites_the_other",
]
pytestmark = pytest.mark.parametrize("server", ["postgresql"], indirect=True)
