"""The page of linked documents: everything is on it, nothing is merged away, what it shows is escaped, it needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from documents_of_all_kinds import documents
from hypothesis import HealthCheck, given, settings

from tripel.documents import Candidate, Decision, Document, Link, Linked, Mention
from tripel.linking.page import LANES, TINTS, Page, lanes, pieces, rows_of
from tripel.linking.records import Tally

slow = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
VOID = {"meta", "br"}


def link(mention: Mention, decision: Decision = "linked", *candidates: Candidate, why: str = "why") -> Link:
    its = candidates or (
        Candidate("D1", 0.9, "Fever", "hot", "MSH", 0.75),
        Candidate("D2", 0.1, "Cold", "Cold", "", 0.2),
    )
    return Link(mention, its, its[0].entity if decision == "linked" else None, decision, why)


def at(text: str, words: str, **more: object) -> Mention:
    start = text.index(words)
    return Mention(start=start, end=start + len(words), text=words, **more)  # type: ignore[arg-type]


def linked(text: str, *links: Link, id: str = "17", title_end: int = 0) -> Linked:
    return Linked(Document(id=id, text=text, title_end=title_end, mentions=tuple(one.mention for one in links)), links)


def page(*shown: Linked, vocabulary: str = "", beyond: int = 0) -> str:
    made = Page("Linked: <notes>", Tally(vocabulary), beyond=beyond)
    for one in made.tally.count(shown):
        made.show(one)
    return made.html()


class Read(HTMLParser):
    """What is in a page: texts of documents without labels, ids, links, labels, and whether all elements are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.labels: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.tags: Counter[str] = Counter()
        self.names: set[str] = set()
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        its = {name: value or "" for name, value in attrs}
        self.tags[tag] += 1
        self.names |= its.keys()
        self.ids += [its["id"]] if "id" in its else []
        self.targets += [its["href"]] if "href" in its else []
        kind = its.get("class", "").partition(" ")[0]
        if tag not in VOID:
            self.open.append((tag, kind))
        if kind == "text":
            self.texts.append("")
        if tag == "a" and kind == "tag":
            self.labels.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if ("a", "tag") in self.open:
            self.labels[-1] += data
        elif ("p", "text") in self.open:
            self.texts[-1] += data


def test_decisions_are_told_without_colour() -> None:
    text = "hot, cold and <warm>"
    its = linked(
        text,
        link(at(text, "hot", type="Disease")),
        link(at(text, "cold"), "nil", why="probability 0.20, below 0.50"),
        link(at(text, "<warm>"), "filtered", Candidate("D2", 0.1, "<b>Cold</b>", "C")),
    )
    html = page(its)
    read = Read(html)
    assert read.texts == [text]
    assert read.labels == ["1 L D1", "2 N NIL", "3 F filtered"]
    for decision, tint, words in (("linked", 0, "hot"), ("nil", TINTS, "cold"), ("filtered", TINTS, "&lt;warm&gt;")):
        assert f'<span class="m {decision} l0 c{tint}">{words}</span>' in html
    assert "probability 0.20, below 0.50" in html and "&lt;b&gt;Cold&lt;/b&gt;" in html and "<b>" not in html
    assert "1 document, 3 mentions: 1 linked, 1 NIL, 1 filtered." in html


def test_all_of_a_mention_is_there() -> None:
    text = "The MS lesions"
    mention = at(text, "MS", type="Disease", long_form="multiple sclerosis")
    candidates = (
        Candidate("D1", 0.9, "Fever", "hot", "MSH", 0.75, ids=("OMIM:1", "OMIM:2")),
        Candidate("D2", 0.125, "Cold"),
    )
    made = Link(mention, candidates, "D1", "linked", "probability 0.75, at least 0.50", 0.625)
    html = page(linked(text, made), vocabulary="OMIM")
    for said in (
        "(multiple sclerosis)", "[4, 6)", "[1, 2)", ">Disease<", "0.62", "OMIM:1 OMIM:2", ">Fever<", "0.750", "at least 0.50",
        ">hot<", ">MSH<", "0.900", "0.125", ">D2<", ">Cold<", "2 candidates of 1, <bdi>MS</bdi>", "Ids are those of OMIM",
    ):  # fmt: skip
        assert said in html, said
    bare = page(linked(text, link(mention, "nil")))
    assert "found with" not in bare and "OMIM" not in bare
    scores = page(linked(text, link(mention, "linked", Candidate("D1", 0.5, "Fever", "Fever"))))
    assert '<th scope="col" class="number">probability</th>' not in scores and "1 candidate of 1" in scores


