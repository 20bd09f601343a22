"""From YAML and words to checked settings, or one sentence; every recipe that is shipped can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tripel import config, find
from tripel.files import data_folder
from tripel.tagging.recipe import TaggerRecipe
from tripel.tasks import recipe_of
from tripel.training.recipe import Recipe

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
WORDS = {"medmentions_le_nguyen": ["terminologies.0.path=somewhere"]}  # UMLS lies where its owner put it


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_recipes_read_and_come_back(path: Path, tmp_path: Path) -> None:
    values = config.load(path, WORDS.get(path.stem, []))
    recipe = recipe_of(values)
    kind = type(recipe)
    assert kind is {"bc5cdr_tagger": TaggerRecipe, "medmentions_tagger": TaggerRecipe}.get(path.stem, kind)
    config.save(tmp_path / "config.yaml", recipe.dump())
    again = kind.read(config.load(tmp_path / "config.yaml"))
    assert again.dump() == recipe.dump()


def test_all_are_there() -> None:
    assert {path.stem for path in CONFIGS} == {
        "sample", "bc5cdr_fast", "bc5cdr_le_nguyen", "medmentions_fast", "medmentions_le_nguyen", "mesh_names_ranking",
        "mesh_names_triplet", "mesh_self_alignment", "nemo_toy", "umls_self_alignment", "baseline_characters",
        "baseline_words", "baseline_bm25", "baseline_untrained", "baseline_self_aligned", "baseline_bi_encoder", "bc5cdr_tagger",
        "medmentions_tagger", "bc5cdr_joint", "baseline_mixed",
    }  # fmt: skip


@pytest.mark.parametrize("kind", find.KINDS)
def test_every_component_is_found_by_its_name(kind: str) -> None:
    names = find.names(kind)
    assert names
    for name in names:
        assert find.component(kind, name).__name__ == find.camel(name)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trainer.lr=fast"], "trainer.lr: Input should be a valid number"),
        (["trainer.learning_rate=1"], "trainer.learning_rate is not a setting"),
        (["trainr.lr=1"], "trainr is not a section; did you mean trainer"),
        (["objective.name=prototype_tripet"], "did you mean prototype_triplet"),
        (["terminologies=[]"], "terminologies: expected a list"),
        (["terminologies.3.name=mesh"], "'3' is not a position in a list of 1"),
        (["encoder.view=sentence"], "encoder.view"),
        (["trainer"], "expected section.key=value"),
    ],
)
def test_faults_are_one_sentence(words: list[str], said: str) -> None:
    path = next(path for path in CONFIGS if path.stem == "sample")
    with pytest.raises(ValueError, match=re.escape(said)) as fault:
        Recipe.read(config.load(path, words))
    assert "\n" not in str(fault.value)


def test_a_dictionary_of_the_answers_is_refused() -> None:
    """What mentions of a split say names its entities, so that split cannot be judged, or chosen on, with it."""
    path = next(path for path in CONFIGS if path.stem == "medmentions_fast")
    for split, train, leaks in (
        ("train", "train", ""),
        ("train+dev", "train", "dev"),
        ("test", "train", "test"),
        ("train+dev", "train+dev", ""),
        ("train", "train+dev", ""),
    ):
        words = [f"terminologies.0.split={split}", f"data.train={train}", "data.watched=0", "whole.weigh=false"]
        if leaks:
            with pytest.raises(ValueError, match=rf"terminologies\.0 .* mentions of {leaks} .*split={train}"):
                Recipe.read(config.load(path, words))
            same = f"terminologies.0.corpus={{name: medmentions, path: {data_folder() / 'medmentions_st21pv' / '.'}}}"
            with pytest.raises(ValueError, match=rf"terminologies\.0 .* mentions of {leaks}"):
                Recipe.read(config.load(path, [*words, same]))
            words.append("terminologies.0.corpus={name: bc5cdr}")  # of another corpus it is a dictionary like any
        Recipe.read(config.load(path, words))


def test_what_learns_by_one_closeness_and_finds_by_another_is_refused() -> None:
    path = next(path for path in CONFIGS if path.stem == "sample")
    words = ["objective={name: prototype_triplet}"]
    with pytest.raises(ValueError, match=r"learns by euclidean and encoder\.similarity is cosine"):
        Recipe.read(config.load(path, words))
    Recipe.read(config.load(path, [*words, "trainer.epochs=0"]))
    Recipe.read(config.load(path, ["objective={name: prototype_triplet, distance: cosine}"]))


def test_yaml_reads_an_exponent_as_the_number_it_is() -> None:
    path = next(path for path in CONFIGS if path.stem == "sample")
    assert Recipe.read(config.load(path, ["trainer.lr=1e-5"])).trainer.lr == 1e-5
