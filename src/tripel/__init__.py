"""tripel: train, judge and serve biomedical entity linkers by metric learning.

What is imported from here is documented, typed and stable; everything else may change between versions. Names are loaded when
they are asked for, so that `import tripel` is instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tripel.documents import Candidate as Candidate
    from tripel.documents import Document as Document
    from tripel.documents import Link as Link
    from tripel.documents import Linked as Linked
    from tripel.documents import Mention as Mention
    from tripel.knowledge import Entity as Entity
    from tripel.knowledge import KnowledgeBase as KnowledgeBase
    from tripel.linking.bundling import make_bundle as make_bundle
    from tripel.linking.linker import Linker as Linker
    from tripel.searching.asking import build_index as build_index
    from tripel.tasks import compare as compare
    from tripel.tasks import evaluate as evaluate
    from tripel.tasks import link_bulk as link_bulk
    from tripel.tasks import report as report
    from tripel.tasks import rerank as rerank
    from tripel.tasks import resume as resume
    from tripel.tasks import train as train

from tripel import offline as offline

__version__ = "0.1.0"

offline.heed()  # all that happens on import: asked for by the environment, it must come before any library that has a network

_MODULES = {
    "Candidate": "documents",
    "Document": "documents",
    "Entity": "knowledge",
    "KnowledgeBase": "knowledge",
    "Link": "documents",
    "Linked": "documents",
    "Linker": "linking.linker",
    "Mention": "documents",
    "build_index": "searching.asking",
    "compare": "tasks",
    "evaluate": "tasks",
    "link_bulk": "tasks",
    "make_bundle": "linking.bundling",
    "report": "tasks",
    "rerank": "tasks",
    "resume": "tasks",
    "train": "tasks",
}
__all__ = ["__version__", "offline", *_MODULES]


def __getattr__(name: str) -> Any:
    """A public name, from the module that it lies in."""
    if name not in _MODULES:
        raise AttributeError(f"module 'tripel' has no attribute {name!r}; there is {', '.join(__all__[1:])}")
    return getattr(import_module(f"tripel.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
