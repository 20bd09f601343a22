"""Reading candidates beside mentions: what is packed together does not matter, the objective against loops, and a whole run."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import lessons
import numpy as np
import pytest
import tiny
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tripel import formats, tasks
from tripel.corpora import pubtator
from tripel.documents import Document
from tripel.encoding import views
from tripel.encoding.encoder import Encoder
from tripel.encoding.packing import pack
from tripel.encoding.windows import windows
from tripel.files import read_json
from tripel.indexes.base import Hits
from tripel.kb import library
from tripel.knowledge import Entity, KnowledgeBase
from tripel.linking.abbreviations import expand
from tripel.linking.link_files import Goal, link_file
from tripel.linking.ranker import Ranker
from tripel.linking.reranker import DEPTH, Reranker
from tripel.objectives.reranking import Choices, Reranking
from tripel.searching import asking

ROOT = Path(__file__).parents[1]
KB, DOCUMENTS = lessons.KB, lessons.DOCUMENTS
SHOWN = views.passages([(document, document.mentions) for document in DOCUMENTS], view="document", long_forms=False)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return tiny.encoder(tmp_path_factory.mktemp("model"), mention_length=64).eval()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(SHOWN) - 1), st.text("abc (;)", max_size=9)), min_size=1, max_size=40),
    st.integers(1, 60),
)
def test_every_text_is_laid_behind_its_mention(encoder: Encoder, asked: list[tuple[int, str]], room: int) -> None:
    shown = windows(SHOWN, encoder.tokenizer, length=64)
    laid = [np.arange(100, 101 + len(text)) for _, text in asked]
    mention_A = np.array([mention for mention, _ in asked])
    found = pack(shown, laid, mention_A, room=room, places=40)
    for a, (mention, _) in enumerate(asked):
        sequence, first, last = int(found.sequence_A[a]), int(found.first_A[a]), int(found.last_A[a])
        tokens, window = found.tokens[sequence], shown.tokens[shown.window_M[mention]]
        assert np.array_equal(tokens[: len(window)], window) and np.array_equal(tokens[first:last], laid[a])
        behind = np.minimum(shown.last_M[mention] + np.arange(last - first), 39)
        assert np.array_equal(found.positions[sequence][first:last], behind)
        assert len(set(found.owner[sequence][first:last].tolist())) == 1
    for tokens, owner in zip(found.tokens, found.owner, strict=True):
        beside = len(tokens) - int((owner == 0).sum())
        assert beside <= room or owner.max() == 1  # more than fits only where one alone does not
        assert len(owner) == len(tokens)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(SHOWN) - 1), st.sampled_from(KB.names.to_pylist())), min_size=1, max_size=12)
)
def test_a_vector_is_the_same_whatever_else_is_asked(encoder: Encoder, asked: list[tuple[int, str]]) -> None:
    mention_A, texts = np.array([mention for mention, _ in asked]), [text for _, text in asked]
    with torch.inference_mode():
        aside_AD, mention_AD = encoder.beside(SHOWN, texts, mention_A)
        plain_MD = encoder.mentions(SHOWN)
        alone_AD = [encoder.beside(SHOWN, texts[a : a + 1], mention_A[a : a + 1])[0] for a in range(len(asked))]
    assert torch.allclose(aside_AD, torch.cat(alone_AD), atol=1e-5)
    assert torch.allclose(mention_AD, plain_MD[mention_A], atol=1e-5)


def test_a_text_reads_differently_beside_another_mention(encoder: Encoder) -> None:
    with torch.inference_mode():
        here, there = encoder.beside(SHOWN, ["fever", "fever"], np.array([0, 5]))[0]
    assert not torch.allclose(here, there, atol=1e-3)


def test_the_loss_is_that_of_the_loops() -> None:
    torch.manual_seed(1)
    its = Reranking(Reranking.Config(dimensions=3))
    its.weight_D.data = torch.tensor([0.5, -1.0, 2.0])
    its.scale.data = torch.tensor(3.0)
    mention_A = np.array([0, 0, 0, 1, 2, 2])
    batch = Choices(views.bare(["a", "b", "c"]), ("x",) * 6, mention_A)
    mention_AD, aside_AD = torch.randn(6, 3), torch.randn(6, 3)
    score = [
        3 * float(torch.cosine_similarity(m, a, dim=0)) + float(a @ its.weight_D.detach())
        for m, a in zip(mention_AD, aside_AD, strict=True)
    ]
    groups = [[score[a] for a in range(6) if mention_A[a] == g] for g in range(3)]
    expected = sum(math.log(sum(map(math.exp, group))) - group[0] for group in groups) / 3
    loss = its(mention_AD, aside_AD, batch)
    assert loss.value.item() == pytest.approx(expected, abs=1e-5)
    first = sum(group[0] == max(group) for group in groups) / 3
    assert loss.parts["batch_accuracy"] == pytest.approx(first)


def test_a_batch_holds_the_right_name_first_and_nothing_else_that_is_right() -> None:
    lesson = lessons.lesson()
    its = Reranking(Reranking.Config(wrong=3))
    seen = 0
    for batch in its.batches(lesson, size=4, rng=np.random.default_rng(0)):
        assert len(batch) == len(set(batch.mention_A.tolist()))
        for g in range(len(batch)):
            texts = [text for text, owner in zip(batch.entities, batch.mention_A, strict=True) if owner == g]
            passage, start, end = (
                int(it[g]) for it in (batch.mentions.passage_M, batch.mentions.start_M, batch.mentions.end_M)
            )
            said = batch.mentions.texts[passage][start:end]
            gold = {
                row
                for (_, mention), rows in zip(lesson.grouped.mentions, lesson.grouped.gold, strict=True)
                for row in rows
                if mention.text == said
            }
            right = {views.aside(KB, name) for row in gold for name in range(*KB.first_E[row : row + 2])}
            assert texts[0] in right and len(texts) <= 4
            seen += 1
    assert seen == len(lesson.grouped.clusters)


def test_a_candidate_is_shown_by_the_name_that_matched_and_its_preferred_one() -> None:
    names = KB.names.to_pylist()
    assert views.aside(KB, names.index("pyrexia")) == "(pyrexia; fever)"
    assert views.aside(KB, names.index("fever")) == "(fever)"


def test_mentions_that_say_the_same_are_read_once(encoder: Encoder) -> None:
    document = lessons.document(9, [("ms", "D2"), ("fever", "D1"), ("MS", "D3")])
    row_MK = np.array([[1, 2, -1], [0, 5, 1], [2, 1, 0]])
    hits = Hits(row_MK, np.zeros((3, 3), np.float32), np.full((3, 3), -1))
    objective = Reranking(Reranking.Config(dimensions=encoder.dimensions))
    found = Reranker(encoder, objective).scores([document], KB, hits, np.full((3, 3), -1))
    assert found[0, 0] == found[2, 1] and found[0, 1] == found[2, 0]
    assert found[0, 2] == min(found[0, :2])  # -1 is as the lowest
    with torch.inference_mode():
        shown = views.passages([(document, document.mentions[:1])], view="document", long_forms=True)
        aside, mention = encoder.beside(shown, ["(multiple sclerosis)"], np.array([0]))
        alone = float(objective.scores(mention, aside)[0])
    assert found[0, 0] == pytest.approx(alone, abs=1e-4)


def test_candidates_past_the_depth_are_as_the_lowest(encoder: Encoder) -> None:
    document = lessons.document(9, [("ms", "D2")])
    row_MK = np.tile(np.arange(6), (1, 4))[:, : DEPTH + 4]
    hits = Hits(row_MK, np.zeros(row_MK.shape, np.float32), np.full(row_MK.shape, -1))
    found = Reranker(encoder, Reranking(Reranking.Config(dimensions=16))).scores([document], KB, hits, hits.name_MK)
    assert found.shape == row_MK.shape and np.isfinite(found).all()
    assert not Reranker(encoder, Reranking(Reranking.Config(dimensions=16))).scores([], KB, hits, hits.name_MK)[:0].size


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the sample whose encoder reads letters, judged with a re-ranker."""
    folder = tmp_path_factory.mktemp("reranked")
    values = yaml.safe_load((ROOT / "configs" / "sample.yaml").read_text(encoding="utf-8"))
    values["encoder"]["model"] = str(tiny.folder(folder / "model"))
    (folder / "tiny.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    words = [
        "journal.wandb=false",
        "trainer.epochs=0",
        "data.watched=0",
        "whole.weigh=true",
        "data.compare_untrained=false",
    ]
    run = tasks.train(folder / "tiny.yaml", words, output=folder / "run")
    tasks.rerank(run, ["trainer.epochs=1", "trainer.lr=1e-3", "objective.wrong=4"])
    return run


