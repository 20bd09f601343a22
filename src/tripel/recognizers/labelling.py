"""The labels of other software as types of mentions: which count, and what they are called here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from tripel.find import near


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Settings that recognizers share whose model brings labels of its own."""

    only: tuple[str, ...] = ()
    """Only these labels; all when empty."""
    labels: dict[str, str] = field(default_factory=dict)
    """The types that labels become, as in `labels={DISEASE: Disease}`; others stay as they are."""

    def check(self, known: Collection[str]) -> None:
        """Raises ValueError for a label that the model does not give; `known` is empty where nobody knows."""
        for label in (*self.only, *self.labels):
            if known and label not in known:
                raise ValueError(f"the model gives no label {label!r}; {near(label, sorted(known))}")

    def wanted(self, label: str) -> bool:
        """Whether spans with this label are mentions."""
        return not self.only or label in self.only

    def type(self, label: str) -> str:
        """The type of a mention with this label."""
        return self.labels.get(label, label)
