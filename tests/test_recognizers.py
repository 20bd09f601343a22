"""What holds for every recognizer: texts come back as they are, with mentions that are their slices, and a confidence each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tripel.config import choose
from tripel.documents import Document, Mention
from tripel.find import component, names
from tripel.knowledge import Entity, KnowledgeBase
from tripel.linking.linker import recognizer_of
from tripel.recognizers.base import Found, Recognizer, Span

KB = KnowledgeBase.of(
    [
        Entity(id="D1", name="Fever", synonyms=("high fever",), types=("Disease",)),
        Entity(id="D2", name="multiple sclerosis", synonyms=("MS",), types=("Disease",)),
        Entity(id="C1", name="aspirin", types=("Chemical",)),
    ]
)
TEXTS = (
    "",
    " \n\t",
    "High fever, MS and aspirin.",
    "ﬁne: fe\u0301ver \U0001f469\u200d\u2695\ufe0f MS \u05d0\u05d1 aspirin\0 İ ß \u202eMS\u202c",
    "\ufeffMS\r\n\r\nFever\x85aspirin\u2028MS",
    "half of a pair \ud83d MS",
    "MS " * 70_000,
)
DOCUMENTS = [
    Document(id=str(number), text=text, title_end=len(text) // 2, mentions=(Mention(start=0, end=1, text=text[0]),))
    for number, text in enumerate(TEXTS)
    if text
] + [Document(id="empty", text="")]


def ruler(folder: Path) -> str:
    """A pipeline of spaCy that knows three names."""
    spacy = pytest.importorskip("spacy", reason="spaCy is not installed: pip install 'tripel[spacy]'")
    pipeline = spacy.blank("en")
    patterns = [{"label": "Disease", "pattern": "MS"}, {"label": "Disease", "pattern": [{"LOWER": "fever"}]}]
    pipeline.add_pipe("entity_ruler").add_patterns([*patterns, {"label": "Chemical", "pattern": "aspirin"}])
    pipeline.to_disk(folder / "ruler")
    return f"spacy_pipeline model={folder / 'ruler'}"


def flair(folder: Path) -> str:
    """A tagger of Flair that learnt nothing."""
    from flair_taggers import kept

    return f"flair model={kept(folder / 'tagger')} label=ner"


def token_classifier(folder: Path) -> str:
    """A classifier of Hugging Face that knows three diseases and a drug."""
    import token_classifiers

    return f"token_classifier model={token_classifiers.kept(folder / 'classifier')}"


MADE: dict[str, Callable[[Path], str]] = {
    "gold": lambda folder: "gold",
    "dictionary": lambda folder: "dictionary",
    "dictionary fuzzy": lambda folder: "dictionary fuzzy=true",
    "spacy_pipeline": ruler,
    "flair": flair,
    "token_classifier": token_classifier,
}
FINDERS = sorted({*MADE, *names("recognizers")} - {"gold"})


def made(name: str, folder: Path) -> Recognizer:
    if name not in MADE:
        pytest.skip(f"{name} needs training: it has tests of its own")
    found = recognizer_of(MADE[name](folder), SimpleNamespace(kb=KB))  # type: ignore[arg-type]
    assert found is not None
    return found


def test_all_recognizers_are_here() -> None:
    assert {"gold", "dictionary", "spacy_pipeline", "flair", "token_classifier"} <= set(names("recognizers"))
    assert all(issubclass(component("recognizers", name), Recognizer) for name in names("recognizers"))


@pytest.mark.parametrize("name", FINDERS)
def test_texts_stay_and_mentions_are_their_slices(tmp_path: Path, name: str) -> None:
    recognizer = made(name, tmp_path)
    found = recognizer.recognize(DOCUMENTS)
    for document, its in zip(DOCUMENTS, found, strict=True):
        same = (document.id, document.text, document.title_end)
        assert (its.document.id, its.document.text, its.document.title_end) == same
        assert all(document.text[one.start : one.end] == one.text for one in its.document.mentions)
        assert len(its.confidence) == len(its.document.mentions) and all(0 <= one <= 1 for one in its.confidence)
        places = [(one.start, one.end, one.type) for one in its.document.mentions]
        assert places == sorted(places)
        assert not set(document.mentions) & set(its.document.mentions), "its own mentions are left out"
    assert found == recognizer.recognize(DOCUMENTS)
    assert [its for document in DOCUMENTS[:3] for its in recognizer.recognize([document])] == found[:3]
    assert recognizer.recognize([]) == []


@pytest.mark.parametrize("name", ["dictionary", "dictionary fuzzy", "spacy_pipeline"])
def test_what_is_known_is_found_where_it_stands(tmp_path: Path, name: str) -> None:
    [_, found, *_] = made(name, tmp_path).recognize(DOCUMENTS)
    assert found.document.text == TEXTS[2]
    texts = [one.text.casefold() for one in found.document.mentions]
    assert texts[-2:] == ["ms", "aspirin"] and "fever" in texts[0]
    assert [one.type for one in found.document.mentions] == ["Disease", "Disease", "Chemical"]
    assert found.confidence == (1, 1, 1)


def test_gold_gives_what_documents_have() -> None:
    gold = recognizer_of("gold", SimpleNamespace(kb=KB))  # type: ignore[arg-type]
    assert gold is not None
    assert [its.document for its in gold.recognize(DOCUMENTS)] == DOCUMENTS


def test_found_is_put_in_order_with_its_confidence() -> None:
    document = Document(id="1", text="a b c")
    found = Found.of(document, [Span(4, 5, "", 0.1), Span(0, 3, "", 0.2), Span(0, 1, "", 0.3)])
    assert [(one.text, sure) for one, sure in zip(found.document.mentions, found.confidence, strict=True)] == [
        ("a", 0.3),
        ("a b", 0.2),
        ("c", 0.1),
    ]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("dictionary fuzzy=perhaps", r"recognizer\.fuzzy: .* found 'perhaps'"),
        ("dictionary fuzy=true", r"recognizer\.fuzy is not a setting; did you mean fuzzy"),
        ("dictionry", "did you mean dictionary"),
        ("spacy_pipeline", r"recognizer\.model: Field required"),
        ("flair", r"recognizer\.model: Field required"),
    ],
)
def test_a_wrong_setting_is_named(said: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        recognizer_of(said, SimpleNamespace(kb=KB))  # type: ignore[arg-type]


def test_settings_of_lists_and_maps_are_read_from_words() -> None:
    settings = {"model": "m", "only": ["A", "B"], "labels": {"A": "Disease"}}
    chosen = choose("recognizers", {"name": "spacy_pipeline", **settings}, where="recognizer")
    assert (chosen.settings.only, chosen.settings.labels) == (("A", "B"), {"A": "Disease"})