def test_a_run_is_judged_and_links_with_its_reranker(run: Path) -> None:
    weights = read_json(run / "whole.json")
    assert weights["reranker"] and weights["weights"]["reread"] > 0
    assert "prototype_contrastive, and a re-ranker" in (run / "README.md").read_text(encoding="utf-8")
    linker = Ranker.load(run)
    assert linker.reranker is not None
    without = Ranker(linker.encoder, linker.kb, linker.index, linker.weights)
    document = lessons.document(0, [("MS", ""), ("fever", "")])
    assert (linker.search([document], k=5).score_MK != without.search([document], k=5).score_MK).any()


def test_called_again_it_goes_on_and_ends_with_the_same(run: Path, tmp_path: Path) -> None:
    again = tmp_path / "run"
    shutil.copytree(run, again)
    before, metrics = read_json(again / "whole.json"), (again / "reranker" / "metrics.jsonl").read_bytes()
    tasks.rerank(again)
    assert read_json(again / "whole.json") == before and (again / "reranker" / "metrics.jsonl").read_bytes() == metrics


def test_weights_of_another_reranker_are_refused(run: Path, tmp_path: Path) -> None:
    again = tmp_path / "run"
    shutil.copytree(run, again)
    shutil.rmtree(again / "reranker")
    with pytest.raises(ValueError, match=r"whole\.json: chosen for another encoder or re-ranker; run `tripel evaluate"):
        Ranker.load(again)


