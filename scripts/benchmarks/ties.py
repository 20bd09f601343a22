"""What a system gains where candidates of one score stand in the order of how often training names them, in place of their ids.

    TRIPEL_DATA=... python scripts/benchmarks/ties.py runs/medmentions/long runs/medmentions/untrained runs/medmentions/bm25

A dictionary derived from annotations has the same name for many concepts, so systems that compare names give several the first
place, and which of them counts is chance. Of equal scores those go first which training documents name most often as the
mention says it, then those of more documents. Judged is test, over the full knowledge base. The first run, as it is, is compared
with each of the others so ordered; nothing is linked.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from tripel import tasks
from tripel.judging.comparing import Comparison, said
from tripel.judging.evaluation import current
from tripel.judging.gold import Key
from tripel.judging.predictions import Prediction
from tripel.knowledge import KnowledgeBase
from tripel.training.preparing import Ground, ground
from tripel.training.recipe import Recipe

Often = Callable[[Key, str], tuple[int, int]]


def main() -> None:
    """Order anew, judge, print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="the first: what counts as right, and what training was")
    parser.add_argument("others", type=Path, nargs="+")
    asked = parser.parse_args()
    recipe = tasks.read_recipe(asked.run)
    assert isinstance(recipe, Recipe), "a run that links"
    found = ground(recipe, asked.run)
    often = counted(found)
    answers = {asked.run.name: said(asked.run, "test", kb=found.kb)}
    for other in asked.others:
        made = said(other, "test", kb=found.kb)
        print(f"{other.name}: {shared(made):,} of {len(made):,} mentions have several candidates in the first place")
        answers[f"{other.name}, by training"] = [ordered(one, often, found.kb) for one in made]
    print(Comparison(found, "test", answers, seed=recipe.trainer.seed))


def counted(found: Ground) -> Often:
    """How often training names an entity as a mention of test says it, and in how many documents at all."""
    as_said: dict[str, Counter[str]] = defaultdict(Counter)
    in_documents: Counter[str] = Counter()
    for document in found.documents["train"]:
        ids = [(mention, current(found.kb, id)) for mention in document.mentions for id in mention.entities]
        in_documents.update({id for _, id in ids})
        for mention, id in ids:
            as_said[mention.text.casefold()][id] += 1
    text = {
        (one.id, mention.start, mention.end): mention.text
        for one in found.documents["test"]
        for mention in one.mentions
    }
    return lambda key, id: (as_said[text[key].casefold()][id], in_documents[id])


def shared(made: Sequence[Prediction]) -> int:
    """How many have more than one candidate of the highest score."""
    return sum(len(one.candidates) > 1 and one.candidates[0][1] == one.candidates[1][1] for one in made)


def ordered(one: Prediction, often: Often, kb: KnowledgeBase) -> Prediction:
    """The same candidates, those of equal scores by how often training names them."""
    key = (one.document, one.start, one.end)
    rank = {id: tuple(-count for count in often(key, current(kb, id))) for id in one.ids}
    return Prediction(*key, tuple(sorted(one.candidates, key=lambda its: (-its[1], rank[its[0]]))))


if __name__ == "__main__":
    main()
