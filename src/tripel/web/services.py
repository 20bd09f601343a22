"""What the routes of a server share: made once by whoever starts it, and found again through the request."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from tripel.annotations.accounts import Accounts
from tripel.annotations.database import Database
from tripel.annotations.live import Live
from tripel.web.batching import Batcher
from tripel.web.knowledge_bases import KnowledgeBases
from tripel.web.limiting import Limits
from tripel.web.settings import Settings


@dataclass(frozen=True)
class Services:
    """Finished objects."""

    settings: Settings
    database: Database
    accounts: Accounts
    batcher: Batcher
    """In front of the model that the server was started with."""
    limits: Limits
    knowledge: KnowledgeBases
    live: Live
    """The models of projects."""


def services(connection: HTTPConnection) -> Services:
    """Those of the server that got a request."""
    found: Services = connection.app.state.services
    return found
