"""A token classifier of Hugging Face that was trained elsewhere: a folder, or a name on the hub.

Weights are read as safetensors alone. Of each word the first token counts, which is the one most such models are trained on;
words are those of our own tagger, and so is what makes mentions of labels.

Shapes: W words, F labels of the model, L our labels, G windows at once, T tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from safetensors import SafetensorError
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForTokenClassification, AutoTokenizer

from tripel.documents import Document, batched
from tripel.encoding import hub
from tripel.encoding.encoder import CPU_GROUP, GPU_GROUP
from tripel.encoding.windows import groups, windows
from tripel.encoding.words import Words
from tripel.knowledge import KnowledgeBase
from tripel.recognizers.base import Found, Recognizer, Span
from tripel.recognizers.labelling import Labels
from tripel.tagging.tags import OUT, Scheme, Tags

Real = NDArray[np.float64]

PLACED = re.compile("([BILUES])(?:[-_](.+))?", re.DOTALL)  # a label that says where in a mention a word stands
CALLED = {"U": "S", "L": "E"}  # of BILOU, as BIOES says it
INSTEAD = {"B": "BIES", "I": "IBES", "E": "EIBS", "S": "SBIE"}  # the nearest that there is, of one type
AT_ONCE = 100_000  # characters of documents that are read together
LONGEST, SHORTEST = 512, 8  # tokens of a window: no more even where a model reads more, and no fewer
BORROWED = (
    1 - 1e-6
)  # of a label's probability has one that stands in for it, so that a mention is rather longer than two


class TokenClassifier(Recognizer):
    """Finds what it learnt to find. The confidence of a mention is the probability of its labels together."""

    @dataclass(frozen=True, kw_only=True)
    class Config(Labels):
        model: str
        """A folder that `save_pretrained` wrote, or a name on the hub."""
        least: Annotated[float, Field(ge=0, le=1)] = 0.0
        """The confidence of a span below which it is left out."""

    def __init__(self, config: Config, kb: KnowledgeBase) -> None:
        del kb
        self.config = config
        self.tokenizer, self.model = _loaded(config.model)
        self.length = _places(self.tokenizer, self.model)
        if self.length < SHORTEST:
            raise ValueError(f"{config.model}: it reads {self.length} tokens at once, which are too few")
        said = [str(self.model.config.id2label[number]) for number in range(self.model.config.num_labels)]
        if OUT not in said:
            raise ValueError(f"{config.model}: its labels have no {OUT!r} for words of no mention: {sorted(said)[:5]}")
        self.tags, self.label_L, self.weight_L = _schemed(said)
        config.check(self.tags.types)

    def recognize(self, documents: Sequence[Document]) -> list[Found]:
        """Some documents at a time."""
        return [found for some in batched(documents, characters=AT_ONCE) for found in self._some(some)]

    def _some(self, documents: Sequence[Document]) -> Iterator[Found]:
        words = Words.of(documents, long_forms=False)
        chance_WL = self._read(words)[:, self.label_L] * self.weight_L
        for number, document in enumerate(documents):
            its = words.within(number)
            yield Found.of(document, self._spans(words.start_W[its], words.end_W[its], chance_WL[its]))

    def _spans(self, start_W: Any, end_W: Any, chance_WL: Real) -> Iterator[Span]:
        for span in self.tags.spans(chance_WL):
            if span.confidence >= self.config.least and self.config.wanted(span.type):
                start, end = int(start_W[span.first]), int(end_W[span.last - 1])
                yield Span(start, end, self.config.type(span.type), span.confidence)

    @torch.inference_mode()
    def _read(self, words: Words) -> Real:
        """The probabilities of the model's labels for each word [W, F]."""
        shown = windows(words.passages, self.tokenizer, length=self.length)
        chance_WF = np.zeros((len(shown.window_M), self.model.config.num_labels))
        device = self.model.device
        by_window = np.argsort(shown.window_M, kind="stable")
        starts = np.searchsorted(shown.window_M[by_window], np.arange(len(shown.tokens) + 1))
        for group in groups(shown.tokens, budget=CPU_GROUP if device.type == "cpu" else GPU_GROUP):
            its = [torch.from_numpy(shown.tokens[w]) for w in group]
            ids_GT = pad_sequence(its, batch_first=True, padding_value=self.tokenizer.pad_token_id or 0)
            seen_GT = pad_sequence([torch.ones_like(ids) for ids in its], batch_first=True)
            logits_GTF = self.model(input_ids=ids_GT.to(device), attention_mask=seen_GT.to(device)).logits
            chance_GTF = logits_GTF.float().softmax(dim=-1).double().cpu().numpy()
            for row, w in enumerate(group):
                inside = by_window[starts[w] : starts[w + 1]]
                chance_WF[inside] = chance_GTF[row, shown.first_M[inside]]
        return chance_WF


