"""MedCAT's linker by embeddings on a dictionary and texts, for `linking.py`; run by an environment that has MedCAT.

    python3.11 -m venv medcat && medcat/bin/pip install torch medcat medcat-embedding-linker
    python scripts/benchmarks/linking.py runs/fast --medcat medcat/bin/python

Names and mentions with 14 words around them are encoded by the encoder that is given, MedCAT's own choice where that is
all-MiniLM-L6-v2; what it has no name for is compared with all names. It reads `names.csv` and `documents.json` from a
folder, prints one line of JSON: the seconds for linking the mentions that were given and for plain text, what it found there
(start, end, concept), its peak memory, and the concept of each mention that was given. It knows no tripel.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import time
from pathlib import Path
from typing import Any

import pandas
import torch
from medcat.cat import CAT
from medcat.components.types import CoreComponentType
from medcat.config import Config
from medcat.model_creation.cdb_maker import CDBMaker
from medcat.vocab import Vocab
from medcat_embedding_linker.config import EmbeddingLinking
from medcat_embedding_linker.embedding_linker import Linker

BATCH = 256  # names encoded at once: its own 4,096 take gigabytes on a CPU


def main() -> None:
    """Build, encode, link."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", required=True, help="a folder with the weights")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    logging.disable(logging.WARNING)  # a line for each concept whose names are too short for it
    torch.set_num_threads(asked.threads)
    cat = built(asked.folder / "names.csv", encoder=asked.encoder)
    documents = json.loads((asked.folder / "documents.json").read_text(encoding="utf-8"))
    given(cat, documents[:4])
    began = time.perf_counter()
    first = given(cat, documents)
    on_given = time.perf_counter() - began
    began = time.perf_counter()
    found = [cat.get_entities(document["text"])["entities"].values() for document in documents]
    on_plain = time.perf_counter() - began
    spans = [[(one["start"], one["end"], one["cui"]) for one in its] for its in found]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"given": on_given, "plain": on_plain, "found": spans, "memory": memory, "first": first}))


def built(names: Path, *, encoder: str) -> CAT:
    """A concept database of all names, and each of them encoded."""
    config = Config()
    config.general.spell_check = False  # it would need the vocabulary of a trained model
    cdb = CDBMaker(config).prepare_csvs([pandas.read_csv(names, dtype=str, keep_default_na=False)])
    # Its projection is of random weights until it is trained.
    config.components.linking = EmbeddingLinking(
        embedding_model_name=encoder, embedding_batch_size=BATCH, use_projection_layer=False
    )
    config.components.linking.comp_name = Linker.name
    cat = CAT(cdb=cdb, vocab=Vocab(), config=config)
    encode(cat)
    return cat


def encode(cat: CAT) -> None:
    """What its `create_embeddings` makes, names of like length together: the same vectors in a tenth of the time."""
    model: Any = cat._pipeline.get_component(CoreComponentType.linking).context_model
    names = list(cat.cdb.name2info)
    longest = [max(known["names"], key=len) for known in cat.cdb.cui2info.values()]
    for key, said in (("name_embeddings", names), ("cui_embeddings", longest)):
        texts = [name.replace(model.separator, " ") for name in said]
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        vectors = torch.empty(len(texts), model.model.language_model.config.hidden_size, dtype=torch.float16)
        for first in range(0, len(order), BATCH):
            places = order[first : first + BATCH]
            chosen = [texts[place] for place in places]
            with torch.no_grad():
                vectors[places] = model.embed(chosen, mention_spans=[(0, len(text)) for text in chosen])
        cat.cdb.addl_info[key] = vectors


def given(cat: CAT, documents: list[dict[str, Any]]) -> list[str]:
    """The concept of each mention, "" where it links none; its candidates share its name, as those of found ones do."""
    pipeline = cat._pipeline
    linker: Any = pipeline.get_component(CoreComponentType.linking)
    separator, tokenizer = cat.config.general.separator, pipeline.tokenizer
    said = []
    for document in documents:
        read = tokenizer(document["text"])
        asked = {}
        for place, (start, end) in enumerate(document["mentions"]):
            tokens = [
                one for one in read if one.base.char_index < end and one.base.char_index + len(one.base.text) > start
            ]
            entity = tokenizer.entity_from_tokens(tokens)
            entity.detected_name = separator.join(one.base.lower for one in tokens)
            known = cat.cdb.name2info.get(entity.detected_name)
            entity.link_candidates = list(known["per_cui_status"]) if known else []
            entity.id = place
            asked[place] = entity
        read.ner_ents.extend(asked.values())
        cuis = {entity.id: entity.cui for entity in linker.predict_entities(read)}
        said += [cuis.get(place, "") for place in asked]
    return said


if __name__ == "__main__":
    main()
