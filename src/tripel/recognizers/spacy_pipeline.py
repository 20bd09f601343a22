"""Any pipeline of spaCy that marks entities or groups of spans: a trained one, a ruler, one of another package.

Needs spaCy: pip install 'tripel[spacy]'. spaCy keeps pipelines as msgpack, JSON and NumPy arrays, none of which can hold code;
the one exception are weights of PyTorch within them (transformers), which are pickled: such a pipeline is refused before it is
read. A component that another package brings reads its own files in its own way.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tripel.characters import whole
from tripel.documents import Document
from tripel.find import near
from tripel.knowledge import KnowledgeBase
from tripel.recognizers.base import Found, Recognizer, Span
from tripel.recognizers.labelling import Labels
from tripel.recognizers.optional import imported

WEIGHTS = "model"  # the file of a trained component


class SpacyPipeline(Recognizer):
    """Takes `doc.ents`, or a group of `doc.spans`, with their labels as types; those of a group may overlap."""

    @dataclass(frozen=True, kw_only=True)
    class Config(Labels):
        model: str
        """A folder, or the name of an installed pipeline, such as `en_core_sci_md`."""
        spans: str = ""
        """The group of spans to take, `sc` where a span categoriser was not told otherwise; entities when empty."""

    def __init__(self, config: Config, kb: KnowledgeBase) -> None:
        del kb
        self.config = config
        self.pipeline = _loaded(config.model)
        config.check({label for labels in self.pipeline.pipe_labels.values() for label in labels})
        groups = _groups(self.pipeline)
        if config.spans and groups and config.spans not in groups:
            raise ValueError(f"{config.model}: no group of spans {config.spans!r}; {near(config.spans, groups)}")

    def recognize(self, documents: Sequence[Document]) -> list[Found]:
        """The scores of a span categoriser are the confidence; of other spans it is 1."""
        read = self.pipeline.pipe(whole(document.text) for document in documents)
        return [Found.of(document, self._spans(doc)) for document, doc in zip(documents, read, strict=True)]

    def _spans(self, doc: Any) -> Iterator[Span]:
        group = doc.spans.get(self.config.spans, ()) if self.config.spans else doc.ents
        for span, score in zip(group, _scores(group), strict=True):
            if self.config.wanted(span.label_):
                yield Span(span.start_char, span.end_char, self.config.type(span.label_), score)


def _scores(group: Any) -> list[float]:
    """From 0 to 1 for each span of a group: those of a span categoriser where it set them, else 1."""
    scores = getattr(group, "attrs", {}).get("scores", ())
    return [min(max(float(score), 0.0), 1.0) for score in scores] if len(scores) == len(group) else [1.0] * len(group)


def _loaded(model: str) -> Any:
    """A pipeline that is not trained here. Raises ValueError in one sentence where it cannot be had."""
    spacy = imported("spacy")
    folder = _folder(model)
    if not (folder / "config.cfg").is_file():
        raise ValueError(f"{model}: no pipeline of spaCy (no config.cfg)")
    weights = {*folder.glob(f"*/{WEIGHTS}"), *folder.rglob(WEIGHTS)}  # the first follows links, the second goes deeper
    pickled = sorted({path.parent.name for path in weights if path.is_file() and _pickled(path)})
    if pickled:
        raise ValueError(
            f"{model}: {', '.join(pickled)} is kept as a pickle of PyTorch, and no pickle is loaded here; take a pipeline"
            " without transformers, or annotate documents with it and link the mentions that they have"
        )
    try:
        found = spacy.load(folder)
    except (OSError, ValueError, ImportError) as error:
        raise ValueError(f"{model}: spaCy cannot load it ({' '.join(str(error).split())})") from None
    if not found.pipe_names:
        raise ValueError(f"{model}: a pipeline without components, which finds nothing")
    return found


def _folder(model: str) -> Path:
    """Where a pipeline lies: a folder, or within an installed package, which is imported for what it registers."""
    from spacy import util

    if Path(model).is_dir():
        return Path(model)
    if not util.is_package(model):
        raise ValueError(
            f"{model}: neither a folder nor an installed pipeline; `python -m spacy download` installs those of spaCy"
        )
    try:
        importlib.import_module(model)
        folder = Path(util.get_package_path(model))
        meta = util.get_model_meta(folder)
    except (ImportError, OSError, ValueError) as error:
        raise ValueError(f"{model}: installed, but no pipeline of spaCy ({' '.join(str(error).split())})") from None
    return folder / f"{meta['lang']}_{meta['name']}-{meta['version']}"


def _pickled(path: Path) -> bool:
    """Whether a file of weights holds some that are not thinc's own, but those of PyTorch."""
    import srsly

    try:
        held = srsly.read_msgpack(path)
    except ValueError:
        return False  # not thinc's: what its component makes of it is that package's affair
    return isinstance(held, dict) and any(held.get("shims", ()))


def _groups(pipeline: Any) -> list[str]:
    """The groups of spans that components say they write."""
    parts = [part for _, part in pipeline.pipeline]
    said = {getattr(part, name, None) for part in parts for name in ("key", "spans_key")}
    return sorted(key for key in said if isinstance(key, str))