def test_what_is_the_runs_is_not_said_again(run: Path, tmp_path: Path) -> None:
    again = tmp_path / "run"
    shutil.copytree(run, again)
    shutil.rmtree(again / "reranker")
    with pytest.raises(
        ValueError, match=r"encoder is the run's; of a re-ranker there is objective, negatives, trainer"
    ):
        tasks.rerank(again, ["encoder.dropout=0"])
    config = yaml.safe_load((again / "config.yaml").read_text(encoding="utf-8"))
    config["whole"]["weigh"] = False
    (again / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    with pytest.raises(ValueError, match=r"whole\.weigh is false, and a re-ranker speaks through weights"):
        tasks.rerank(again)


def test_a_trained_linker_learns_a_concept_without_training(run: Path, tmp_path: Path) -> None:
    kb = KnowledgeBase.open(run / "knowledge.arrow")
    library.put(kb, Entity(id="X1", name="dostarlimab")).save(tmp_path / "more.arrow")
    with pytest.raises(ValueError, match="keeps its knowledge base; say --output OTHER, where its linker goes on"):
        asking.update(run, str(tmp_path / "more.arrow"))
    said = asking.update(run, str(tmp_path / "more.arrow"), tmp_path / "linker")
    assert "1 encoded" in said and not (tmp_path / "linker" / "reranker" / "state").exists()
    before, after = Ranker.load(run), Ranker.load(tmp_path / "linker")
    assert after.weights == before.weights and after.reranker is not None
    assert len(after.index.entity_N) == len(before.index.entity_N) + 1
    assert asking.ask(after, ["dostarlimab"], k=1)[0].entity == "X1"
    assert next(tasks.link(tasks.linker_of(tmp_path / "linker"), ["Given [[dostarlimab]] twice."])).startswith(
        "dostarlimab [6, 17)"
    )
    asking.update(tmp_path / "linker", str(run / "knowledge.arrow"))  # and unlearns it
    assert asking.ask(Ranker.load(tmp_path / "linker"), ["dostarlimab"], k=1)[0].entity != "X1"
    with pytest.raises(ValueError, match="is there already"):
        asking.update(run, str(tmp_path / "more.arrow"), tmp_path / "linker")


def test_documents_of_any_format_are_linked_into_any_other(run: Path, tmp_path: Path) -> None:
    source = ROOT / "data" / "sample" / "dev.pubtator"
    said: list[str] = []
    goal = Goal.of(tmp_path / "linked.bioc.xml")
    assert list(link_file(tasks.linker_of(run), source, goal, say=said.append)) == []
    before, after = pubtator.read(source), list(formats.of("bioc_xml").read(tmp_path / "linked.bioc.xml"))
    assert f"{len(before)} documents" in said[0]
    linker = tasks.linker_of(run, k=1)
    for ours, theirs in zip(before, after, strict=True):
        assert isinstance(theirs, Document)
        assert [(m.start, m.end, m.type) for m in theirs.mentions] == [(m.start, m.end, m.type) for m in ours.mentions]
        links = linker.link(expand(ours)).links
        assert [m.entities for m in theirs.mentions] == [(one.entity,) if one.entity else () for one in links]
    with pytest.raises(ValueError, match="is there already"):
        Goal.of(tmp_path / "linked.bioc.xml")
