"""Documents to try formats on: texts of any characters, mentions that nest, overlap and come in pieces, several ids."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from tripel.documents import Document, Mention

AWKWARD = "aB9 .,-|+;:\t\n\r\x0b\x1c\x85\u2028\u00a0é\u0301\u0323אבשל\u200f🫀👩\u200d🔬<&>\"'\ufeff\x00\ufffe[]{}_%/\\"
SECRET = "Zanzibarine"

awkward = st.text(st.sampled_from(AWKWARD), max_size=40)
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
words = st.lists(
    st.sampled_from(["Hay fever", "fell.", "It", "(β-blockers)", "5 mg", "\n", "é\u0301t", "β"]), max_size=12
)
texts = awkward | anything | words.map(" ".join)
ids = st.text("abcD0123:.", min_size=1, max_size=8).filter(lambda id: id.strip(".") and not id.upper().startswith("M"))
usual = st.from_regex(r"[CD]\d{6,7}|OMIM:\d{3}|x\d", fullmatch=True)
entities = usual | st.sampled_from(
    ["a|b", "a||", "x y", "p+q", "MESH:D000001", "-1", "", " D1", ":a", "a:", "a:b:c", "ID:5", "\x00", "é,"]
)


@st.composite
def mentions(draw: st.DrawFn, text: str) -> Mention:
    """A mention somewhere in a text that is not empty, perhaps in two pieces."""
    start = draw(st.integers(0, len(text) - 1))
    end = draw(st.integers(start + 1, len(text)))
    parts: tuple[tuple[int, int], ...] = ()
    if end - start > 2 and draw(st.booleans()):
        first = draw(st.integers(start + 1, end - 1))
        parts = ((start, first), (draw(st.integers(first, end - 1)), end))
    return Mention(
        start=start,
        end=end,
        text=text[start:end],
        type=draw(st.sampled_from(["", "Disease", "Sign or Symptom", "T047", "a|b"])),
        entities=tuple(draw(st.lists(entities, max_size=3, unique=True))),
        long_form=draw(st.sampled_from(["", "multiple sclerosis"])),
        parts=parts,
    )


@st.composite
def documents(draw: st.DrawFn) -> list[Document]:
    """A few documents, each id once."""
    made = []
    for id in draw(st.lists(ids, min_size=1, max_size=3, unique_by=str.casefold)):
        text = draw(texts)
        found = draw(st.lists(mentions(text), max_size=5)) if text else []
        title_end = draw(st.integers(0, len(text)))
        made.append(Document(id=id, text=text, title_end=title_end).having(mentions=found))
    return made


def ordered(found: list[Document]) -> list[Document]:
    """In the order of their ids, and mentions in one order, whatever they are."""
    return sorted(
        (replace(one, mentions=tuple(sorted(one.mentions, key=_all_of))) for one in found), key=lambda one: one.id
    )


def _all_of(mention: Mention) -> tuple[object, ...]:
    return (mention.start, mention.end, mention.type, mention.entities, mention.long_form, mention.parts)
