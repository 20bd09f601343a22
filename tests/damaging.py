"""Files of every format that were damaged: what their reader makes of them. It must not raise, and tells no text."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

from documents_of_all_kinds import SECRET

from tripel import formats
from tripel.documents import Document, Mention
from tripel.problems import Problem


def place(folder: Path, name: str) -> Path:
    """A new place whose name tells the format."""
    path = folder / f"x{formats.of(name).ENDINGS[0]}"
    if path.is_dir():
        shutil.rmtree(path)
    return path


def secretive() -> list[Document]:
    text = f"{SECRET} fell. {SECRET} and\n{SECRET} rose in 12 rats."
    spans = [(0, 11), (18, 29), (18, 45), (34, 45)]
    found = [Mention(start=start, end=end, text=text[start:end], type="T", entities=("D1",)) for start, end in spans]
    return [Document(id=id, text=text, title_end=17).having(mentions=found) for id in ("123", "124")]


def outcome(path: Path, name: str) -> list[Document]:
    """What is read of a file; its documents are true, and its messages do not tell the text."""
    found = []
    for one in formats.of(name).read(path):
        if isinstance(one, Problem):
            assert SECRET.casefold() not in str(one).replace(str(path), "").casefold()
            assert one.found and one.expected
        else:
            found.append(one)
    return found


def files_of(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path, *path.parent.glob(f"{path.name}.*")]


def damage(name: str, folder: Path, *, tries: int, start: int) -> Counter[str]:
    """Damage a good file of a format again and again; of how many tries some documents came, and of how many none.

    start: of the random numbers. Raises whatever the reader raises, or AssertionError where it says what is not so.
    """
    rng = random.Random(start)
    path = place(folder, name)
    formats.of(name).write(path, secretive())
    good = {file: file.read_bytes() for file in files_of(path)}
    came: Counter[str] = Counter()
    for _ in range(tries):
        for file, content in good.items():
            file.write_bytes(content)
        victim = rng.choice(list(good))
        victim.write_bytes(damaged(good[victim], rng))
        came["documents" if outcome(path, name) else "none"] += 1
    return came


def damaged(content: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.randint(1, 3)):
        here, there = sorted(rng.randrange(len(content) + 1) for _ in range(2))
        there = min(there, here + 12)
        piece = content[here:there]
        change = rng.choice(["cut", "double", "change", "digit", "insert"])
        middle = {
            "cut": b"",
            "double": piece * 2,
            "change": bytes(rng.randrange(256) for _ in piece),
            "digit": bytes(rng.choice(b"0123456789-") if chr(byte).isdigit() else byte for byte in piece),
            "insert": piece
            + rng.choice([b"\n", b"\t", b"{", b"]", b'"', b"<", b"null", b"-1", b"9" * 30, b"\xff", b"||"]),
        }[change]
        content = content[:here] + middle + content[there:]
    return content
