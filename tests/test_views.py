"""What the encoder is shown: every mention stands where its offsets say, in every view, with long forms or without."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tripel.documents import Document, Mention
from tripel.encoding import views
from tripel.knowledge import Entity


def document(text: str, spans: list[tuple[int, int, str]]) -> Document:
    made = Document(id="1", text=text)
    return made.having(mentions=[Mention(start=s, end=e, text=text[s:e], long_form=long) for s, e, long in spans])


def shown(passages: views.Passages) -> list[str]:
    return [
        passages.texts[p][s:e] for p, s, e in zip(passages.passage_M, passages.start_M, passages.end_M, strict=True)
    ]


MS = document(
    "Mitral stenosis (MS). MS again, MSx.", [(0, 15, ""), (17, 19, "mitral stenosis"), (22, 24, "mitral stenosis")]
)


def test_document_view_shows_the_text_once_with_long_forms_behind_their_mentions() -> None:
    passages = views.passages([(MS, MS.mentions)], view="document", long_forms=True)
    assert passages.texts == ("Mitral stenosis (MS (mitral stenosis)). MS (mitral stenosis) again, MSx.",)
    assert shown(passages) == ["Mitral stenosis", "MS (mitral stenosis)", "MS (mitral stenosis)"]


def test_marked_view_shows_each_mention_in_a_text_of_its_own() -> None:
    passages = views.passages([(MS, MS.mentions[1:2])], view="marked", long_forms=False)
    assert passages.texts == ("Mitral stenosis ([START] MS [END]). MS again, MSx.",)
    assert shown(passages) == ["[START] MS [END]"]


def test_bare_view_shows_the_mention_alone() -> None:
    passages = views.passages([(MS, MS.mentions)], view="bare", long_forms=True)
    assert passages.texts == ("Mitral stenosis", "MS (mitral stenosis)", "MS (mitral stenosis)")


def test_whole_entity_is_types_then_names() -> None:
    entity = Entity(id="D1", name="Fever", synonyms=("Pyrexia",), types=("C23",))
    assert views.whole(entity, separator="[SEP]") == "C23 [SEP] Fever [SEP] Pyrexia"
    assert views.whole(Entity(id="D1", name="Fever"), separator="[SEP]") == "Fever"


def test_described_entity_is_its_longest_name_then_its_definition() -> None:
    entity = Entity(id="D1", name="Fever", synonyms=("Pyrexia",), definition="Heat.")
    assert views.described(entity, separator="[SEP]") == "Pyrexia [SEP] Heat."
    assert views.described(Entity(id="D1", name="Fever", synonyms=("Pyrexia",)), separator="[SEP]") == "Pyrexia"


@given(st.text(min_size=1, max_size=60), st.data())
def test_mentions_stand_where_their_offsets_say(text: str, data: st.DataObject) -> None:
    edge = st.integers(0, len(text))
    pairs = data.draw(st.lists(st.tuples(edge, edge, st.sampled_from(["", "long"])), max_size=6))
    its = document(text, [(min(a, b), max(a, b), long) for a, b, long in pairs if a != b])
    plain = views.passages([(its, its.mentions)], view="document", long_forms=False)
    assert shown(plain) == [mention.text for mention in its.mentions]
    for found, mention in zip(
        shown(views.passages([(its, its.mentions)], view="document", long_forms=True)), its.mentions, strict=True
    ):
        assert found.startswith(mention.text[:1]) and (not mention.long_form or found.endswith("(long)"))


def test_keeping_some_mentions_leaves_out_texts_without_one() -> None:
    passages = views.passages([(MS, MS.mentions)], view="marked", long_forms=False)
    kept = passages[passages.start_M > 0]
    assert len(kept) == 2 and len(kept.texts) == 2
    assert shown(kept) == ["[START] MS [END]", "[START] MS [END]"]
