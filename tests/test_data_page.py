"""Every form of a file that data/README.md shows is read as it says."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from tripel import formats, tasks
from tripel.data.checking import check
from tripel.documents import Document, Mention
from tripel.find import component, names
from tripel.names import pair_files
from tripel.terminologies.dictionary import Dictionary

PAGE = (Path(__file__).parents[1] / "data" / "README.md").read_text(encoding="utf-8")


def forms(title: str) -> dict[str, str]:
    """What the table under a title calls each form, and the lines it shows; <TAB> is a tab."""
    part = PAGE[PAGE.index(f"**{title}**") :].split("|---|---|\n")[1].split("\n\n")[0]
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", part, re.MULTILINE)
    return {
        name: "".join(
            html.unescape(code or plain).replace("<TAB>", "\t") + "\n"
            for code, plain in re.findall(r"<code>(.+?)</code>|`(.+?)`", shown)
            if plain != "<TAB>negative"
        )
        for name, shown in rows
    }


DICTIONARIES, PAIRS = forms("Dictionaries"), forms("Pairs of synonyms")
ROW = "C0015967\tfever\tpyrexia\n"


def test_all_forms_are_shown() -> None:
    assert (len(DICTIONARIES), len(PAIRS)) == (6, 5)


@pytest.mark.parametrize("form", DICTIONARIES)
def test_a_dictionary_is_read(form: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(DICTIONARIES[form], encoding="utf-8")
    found = list(Dictionary(Dictionary.Config(path=str(path))).entities())
    assert {one.name.casefold() for one in found} == {"fever"}
    assert any(one.id.endswith(("5334", "15967")) for one in found)
    if "type" in DICTIONARIES[form] or "Symptom" in DICTIONARIES[form]:
        assert [len(one.types) for one in found] == [1]
        assert "pyrexia" in {name.casefold() for name in found[0].names}
    assert list(check(path, recipe=tasks.recipe_of)) == []


@pytest.mark.parametrize("form", PAIRS)
def test_pairs_are_read(form: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(PAIRS[form] + (ROW if "ours" in form else ""), encoding="utf-8")
    (pair,) = pair_files.read(path)
    assert (pair.anchor, pair.positive, pair.negative) == ("fever", "pyrexia", "chill" if "wrong" in form else "")
    assert list(check(path, recipe=tasks.recipe_of)) == []


def test_every_format_stands_in_the_table_with_its_ending() -> None:
    for name in names("formats"):
        (row,) = re.findall(rf"^\| `{name}` \|.*", PAGE, re.MULTILINE)
        kind = component("formats", name)
        assert (kind.FOLDER or next(iter(kind.ENDINGS), f"--from {name}")) in row


def test_the_line_of_json_is_read(tmp_path: Path) -> None:
    (shown,) = re.findall(r'^    (\{"id": "1".*?\]\}\]\})$', PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "x.jsonl").write_text(" ".join(shown.split()))
    (document,) = formats.of("jsonl").read(tmp_path / "x.jsonl")
    assert isinstance(document, Document)
    assert document.mentions == (Mention(start=0, end=9, text="Hay fever", type="Disease", entities=("D006255",)),)