def test_mentions_within_and_across_others_are_all_shown() -> None:
    text = "heparin-induced thrombocytopenia and ovarian cancer"
    links = [
        link(at(text, "heparin")),
        link(at(text, "heparin-induced thrombocytopenia")),
        link(at(text, "induced thrombocytopenia and")),
        link(at(text, "thrombocytopenia and ovarian cancer", parts=((16, 32), (45, 51)))),
    ]
    its = linked(text, *links)
    assert lanes(its.document.mentions) == [0, 1, 0, 2]
    html = page(its)
    read = Read(html)
    assert read.texts == [text]
    assert read.labels == ["1 L D1", "2 L D1", "3 L D1", "4 L D1"]
    rows = rows_of(its, {})
    found = {piece.text: sorted(row.number for row in piece.rows) for piece in pieces(its.document, rows)}
    assert found == {
        "heparin": [1, 2], "-": [2], "induced ": [2, 3], "thrombocytopenia": [2, 3, 4], " and": [3], " ovarian ": [],
        "cancer": [4],
    }  # fmt: skip
    through = {
        piece.text: [row.number for row in piece.through] for piece in pieces(its.document, rows) if piece.ending
    }
    assert through == {"heparin": [2], "thrombocytopenia": [3], " and": [], "cancer": []}


@slow
@given(made=documents())
def test_nothing_is_lost_and_lines_do_not_cross(made: list[Document]) -> None:
    shown = [linked(one.text, *map(link, one.mentions), id=one.id, title_end=one.title_end) for one in made]
    for one in shown:
        mentions, rows = one.document.mentions, rows_of(one, {})
        cut = list(pieces(one.document, rows))
        assert "".join(piece.text for piece in cut) == one.document.text
        start = 0
        for piece in cut:
            end = start + len(piece.text)
            spans = [(m, m.parts or ((m.start, m.end),)) for m in mentions]
            over = [n for n, (_, its) in enumerate(spans, 1) if any(a <= start and end <= b for a, b in its)]
            assert sorted(row.number for row in piece.rows) == over
            assert sorted(row.number for row in piece.ending) == [
                n for n, (m, _) in enumerate(spans, 1) if m.end == end
            ]
            start = end
        lane = lanes(mentions)
        for n, this in enumerate(mentions):
            for m, other in enumerate(mentions[:n]):
                assert lane[n] != lane[m] or not (this.start < other.end and other.start < this.end)
    read = Read(page(*shown))
    assert [_seen(text) for text in read.texts] == [_seen(one.text) for one in made]
    assert len(read.labels) == sum(len(one.mentions) for one in made)
    assert len(set(read.ids)) == len(read.ids)
    assert {target.removeprefix("#") for target in read.targets} <= set(read.ids)
    assert read.tags.keys() & {"script", "link", "img", "iframe", "object", "form", "base"} == set()
    assert not any(name.startswith("on") or name in ("src", "style", "action") for name in read.names)


def _seen(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def test_a_browser_may_apply_its_style_and_nothing_else() -> None:
    html = page(linked("hot", link(at("hot", "hot"))))
    style = re.search("<style>(.*?)</style>", html, re.DOTALL)
    policy = re.search('Content-Security-Policy" content="(.*?)"', html)
    assert style and policy
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1].replace("&#39;", "'") == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style[1] and "@import" not in style[1] and "http" not in html.replace("http-equiv", "")


def contrast(one: str, other: str) -> float:
    """(lighter + 0.05) / (darker + 0.05), as WCAG has it."""

    def luminance(colour: str) -> float:
        whole = colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])
        parts = [int(whole[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_colours_are_told_apart() -> None:
    """Text at 4.5, lines at 3, in the light and in the dark."""
    style = page()
    schemes = [
        dict(re.findall(r"--([\w]+): (#\w{3,6})\b", part)) for part in re.findall(r":root {(.*?)}", style, re.DOTALL)
    ]
    light, dark = schemes[0], schemes[0] | schemes[1]
    assert light["page"] != dark["page"]
    for its in (light, dark):
        tints = [its[f"c{tint}"] for tint in range(TINTS)]
        assert all(contrast(its["ink"], ground) >= 4.5 for ground in (its["page"], *tints))
        assert all(contrast(its[name], its["page"]) >= 4.5 for name in ("quiet", "link"))
        assert all(contrast(its["line"], ground) >= 3 for ground in [its["page"]])
    assert contrast("#000", "#ffffff") == pytest.approx(21)


def test_types_are_counted_and_tinted() -> None:
    text = "abcdefghijkl"
    links = [link(at(text, letter, type=f"T{letter}")) for letter in text] + [link(at(text, "a"), "nil")]
    html = page(linked(text, *links))
    for number, letter in enumerate(text):
        assert f'<span class="c{min(number, TINTS)}">T{letter}</span>' in html
    assert re.search(r">no type</span></th>(<td class=\"number\">\d</td>){4}", html)
    deep = linked("x" * 20, *(link(Mention(start=0, end=end, text="x" * end)) for end in range(1, 21)))
    assert max(row.lane for row in rows_of(deep, {})) == LANES - 1 and Read(page(deep)).texts == ["x" * 20]


def test_what_is_not_shown_is_said() -> None:
    assert "1,234 more documents are not on this page" in page(linked("x"), beyond=1234)
    html = page(linked("x"), linked("y", id="18"))
    assert "not on this page" not in html and html.count("No mentions.") == 2 and "Go to one of 2 documents" in html
    assert "Linked: &lt;notes&gt;" in html


def test_texts_of_any_direction() -> None:
    html = page(linked("חום גבוה", link(at("חום גבוה", "חום"))))
    assert '<p class="text n1" dir="auto" lang="und">' in html and 'dir="ltr" id="d1t1"' in html
    assert '<html lang="en">' in html
