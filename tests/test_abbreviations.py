"""Short forms and what they stand for in their own document."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tripel.corpora.bc5cdr import Bc5cdr
from tripel.documents import Document, Mention
from tripel.linking.abbreviations import LONGEST, defined, expand


def mentions_of(text: str, *names: str) -> Document:
    found = []
    for name in names:
        start = text.index(name, found[-1].end if found else 0)
        found.append(Mention(start=start, end=start + len(name), text=name, type="Disease", entities=("D1",)))
    return Document(id="1", text=text).having(mentions=found)


def long_forms(text: str, *names: str) -> list[str]:
    return [mention.long_form for mention in expand(mentions_of(text, *names)).mentions]


def test_a_short_form_means_what_its_document_defines() -> None:
    one = long_forms("Multiple sclerosis (MS) is rare. MS was seen.", "Multiple sclerosis", "MS", "MS")
    other = long_forms("Mitral stenosis (MS) is rare. MS was seen.", "Mitral stenosis", "MS", "MS")
    assert one == ["", "Multiple sclerosis", "Multiple sclerosis"]
    assert other == ["", "Mitral stenosis", "Mitral stenosis"]


def test_nothing_is_expanded_without_a_definition_or_within_a_longer_mention() -> None:
    assert long_forms("MS was seen.", "MS") == [""]
    assert long_forms("Multiple sclerosis (MS) and MS lesions.", "Multiple sclerosis (MS)", "MS lesions") == ["", ""]
    assert long_forms("Multiple sclerosis (MS) weighs 3 ms.", "ms") == [""]


def test_plurals() -> None:
    text = "Premature ventricular contraction (PVC) was seen, and more PVCs."
    assert long_forms(text, "PVC", "PVCs") == ["Premature ventricular contraction"] * 2
    text = "Circulating tumor cells (CTCs) were seen; one CTC was not."
    assert long_forms(text, "CTCs", "CTC") == ["Circulating tumor cells"] * 2


def test_text_and_offsets_are_untouched() -> None:
    document = mentions_of("Tuberculosis (TB). After β-blockers TB went.", "Tuberculosis", "TB", "TB")
    expanded = expand(document)
    assert expanded.having(mentions=[mention.having(long_form="") for mention in expanded.mentions]) == document


def test_a_document_without_mentions_is_not_looked_at() -> None:
    document = Document(id="1", text="Tuberculosis (TB).")
    assert expand(document) is document


ODD = [
    "a   b",
    "a_b",
    "a`b",
    "a\tb",
    "a\u2003b",
    "a\u00a0b",
    "a\x00b",
    "a\nb",
    "a\ud83db",
    "x" * 1200,
    "\U0001f912" * 300,
]


@pytest.mark.parametrize("odd", ODD)
def test_ab3p_never_writes_the_text(odd: str) -> None:
    """It would write to the standard output or error of the process, past Python, what it loses track of."""
    with tempfile.TemporaryFile() as heard:
        kept = {number: os.dup(number) for number in (1, 2)}
        for number in kept:
            os.dup2(heard.fileno(), number)
        try:
            found = defined(
                f"One {odd} came. Tuberculosis (TB) was {odd} seen. {odd} heart failure (HF) again. Then TB."
            )
        finally:
            for number, its in kept.items():
                os.dup2(its, number)
                os.close(its)
        heard.seek(0)
        assert heard.read() == b""
    assert found == {"TB": "Tuberculosis", "HF": "heart failure"}


@pytest.mark.parametrize("word", ["half a fever ", "[x] ", "\U0001f912", "x", "(A) ", ". "])
def test_a_text_of_any_length_is_looked_at_to_its_end(word: str) -> None:
    """Ab3P ends the process where a sentence has more than 100,000 bytes, so it is tried in one of its own."""
    said = "Then multiple sclerosis (MS) was seen. "
    code = "import sys; from tripel.linking.abbreviations import LONGEST, defined; print(defined(sys.stdin.read()))"
    text = f"Tuberculosis (TB) was seen. {(word * 200_000)[:200_000]}. {said}{(word * 200_000)[:200_000]} {said}"
    done = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    found = ast.literal_eval(done.stdout)
    assert found["TB"] == "Tuberculosis" and found["MS"] == "multiple sclerosis"


@pytest.mark.parametrize("end", [". ", " "])
@pytest.mark.parametrize("before", range(0, 60, 7))
def test_what_defines_a_short_form_is_whole_in_some_piece(before: int, end: str) -> None:
    """Wherever a long text is cut; it need not have sentences."""
    forms = {"MS": "mitral stenosis", "TN": "tumour necrosis", "BG": "basal ganglia", "HF": "heart failure"}
    said = [f"Then {long} ({short}) was seen{end}" for short, long in forms.items()]
    filler = "x" * before + " " + f"They were seen again{end}" * ((LONGEST - 60) // (20 + len(end)))
    found = defined("".join(filler + one for one in said))
    assert found == forms


def test_a_short_form_with_an_underscore() -> None:
    assert long_forms("Interleukin_6 (IL_6) rose. IL_6 fell.", "IL_6", "IL_6") == ["Interleukin-6"] * 2


def test_on_bc5cdr(corpora_folder: Path) -> None:
    documents = Bc5cdr(Bc5cdr.Config(path=str(corpora_folder / "bc5cdr"))).read("train")
    found = [mention for document in documents for mention in expand(document).mentions if mention.long_form]
    assert len(found) == 822
    assert all(len(mention.long_form) > len(mention.text) for mention in found)