class Placed(NamedTuple):
    """A label taken apart."""

    place: str
    """B, I, E or S; I where it does not say."""
    type: str


def _schemed(labels: Sequence[str]) -> tuple[Tags, list[int], Real]:
    """The scheme of a model's labels; which of them each of ours is, and how much of its probability that has [L].

    Labels tell a place where all but O do, with types or without; else they are types. A type without B, or without E and S in a
    scheme that has them, begins, ends and stands alone by what it has.
    """
    said = {label: PLACED.fullmatch(label) for label in labels if label != OUT}
    placed = {
        label: Placed(CALLED.get(its[1], its[1]), its[2] or "") if its and all(said.values()) else Placed("I", label)
        for label, its in said.items()
    }
    numbers = {placed[label]: number for number, label in enumerate(labels) if label != OUT}
    scheme: Scheme = "bioes" if any(one.place in "ES" for one in numbers) else "bio"
    tags = Tags(scheme, tuple(sorted({one.type for one in numbers})))
    ours = [Placed(label[0], label[2:]) for label in tags.labels[1:]]
    nearest = [next(one for place in INSTEAD[its.place] if (one := Placed(place, its.type)) in numbers) for its in ours]
    weight_L = np.array([1.0, *(1.0 if one == its else BORROWED for one, its in zip(nearest, ours, strict=True))])
    return tags, [labels.index(OUT), *(numbers[one] for one in nearest)], weight_L


def _places(tokenizer: Any, model: Any) -> int:
    """Tokens that a model reads at once."""
    places = int(getattr(model.config, "max_position_embeddings", LONGEST))
    before = (
        int(getattr(getattr(model.base_model, "embeddings", None), "padding_idx", -1)) + 1
    )  # RoBERTa counts from there
    return min(LONGEST, int(tokenizer.model_max_length), places - before if places > 0 else LONGEST)


def _loaded(model: str) -> tuple[Any, Any]:
    """A tokenizer and a classifier. Raises ValueError in one sentence where they cannot be had."""
    told: dict[str, Any] = {"local_files_only": Path(model).is_dir(), "trust_remote_code": False}
    try:
        with hub.told_offline(model, say="model=FOLDER"), hub.quiet():
            tokenizer = AutoTokenizer.from_pretrained(model, **told)
            classifier, account = AutoModelForTokenClassification.from_pretrained(
                model, use_safetensors=True, output_loading_info=True, **told
            )
    except (OSError, ValueError, RuntimeError, ImportError, SafetensorError) as error:
        said = " ".join(str(error).split())
        raise ValueError(f"{model}: no token classifier with weights as safetensors can be had ({said})") from None
    if account["missing_keys"]:
        raise ValueError(f"{model}: no token classifier; it lacks {', '.join(sorted(account['missing_keys']))}")
    if not tokenizer.is_fast or tokenizer.cls_token_id is None or tokenizer.sep_token_id is None:
        raise ValueError(f"{model}: its tokenizer has no offsets, or puts nothing around a text")
    return tokenizer, classifier.to("cuda" if torch.cuda.is_available() else "cpu").eval()
