"""What stands before every route, as plain ASGI: which hosts and pages may ask, who asks, and how much may be sent.

The order matters: a request of a strange host, of a page that is not ours, or that is too large is refused before a byte of its
body is read.
"""

from __future__ import annotations

import base64
import logging
import re
import secrets
import traceback
from urllib.parse import urlsplit

from fastapi import HTTPException
from sqlalchemy.exc import DataError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tripel.annotations.accounts import PREFIX, digest
from tripel.web.access import SAFE, Asker
from tripel.web.refusals import Refused, answer
from tripel.web.services import Services, services

COOKIE = "tripel_session"
OPEN = ("/healthz", "/readyz")  # asked by orchestrators, which know a server by its address alone
IN_PATH = re.compile(rf"/(?:inception|label-studio)/({PREFIX}[\w-]+)(?:/|$)", re.ASCII)
UPLOAD = "/upload"  # how the paths end that take files
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
HSTS = "max-age=31536000"
UNHOLDABLE = (UnicodeEncodeError, OverflowError, DataError)  # what no text, number or database can hold, of a request
log = logging.getLogger("tripel.web")


class Door:
    """The middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it. Whatever fails inside is answered with a number under which the log has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                _dress(message, request)
            await send(message)

        request.state.asker = None
        try:
            its = services(request)
            _check_host(request, its)
            _check_origin(request, its)
            request.state.asker = await run_in_threadpool(_asker, request, its)
            await self.app(scope, _measured(request, receive, _limit(request, its)), sending)
        except Refused as said:
            await answer(request, said)(scope, receive, sending)
        except Exception as error:
            refused = _fault(error)
            if not begun:  # else the client sees that the answer breaks off
                await answer(request, refused)(scope, receive, sending)


def _fault(error: Exception) -> Refused:
    """What failed inside goes to the log, under a number that is told."""
    number = secrets.token_hex(4)
    log.error("error %s: %s at %s", number, type(error).__name__, _where(error))
    if isinstance(error, UNHOLDABLE):
        return Refused(422, "half of a character, a NUL or a number that is too large is in the request")
    return Refused(500, f"this is a fault of the server; its log has it as {number}", number=number)


def secure(request: Request, its: Services) -> bool:
    """Whether the browser came by TLS."""
    return its.settings.https or request.url.scheme == "https"


def _dress(message: Message, request: Request) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if not request.url.path.startswith("/static/"):
        headers.setdefault("cache-control", "no-store")
    if secure(request, services(request)):
        headers.setdefault("strict-transport-security", HSTS)


def _check_host(request: Request, its: Services) -> None:
    host = request.headers.get("host", "")
    if request.url.path not in OPEN and not its.settings.knows(host):
        raise Refused(421, "this server does not have that name; whoever started it names its hosts with --host-name")


def _check_origin(request: Request, its: Services) -> None:
    """Changes come from our pages alone: browsers say where from. Programs with a token bring nothing that could be abused."""
    if request.method in SAFE or _sent(request) is not None:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    strange = site not in (None, "same-origin", "none")
    if origin is not None:
        from_here = _host(origin) == request.headers.get("host") or its.settings.named(_host(origin))
        strange = strange or not from_here
    if strange:
        raise Refused(
            403, "the page that asks is not one of this server's; --host-name names the hosts it is reached by"
        )


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _sent(request: Request) -> str | None:
    """The token that a program sends, in a header, or in the path where it cannot send headers; None where it sends none."""
    if said := IN_PATH.match(request.url.path):
        return said[1]
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            secret = base64.b64decode(secret, validate=True).decode("ascii").partition(":")[2]
        except ValueError:
            return None
    return secret.strip() if secret.strip().startswith(PREFIX) else None  # what a proxy asks for is its own


def _asker(request: Request, its: Services) -> Asker | None:
    """Who it is, by token or cookie."""
    secret = _sent(request)
    if secret is not None:
        known = its.accounts.token(secret)
        if known is None:
            raise Refused(401, "this token is not known, has expired or was revoked")
        return Asker(*known)
    cookie = request.cookies.get(COOKIE, "")
    session = its.accounts.session(cookie) if cookie else None
    return None if session is None else Asker(*session, csrf=digest(f"csrf {cookie}"))


def _limit(request: Request, its: Services) -> int:
    if request.state.asker is None:
        return its.settings.stranger
    return its.settings.upload if request.url.path.endswith(UPLOAD) else its.settings.body


def _measured(request: Request, receive: Receive, limit: int) -> Receive:
    """The same, but no more bytes than `limit`. Raises Refused at once where more are announced."""
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > limit:
        raise Refused(413, f"a request of {announced[:20]} bytes; here at most {limit:,} are read")
    room = limit

    async def receiving() -> Message:
        nonlocal room
        message = await receive()
        room -= len(message.get("body", b""))
        if room < 0:
            raise HTTPException(413, f"a request of more than {limit:,} bytes")  # all others FastAPI takes for bad JSON
        return message

    return receiving


def _where(error: Exception) -> str:
    """Files and lines, without what was said: that could hold a text."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(
        f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno}" for frame in reversed(frames[-12:])
    )
