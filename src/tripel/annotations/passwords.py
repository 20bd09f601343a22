"""Passwords are kept as scrypt hashes (RFC 7914), each with its parameters, so that these can be raised later."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass

SHORTEST, LONGEST = 10, 1000  # characters
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters that look alike
AT_ONCE = threading.Semaphore(2)  # each takes 32 MiB and a core


@dataclass(frozen=True)
class Hardness:
    """What a guess costs: `n` x `r` x 128 bytes of memory, `p` times over. As OWASP recommends."""

    n: int = 1 << 15
    r: int = 8
    p: int = 3


def hashed(password: str, hardness: Hardness) -> str:
    """`scrypt$n$r$p$salt$key`. Raises ValueError for a password that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ValueError(f"a password of {len(password)} characters: from {SHORTEST} to {LONGEST} are expected")
    salt = secrets.token_bytes(16)
    key = _key(password, salt, hardness)
    return "$".join(["scrypt", str(hardness.n), str(hardness.r), str(hardness.p), _text(salt), _text(key)])


def fits(password: str, kept: str) -> bool:
    """Whether a password is the one that was hashed."""
    _, n, r, p, salt, key = kept.split("$")
    tried = _key(password[:LONGEST], base64.b64decode(salt), Hardness(int(n), int(r), int(p)))
    return hmac.compare_digest(tried, base64.b64decode(key))


def drawn() -> str:
    """A password for once: 90 bits, in groups that can be typed."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(6)) for _ in range(3))


def _key(password: str, salt: bytes, hardness: Hardness) -> bytes:
    with AT_ONCE:
        return hashlib.scrypt(
            password.encode(errors="surrogatepass"),
            salt=salt,
            n=hardness.n,
            r=hardness.r,
            p=hardness.p,
            maxmem=256 * hardness.n * hardness.r,
            dklen=32,
        )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
