"""A tiny model that finds mentions and links them, and documents to teach it with, for tests of training from annotations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tiny
import yaml

from tripel import tasks
from tripel.files import write_lines

NAMES = {
    "D005334": ["Fever", "Pyrexia"],
    "D003371": ["Cough"],
    "D001241": ["Aspirin", "Acetylsalicylic acid"],
    "D009325": ["Nausea"],
    "D006261": ["Headache", "Cephalalgia"],
    "D000082": ["Acetaminophen", "Paracetamol"],
}
TYPES = {"D001241": "Chemical", "D000082": "Chemical"}
WORDS = {name.lower(): id for id, names in NAMES.items() for name in names}
SENTENCES = (
    "Fever and cough after aspirin were seen.",
    "Nausea came with headache, and paracetamol helped.",
    "Pyrexia fell; the cephalalgia stayed with her.",
    "No cough, no fever, but nausea all night.",
    "She took acetaminophen for headache and fever.",
)


def record(number: int, *, marked: bool = True) -> dict[str, Any]:
    """A document of two sentences as JSON Lines have it, with its mentions where they are to be `marked`."""
    text = f"{SENTENCES[number % 5]} {SENTENCES[(number * 3 + 1) % 5]} Case {number}."
    found = [
        {"start": start, "end": start + len(word), "type": TYPES.get(id, "Disease"), "entities": [id]}
        for word, id in WORDS.items()
        for start in range(len(text))
        if text[start : start + len(word)].lower() == word
    ]
    return {"id": f"case-{number}", "text": text, "mentions": found if marked else []}


def model(folder: Path, *, epochs: int = 8) -> Path:
    """A run that learnt from ten documents."""
    for split, numbers in {"train": range(100, 110), "dev": range(110, 114), "test": range(110, 114)}.items():
        write_lines(folder / "corpus" / f"{split}.jsonl", [record(number) for number in numbers])
    names = "".join(f"{id}||{name}\n" for id, its in NAMES.items() for name in its)
    (folder / "names.txt").write_text(names, encoding="utf-8")
    values = {
        "corpus": {"name": "files", "path": str(folder / "corpus")},
        "terminologies": [{"name": "dictionary", "path": str(folder / "names.txt")}],
        "data": {"judged": ["dev"], "watched": 0},
        "candidates": {"threads": 1},
        "encoder": {"model": str(tiny.folder(folder / "encoder")), "view": "document"},
        "objective": {"name": "tagging_and_linking", "wrong": 2, "lr": 0.02},
        "negatives": {"refresh": 0},
        "trainer": {"epochs": epochs, "batch": 4, "lr": 3e-3, "checkpoint_every": 2},
        "journal": {"wandb": False},
    }
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return tasks.train(path, output=folder / "run")
