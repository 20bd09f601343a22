"""The README of a run folder: a model card in words, with the front matter that the Hugging Face hub reads.

It knows what it is told, and holds no names of the knowledge base and no text of documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import yaml

NOTES = {
    "umls": "The UMLS Metathesaurus is licensed. This folder holds names from it, and its weights were fitted to them:"
    " whoever shares the folder makes sure that the licence, and those of the sources used, allow it, and whoever links"
    " with it needs a UMLS licence of their own (https://uts.nlm.nih.gov).",
    "mesh": "Medical Subject Headings, courtesy of the U.S. National Library of Medicine, which endorses no model.",
    "ctd": "CTD's vocabulary merges MeSH with names from OMIM; CTD asks to be cited wherever its data is used.",
    "sample": "Names of the sample are from Medical Subject Headings, courtesy of the U.S. National Library of Medicine.",
}
PUBLIC = ("mesh", "ctd", "sample")  # every other terminology may be licensed
OF_A_FILE = (
    "Its names come from a file of pairs: the terms of the file's source apply to them and to what is fitted to them."
)
Kind = Literal["linker", "tagger and linker", "tagger", "names"]
WHAT: dict[Kind, str] = {
    "linker": "A linker: given a text and the places in it that name something, it says which entity of a knowledge base each"
    " place means.",
    "tagger and linker": "A tagger and linker: given a text it finds the places that name something, and says which entity of a"
    " knowledge base each means.",
    "tagger": "A tagger: given a text it finds the places that name something, and of which type each is. A linker says what they"
    " mean.",
    "names": "An encoder of names: those that mean the same lie together, and the nearest name of a knowledge base is the answer."
    " It never saw a text, and a linker can begin with it.",
}
BY_VECTORS = " An encoder puts mentions and entities into one space; the nearest entity is the answer."
BY_SPELLING = " Mentions and names are compared as they are spelt, and nothing was learnt."
COMMANDS: dict[Kind, str] = {
    "linker": 'tripel link RUN "The patient was given [[aspirin]]."',
    "tagger and linker": 'tripel link RUN "The patient was given aspirin."',
    "tagger": 'tripel link LINKER --recognizer RUN "The patient was given aspirin."',
    "names": 'tripel index query RUN "aspirin"',
}
LINKING = ("linker", "tagger and linker")
TAGS = ("entity-linking", "biomedical", "metric-learning", "tripel")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a card tells of a run."""

    name: str
    base: str
    """The encoder that training began with."""
    hub_base: str = ""
    """Its name on the Hugging Face hub, where it has one."""
    objective: str
    trained_on: str
    """Corpus, splits and counts, in words; empty where nothing was learnt."""
    judged_on: str
    """Corpus, split and counts, in words; empty where nothing was judged."""
    terminologies: tuple[str, ...]
    """Names of the components that read the knowledge base; none where it is that of a file of pairs."""
    knowledge_base: str
    """Release, filters and counts, in words; empty where there is none."""
    kind: Kind = "linker"
    lexical: bool = False
    """A linker that compares names as they are spelt."""
    calibrated: bool = False
    """A linker whose links have probabilities, so that it says NIL by itself."""
    languages: tuple[str, ...] = ("en",)
    """ISO 639-1 codes."""
    scores: tuple[tuple[str, str], ...] = ()
    """What was measured, and the figure with its N and interval."""
    fingerprints: Mapping[str, str]
    """Of what the run was made from."""
    version: str
    """Of tripel."""


def card(facts: Facts) -> str:
    """The whole card as Markdown."""
    sections = (_front(facts), _what(facts), _uses(facts), _scores(facts), _how(facts), _cite(facts), _made_from(facts))
    return "\n\n".join(sections) + "\n"


def _front(facts: Facts) -> str:
    values = {
        "language": list(facts.languages),
        "license": _licence(facts),
        "library_name": "transformers",
        "pipeline_tag": "feature-extraction",
        "tags": list(TAGS),
    }
    if facts.hub_base:
        values["base_model"] = facts.hub_base
    return f"---\n{yaml.safe_dump(values, sort_keys=False, allow_unicode=True)}---"


def _licence(facts: Facts) -> str:
    """The most restrictive terminology decides."""
    public = facts.terminologies and all(one in PUBLIC for one in facts.terminologies)
    return "apache-2.0" if public else "other"


def _notes(facts: Facts) -> str:
    notes = (NOTES.get(one, f"The terms of its publisher hold for the names of {one}.") for one in facts.terminologies)
    return " ".join(dict.fromkeys(notes)) or OF_A_FILE


def _what(facts: Facts) -> str:
    what = WHAT[facts.kind]
    if facts.kind in LINKING:
        what += BY_SPELLING if facts.lexical else BY_VECTORS
    told = {
        "Began as": "" if facts.lexical else facts.base,
        "Objective": facts.objective if facts.trained_on else "",
        "Trained on": facts.trained_on or "nothing",
        "Knowledge base": f"{facts.knowledge_base}. {_notes(facts)}" if facts.knowledge_base else "",
        "Languages": ", ".join(facts.languages),
    }
    lines = "\n".join(f"- **{label}:** {said}" for label, said in told.items() if said)
    return f"# {facts.name}\n\n{what}\n\n{lines}"


def _uses(facts: Facts) -> str:
    return f"""## Uses

Meant for research and for tools in which a person sees the links: indexing literature, helping curators, searching.

Not meant for decisions about patients, for text in languages other than {", ".join(facts.languages)}, or, without
measuring there first, for kinds of text far from what it was trained on.{_limits(facts)}"""


def _limits(facts: Facts) -> str:
    if facts.kind not in LINKING:
        return ""
    finds = "" if facts.kind == "tagger and linker" else " It does not find mentions."
    sure = (
        " Unless a threshold is set, what is less likely right than wrong, by probabilities that were fitted on dev, is NIL."
        if facts.calibrated
        else " Unless a threshold is set it links to the nearest entity even where the knowledge base has no right one."
    )
    hard = "Short forms with several meanings, and entities that training never showed, are linked less well than the overall"
    return f"{finds}{sure} {hard} figure says."


def _scores(facts: Facts) -> str:
    rows = "\n".join(f"| {_cell(label)} | {_cell(figure)} |" for label, figure in facts.scores)
    table = f"| Measure | Value |\n|---|---|\n{rows}" if rows else "Not judged yet: `tripel evaluate` fills this in."
    judged = f"Judged on {facts.judged_on}.\n\n" if rows else ""
    return f"## Scores\n\n{judged}{table}"


def _how(facts: Facts) -> str:
    return f"""## How to use it

```bash
pip install "tripel=={facts.version}"
{COMMANDS[facts.kind]}   # RUN is the folder of this file
```

`encoder/` is in the layout of Hugging Face: `transformers.AutoModel.from_pretrained("RUN/encoder")` loads it. How
mentions are shown and which tokens are pooled stands beside the weights; `tripel.encoding.encoder.Encoder.load` applies both."""


def _cite(facts: Facts) -> str:
    return f"""## How to cite

```bibtex
@software{{tripel,
  title   = {{tripel: biomedical entity linking by metric learning}},
  version = {{{facts.version}}},
  license = {{Apache-2.0}}
}}
```

Cite the corpus, the knowledge base and the encoder that training began with as well."""


def _made_from(facts: Facts) -> str:
    rows = "\n".join(f"| {_cell(label)} | `{digest}` |" for label, digest in facts.fingerprints.items())
    return f"## Made from\n\n| | SHA-256 |\n|---|---|\n{rows}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
