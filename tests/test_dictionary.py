"""The dictionary against loops over all slices of a text; what its rule lets through; what is nearly a name."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tripel.documents import Document
from tripel.knowledge import Entity, KnowledgeBase
from tripel.recognizers.base import Span
from tripel.recognizers.dictionary import Dictionary, longest
from tripel.recognizers.reading import cased, fold, folded


def kb(*names: str, types: tuple[str, ...] = ("Disease",)) -> KnowledgeBase:
    return KnowledgeBase.of([Entity(id=f"D{n}", name=name, types=types) for n, name in enumerate(names)])


def spans(its: KnowledgeBase, text: str, **settings: object) -> list[tuple[str, float]]:
    """What is found: its text and its confidence."""
    found = Dictionary(Dictionary.Config(**settings), its).recognize([Document(id="1", text=text)])[0]  # type: ignore[arg-type]
    return [(one.text, round(sure, 4)) for one, sure in zip(found.document.mentions, found.confidence, strict=True)]


def texts(its: KnowledgeBase, text: str, **settings: object) -> list[str]:
    return [one for one, _ in spans(its, text, **settings)]


# Folding


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sjögren\u2019s", "sjogren's"),
        ("Sjo\u0308gren's", "sjogren's"),
        ("ﬁbrosis", "fibrosis"),
        ("STRASSE Straße", "strasse strasse"),
        ("İ", "i"),
        ("Ca²⁺", "ca2⁺"),
        ("β\u2212blocker \u2013 x", "β-blocker - x"),
        ("a\u00a0 \n\tb\u200bc", "a b c"),
        ("as\u00adpi\u2060rin", "aspirin"),
        ("\0\ud800", "\ufffd\ufffd"),
        ("Aspirin™", "aspirin™"),
        ("が か", "か\u3099 か"),
    ],
)
def test_folding(text: str, expected: str) -> None:
    assert fold(text).text == expected
    assert folded(text) == expected


def test_the_way_back() -> None:
    its = fold("e\u0301 ßﬁ")
    assert its.text == "e ssfi"
    assert its.span(0, 1) == (0, 2), "an accent belongs to its letter"
    assert its.span(2, 4) == (3, 4)
    assert its.span(2, 6) == (3, 5)
    assert its.edge_P.tolist() == [True, True, True, False, False, False, True], "ß is not cut"


@given(st.text())
@example("\u0301a")
@example(" \u00ad a")
def test_a_slice_folds_as_within_its_text(text: str) -> None:
    its = fold(text)
    places = [place for place, edge in enumerate(its.edge_P) if edge]
    for first, end in pairwise(places):
        begin, last = its.span(first, end)
        assert 0 <= begin < last <= len(text)
        assert folded(text[begin:last]) == its.text[first:end].strip()


@given(st.text())
def test_folding_again_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    assert folded(cased(text)) == folded(text)


# All that is found, against loops


ACCENT = "\u0301"


def cuts(text: str, at: int) -> bool:
    """Whether a place lies within a word, or between a character and its accent."""
    before, after = text[:at].rstrip(ACCENT)[-1:], text[at : at + 1]
    return after == ACCENT or (before.isalnum() and after.isalnum())


def by_loops(names: list[str], text: str) -> list[tuple[int, int]]:
    """Every slice that is a name and cuts no word; longest first."""
    wanted = {folded(name) for name in names}
    found = []
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            inner = text[start:end].rstrip(ACCENT)
            whole = inner and inner[0] not in " " + ACCENT and inner[-1] != " "
            if whole and not cuts(text, start) and not cuts(text, end) and folded(text[start:end]) in wanted:
                found.append((start, end))
    kept: list[tuple[int, int]] = []
    for start, end in sorted(found, key=lambda one: (one[0] - one[1], one[0])):
        if all(end <= first or last <= start for first, last in kept):
            kept.append((start, end))
    return sorted(kept)


WORDS = st.text("abß\u0301é-( ", min_size=4, max_size=9).filter(
    lambda name: len(folded(name)) > 3 and name.strip() == name
)


@given(st.lists(WORDS, min_size=1, max_size=6), st.data())
def test_exactly_what_loops_find(names: list[str], data: st.DataObject) -> None:
    wanted = [name for name in names if any(map(str.isalpha, folded(name)))]
    if not wanted:
        return
    pieces = data.draw(
        st.lists(st.sampled_from([*names, "x", " ", "  ", ". ", "\U0001f469", "-", "\u0301", "א"]), max_size=8)
    )
    text = "".join(pieces)
    found = Dictionary(Dictionary.Config(short=0), kb(*wanted)).recognize([Document(id="1", text=text)])[0]
    assert [(one.start, one.end) for one in found.document.mentions] == by_loops(wanted, text)


@given(st.text(), st.text())
@example("\ud800\0", "\ufe0f")
def test_a_name_is_found_wherever_words_end_beside_it(before: str, after: str) -> None:
    name, its = "Déjà-vu ﬁbrosis", kb("deja-vu fibrosis")
    text = f"{before} .{name}. {after}"
    found = Dictionary(Dictionary.Config(fuzzy=True), its).recognize([Document(id="1", text=text)])[0].document.mentions
    assert (len(before) + 2, len(before) + 2 + len(name)) in [(one.start, one.end) for one in found]


def test_longest_first_then_surest_then_first() -> None:
    one, other = Span(0, 4, "", 0.9), Span(3, 7, "", 1.0)
    assert longest([one, other]) == [other]
    assert longest([one, Span(3, 8, "", 0.5)]) == [Span(3, 8, "", 0.5)]
    assert longest([Span(3, 7, "", 0.9), one]) == [one]
    assert longest([Span(4, 8, "", 1.0), Span(0, 9, "", 0.1), Span(9, 10, "", 0.2)]) == [
        Span(0, 9, "", 0.1),
        Span(9, 10, "", 0.2),
    ]


# Which names count, and how they must be written


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("ALL", "Not all had ALL.", ["ALL"]),
        ("MS", "ms Ms MS", ["MS"]),
        ("ms", "ms Ms MS", ["ms", "MS"]),
        ("pH", "ph pH PH", ["pH"]),
        ("MEN1", "men1 MEN1", ["MEN1"]),
        ("Pain", "pain Pain PAIN", ["pain", "Pain", "PAIN"]),
        ("NSAIDs", "nsaids", ["nsaids"]),
        ("was", "It was Was", []),
        ("IT", "IT or it", ["IT"]),
        ("whereupon", "Whereupon", []),
        ("Impact", "the impact of", ["impact"]),
        ("E", "E coli", []),
        ("42", "42", ["42"][:0]),
        ("(2)", "(2)", []),
        ("cold", "scold colds cold. cold-like", ["cold", "cold"]),
        ("Heart  attack", "heart\n attack", ["heart\n attack"]),
    ],
)
def test_how_a_name_must_be_written(name: str, text: str, found: list[str]) -> None:
    assert texts(kb(name, "another name"), text) == found


def test_settings_of_the_rule() -> None:
    assert texts(kb("MS", "fever"), "MS, fever", shortest=3) == ["fever"]
    assert texts(kb("MS"), "ms", short=0) == ["ms"]
    assert texts(kb("Impact", "fever"), "the impact of fever", stop=("impact",)) == ["fever"]
    assert texts(kb("IMPACT"), "impact of IMPACT", stop=("Impact",)) == ["IMPACT"]


def test_a_case_that_any_name_of_these_letters_allows_is_allowed() -> None:
    assert texts(kb("PAIN", "Pain"), "pain") == ["pain"]


def test_the_longest_name_wins() -> None:
    its = kb("lung", "lung cancer", "cancer of the breast", "breast")
    assert texts(its, "Lung cancer of the breast") == ["cancer of the breast", "Lung"][::-1]


# Types


def test_types_filter_and_are_given() -> None:
    its = KnowledgeBase.of(
        [
            Entity(id="1", name="cold", types=("Finding", "Disease")),
            Entity(id="2", name="aspirin", types=("Chemical",)),
            Entity(id="3", name="lead", types=("Chemical",)),
            Entity(id="4", name="Lead", types=("Device",)),
            Entity(id="5", name="untyped"),
        ]
    )

    def found(**settings: object) -> list[tuple[str, str]]:
        dictionary = Dictionary(Dictionary.Config(**settings), its)  # type: ignore[arg-type]
        [one] = dictionary.recognize([Document(id="1", text="cold aspirin lead untyped")])
        return [(mention.text, mention.type) for mention in one.document.mentions]

    assert found() == [("cold", "Finding"), ("aspirin", "Chemical"), ("lead", ""), ("untyped", "")]
    assert found(types=("Disease",)) == [("cold", "Disease")]
    assert found(types=("Chemical", "Disease")) == [("cold", "Disease"), ("aspirin", "Chemical"), ("lead", "Chemical")]
    with pytest.raises(ValueError, match="no entity has types Diseas; `tripel kb stats` lists them"):
        found(types=("Diseas",))


def test_a_dictionary_that_finds_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="the dictionary is empty: of 1 names its settings leave none"):
        Dictionary(Dictionary.Config(), kb("1"))
    with pytest.raises(ValueError, match="of 0 names"):
        Dictionary(Dictionary.Config(), KnowledgeBase.of([]))
    with pytest.raises(ValueError, match=r"expected 0\.5 or more, and less than 1"):
        Dictionary(Dictionary.Config(similarity=1.0), kb("fever"))


# Nearly names


@pytest.mark.parametrize(
    ("name", "text", "sure"),
    [
        ("methotrexate", "methotrexat", 1 - 1 / 12),
        ("methotrexate", "methotrexxate", 1 - 1 / 12),
        ("methotrexate", "methotrexaet", 1 - 1 / 12),
        ("methotrexate", "Mèthotrexite", 1 - 1 / 12),
        ("methotrexate", "nethotrexate", None),  # another first letter
        ("methotrexate", "methotrxat", None),  # two letters
        ("cerebral hemorrhages", "cerebrall haemorrhages", 1 - 2 / 20),
        ("beta blocker treatment", "beta-blocker treatment", 1 - 1 / 22),
        ("non-small cell carcinoma", "non small cell carcinoma", 1 - 1 / 24),
        ("coinfections", "co-infections", 1 - 1 / 12),
        ("interleukin 10", "interleukin 11", None),  # digits stand for themselves
        ("CYP2D6 inhibitor", "CYP2D7 inhibitor", None),
        ("tumor", "tumour", None),  # one letter of five
    ],
)
def test_letters_apart(name: str, text: str, sure: float | None) -> None:
    its = kb(name)
    assert texts(its, text) == []
    expected = [] if sure is None else [(text, round(sure, 4))]
    assert spans(its, f"({text})", fuzzy=True) == expected


def test_a_word_that_names_know_is_no_misspelling() -> None:
    its = kb("infections", "injections of insulin")
    assert texts(its, "injections", fuzzy=True) == []
    assert texts(its, "infectoins", fuzzy=True) == ["infectoins"]


def test_what_is_not_looked_for_is_not_nearly_found() -> None:
    its = kb("methotrexate", "fever")
    assert texts(its, "methotrexat", fuzzy=True, stop=("methotrexate",)) == []


def test_similarity_says_how_many_letters() -> None:
    its = kb("tumor growth")
    assert spans(its, "tumour growht", fuzzy=True) == []
    assert spans(its, "tumour growht", fuzzy=True, similarity=0.8) == [("tumour growht", round(1 - 2 / 12, 4))]


def test_what_is_exact_is_surer_than_what_is_near() -> None:
    its = kb("adenocarcinoma", "adenocarcinomas")
    assert spans(its, "adenocarcinomas", fuzzy=True) == [("adenocarcinomas", 1.0)]


@given(st.sampled_from(["methotrexate", "hemorrhagic pancreatitis", "cerebral infarction"]), st.data())
def test_any_one_letter_but_the_first(name: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(name) - 2).filter(lambda at: " " not in name[at - 1 : at + 2]))
    changed = name[:place] + data.draw(st.sampled_from(["", "q", name[place] + "q"])) + name[place + 1 :]
    assert spans(kb(name), changed, fuzzy=True) == [(changed, round(1 - 1 / len(name), 4))]
