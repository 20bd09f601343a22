"""Who may come in: users with passwords, sessions of browsers, tokens of programs. It knows no HTTP.

Of sessions and tokens only hashes are kept: whoever reads the database cannot come in with what lies there.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, and_, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tripel.annotations.database import Database
from tripel.annotations.passwords import Hardness, drawn, fits, hashed
from tripel.annotations.schema import logins, now, tokens, users

Scope = Literal["read", "link", "annotate", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
NAME = re.compile(r"[a-z0-9][a-z0-9_.@+-]{0,63}")
PREFIX = "tripel_"  # of a token, so that scanners for lost secrets know it
SEEN_EVERY = timedelta(minutes=1)  # how exactly the last use of a session or token is known


@dataclass(frozen=True)
class User:
    """Somebody with a name and a password."""

    id: int
    name: str
    """In small letters; who signs in may write it in any."""
    admin: bool
    """Whether they run the server: users, and every project."""
    active: bool
    must_change: bool
    """Whether the password is one for once."""
    created: datetime


@dataclass(frozen=True)
class Login:
    """A session of a browser."""

    id: str
    """What the database knows of its secret; nobody comes in with it."""
    user: int
    created: datetime
    seen: datetime


@dataclass(frozen=True)
class Token:
    """A program that asks in the name of a user."""

    id: int
    user: int
    name: str
    scopes: tuple[Scope, ...]
    created: datetime
    expires: datetime | None
    seen: datetime | None
    revoked: datetime | None


class Accounts:
    """Users, sessions and tokens in a database."""

    def __init__(
        self,
        database: Database,
        *,
        idle: timedelta = timedelta(hours=12),
        longest: timedelta = timedelta(days=7),
        hardness: Hardness | None = None,
    ) -> None:
        """A session ends `idle` after its last use, and `longest` after it began."""
        self.database = database
        self.idle = idle
        self.longest = longest
        self.hardness = hardness or Hardness()
        self._nobody = hashed(drawn(), self.hardness)

    # users

    def first(self) -> str | None:
        """Make `admin` where there is nobody, and return its password, which is for once; None where there is somebody."""
        with self.database.connect() as connection:
            if connection.execute(select(users.c.id).limit(1)).first() is not None:
                return None
        return self.add("admin", admin=True)[1]

    def add(self, name: str, *, admin: bool = False) -> tuple[User, str]:
        """A new user and a password for once. Raises ValueError for a name that is taken or has other characters."""
        name = name.lower()
        if not NAME.fullmatch(name):
            raise ValueError("a name has 1 to 64 of the characters a-z 0-9 . @ + - _ and begins with a letter or digit")
        password = drawn()
        values = {
            "name": name, "password": hashed(password, self.hardness), "admin": admin, "must_change": True,
            "created_at": now(),
        }  # fmt: skip
        try:
            with self.database.begin() as connection:
                row = connection.execute(insert(users).values(**values).returning(*users.c)).one()
        except IntegrityError:
            raise ValueError("there is a user of this name") from None
        return _user(row), password

    def all(self) -> list[User]:
        """Every user, by name."""
        with self.database.connect() as connection:
            return [_user(row) for row in connection.execute(select(users).order_by(users.c.name))]

    def get(self, user: int) -> User | None:
        """A user by id."""
        return self._one(users.c.id == user)

    def named(self, name: str) -> User | None:
        """A user by name, however it is capitalised."""
        return self._one(users.c.name == name.lower()) if NAME.fullmatch(name.lower()) else None

    def check(self, name: str, password: str) -> User | None:
        """The user with this name and password; None where there is none, which takes as long to find out."""
        user = self.named(name)
        kept = self._nobody
        if user is not None:
            with self.database.connect() as connection:
                kept = connection.execute(select(users.c.password).where(users.c.id == user.id)).scalar_one()
        fit = fits(password, kept)
        return user if user is not None and fit and user.active else None

    def change_password(self, user: int, password: str) -> None:
        """Every session of the user ends. Raises ValueError for a password that is too short."""
        self._set_password(user, password, once=False)

    def reset_password(self, user: int) -> str:
        """A new password for once; every session of the user ends."""
        password = drawn()
        self._set_password(user, password, once=True)
        return password

    def set_active(self, user: int, active: bool) -> None:
        """Shut a user out, whose sessions end, or let them in again. Raises ValueError for the last administrator."""
        with self.database.begin() as connection:
            if not active:
                _keep_one(connection, user)
                connection.execute(delete(logins).where(logins.c.user == user))
            values = {"disabled_at": None if active else now()}
            connection.execute(update(users).where(users.c.id == user).values(**values))

    def set_admin(self, user: int, admin: bool) -> None:
        """Raises ValueError for the last administrator."""
        with self.database.begin() as connection:
            if not admin:
                _keep_one(connection, user)
            connection.execute(update(users).where(users.c.id == user).values(admin=admin))

    def _one(self, where: Any) -> User | None:
        with self.database.connect() as connection:
            row = connection.execute(select(users).where(where)).first()
        return None if row is None else _user(row)

    def _set_password(self, user: int, password: str, *, once: bool) -> None:
        kept = hashed(password, self.hardness)
        with self.database.begin() as connection:
            connection.execute(update(users).where(users.c.id == user).values(password=kept, must_change=once))
            connection.execute(delete(logins).where(logins.c.user == user))

    # sessions

    def begin(self, user: int) -> str:
        """A new session; what is returned is the secret that the browser keeps."""
        secret, at = secrets.token_urlsafe(32), now()
        values = {
            "digest": digest(secret), "user": user, "created_at": at, "seen_at": at, "expires_at": at + self.longest,
        }  # fmt: skip
        with self.database.begin() as connection:
            connection.execute(delete(logins).where(~self._lasts(at)))
            connection.execute(insert(logins).values(**values))
        return secret

    def session(self, secret: str) -> tuple[User, Login] | None:
        """Whose session it is; None where it has ended or never was."""
        at = now()
        query = (
            select(users, logins.c.digest, logins.c.created_at.label("began"), logins.c.seen_at)
            .join_from(logins, users, logins.c.user == users.c.id)
            .where(logins.c.digest == digest(secret), self._lasts(at), users.c.disabled_at.is_(None))
        )
        with self.database.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        if at - row.seen_at > SEEN_EVERY:
            with self.database.begin() as connection:
                connection.execute(update(logins).where(logins.c.digest == row.digest).values(seen_at=at))
        return _user(row), Login(row.digest, row.id, row.began, row.seen_at)

    def sessions(self, user: int) -> list[Login]:
        """Of a user, the newest first."""
        query = select(logins).where(logins.c.user == user, self._lasts(now())).order_by(logins.c.created_at.desc())
        with self.database.connect() as connection:
            return [Login(row.digest, row.user, row.created_at, row.seen_at) for row in connection.execute(query)]

    def end(self, user: int, login: str) -> None:
        """End a session, where it is one of this user's."""
        with self.database.begin() as connection:
            connection.execute(delete(logins).where(logins.c.digest == login, logins.c.user == user))

    def _lasts(self, at: datetime) -> Any:
        return and_(logins.c.seen_at > at - self.idle, logins.c.expires_at > at)

    # tokens

    def issue(
        self, user: int, name: str, scopes: Iterable[str], *, expires: datetime | None = None
    ) -> tuple[Token, str]:
        """A new token, and the secret, which cannot be seen again. Raises ValueError for a scope that there is none of."""
        wanted = set(scopes)
        if not wanted or wanted - set(SCOPES):
            raise ValueError(f"a token has one or more of the scopes {', '.join(SCOPES)}")
        if not 1 <= len(name.strip()) <= 100 or not name.isprintable():
            raise ValueError("a token has a name of 1 to 100 characters, which says what it is for")
        secret = PREFIX + secrets.token_urlsafe(32)
        values = {
            "digest": digest(secret), "user": user, "name": name.strip(), "created_at": now(), "expires_at": expires,
            "scopes": [scope for scope in SCOPES if scope in wanted],
        }  # fmt: skip
        with self.database.begin() as connection:
            row = connection.execute(insert(tokens).values(**values).returning(*tokens.c)).one()
        return _token(row), secret

    def token(self, secret: str) -> tuple[User, Token] | None:
        """Whose token it is; None where it was revoked, has expired or never was."""
        at = now()
        valid = and_(
            tokens.c.digest == digest(secret), tokens.c.revoked_at.is_(None),
            tokens.c.expires_at.is_(None) | (tokens.c.expires_at > at),
        )  # fmt: skip
        with self.database.connect() as connection:
            row = connection.execute(select(tokens).where(valid)).first()
        user = None if row is None else self.get(row.user)
        if row is None or user is None or not user.active:
            return None
        if row.used_at is None or at - row.used_at > SEEN_EVERY:
            with self.database.begin() as connection:
                connection.execute(update(tokens).where(tokens.c.id == row.id).values(used_at=at))
        return user, _token(row)

    def tokens(self, user: int) -> list[Token]:
        """Of a user, the newest first, those that were revoked, too."""
        query = select(tokens).where(tokens.c.user == user).order_by(tokens.c.id.desc())
        with self.database.connect() as connection:
            return [_token(row) for row in connection.execute(query)]

    def revoke(self, user: int, token: int) -> None:
        """Revoke a token, where it is one of this user's."""
        mine = (tokens.c.id == token, tokens.c.user == user, tokens.c.revoked_at.is_(None))
        with self.database.begin() as connection:
            connection.execute(update(tokens).where(*mine).values(revoked_at=now()))


def digest(secret: str) -> str:
    """Secrets are drawn at random, so one round of SHA-256 keeps them as well as many would."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _keep_one(connection: Connection, user: int) -> None:
    others = select(func.count()).where(users.c.admin, users.c.disabled_at.is_(None), users.c.id != user)
    if connection.execute(others).scalar_one() == 0:
        raise ValueError("somebody has to run the server: name another administrator first")


def _user(row: Row[Any]) -> User:
    return User(row.id, row.name, row.admin, row.disabled_at is None, row.must_change, row.created_at)


def _token(row: Row[Any]) -> Token:
    times = (row.created_at, row.expires_at, row.used_at, row.revoked_at)
    return Token(row.id, row.user, row.name, tuple(row.scopes), *times)
