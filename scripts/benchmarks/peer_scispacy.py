"""scispaCy's candidate generator on a dictionary and mentions, for `linking.py`; run by an environment that has scispaCy.

    python3.10 -m venv peer && peer/bin/pip install scispacy 'scipy<1.11'       # it builds an index with no later ones
    python scripts/benchmarks/linking.py runs/fast --scispacy peer/bin/python

It reads `concepts.jsonl`, in scispaCy's own form, and `mentions.json`, a list of texts, from a folder, and prints one line
of JSON: the seconds it took to find candidates, its peak memory, and the first concept of each mention. It knows no tripel.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from scispacy.candidate_generation import CandidateGenerator, create_tfidf_ann_index
from scispacy.linking_utils import KnowledgeBase

K = 30  # neighbours asked for, as its entity linker does


def main(folder: Path) -> None:
    """Index, then generate."""
    kb = KnowledgeBase(str(folder / "concepts.jsonl"))
    with tempfile.TemporaryDirectory() as index:
        names, vectorizer, search = create_tfidf_ann_index(index, kb)
    generator = CandidateGenerator(search, vectorizer, names, kb)
    mentions = json.loads((folder / "mentions.json").read_text(encoding="utf-8"))
    generator(mentions[:8], K)
    began = time.perf_counter()
    found = generator(mentions, K)
    first = []
    for candidates in found:
        best = max(candidates, key=lambda one: max(one.similarities), default=None)
        first.append(best.concept_id if best else "")
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "memory": memory, "first": first}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
