"""Documents as UIMA writes them for other programs, CAS XMI: the text out of one, and annotations into it.

Offsets there are UTF-16 code units, ours are characters. Whatever else is in the document stays as it is. No entity is expanded,
no address opened. Source: the XMI serialisation of UIMA, https://uima.apache.org/d/uimaj-current/references.html, chapter 7.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import accumulate
from typing import Any

from lxml import etree

XMI = "http://www.omg.org/XMI"
CAS = "http:///uima/cas.ecore"
ID = f"{{{XMI}}}id"
DESCRIPTION = "{http://uima.apache.org/resourceSpecifier}"
UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 has no way to say
FIRST_VIEW = "_InitialView"


class Cas:
    """A document that is being annotated."""

    def __init__(self, xmi: str) -> None:
        """Raises ValueError where it is no XMI, or has no text."""
        self._root = parsed(xmi, "XMI")
        sofas = self._root.findall(f"{{{CAS}}}Sofa")
        if not sofas:
            raise ValueError("the XMI has no cas:Sofa, which would hold the text")
        self._sofa = next((one for one in sofas if one.get("sofaID") == FIRST_VIEW), sofas[0])
        said = self._sofa.get("sofaString")
        self.text: str = said if said is not None else self._sofa.findtext("sofaString") or ""
        self._units = [0, *accumulate(1 + (letter > "\uffff") for letter in self.text)]
        self._last = max((int(one.get(ID)) for one in self._root if (one.get(ID) or "").isdecimal()), default=0)

    def spans(self, type: str) -> list[tuple[int, int]]:
        """Characters [start, end) of the annotations of a type that lie in the text and are not empty, in order, each once."""
        mine = (one for one in self._root.findall(tag(type)) if one.get("sofa") == self._sofa.get(ID))
        places = ((self._place(one.get("begin")), self._place(one.get("end"))) for one in mine)
        return sorted({(start, end) for start, end in places if start is not None and end is not None and start < end})

    def add(self, type: str, start: int, end: int, features: dict[str, str]) -> None:
        """An annotation of characters [start, end)."""
        self._last += 1
        its = {ID: str(self._last), "sofa": self._sofa.get(ID), "begin": self._units[start], "end": self._units[end]}
        made = etree.Element(
            tag(type), {name: UNWRITABLE.sub("\ufffd", str(value)) for name, value in (its | features).items()}
        )
        self._sofa.addprevious(made)
        for view in self._root.findall(f"{{{CAS}}}View"):
            if view.get("sofa") == self._sofa.get(ID):
                view.set("members", f"{view.get('members', '')} {self._last}".strip())

    def xmi(self) -> str:
        """The document with what was added."""
        written: bytes = etree.tostring(self._root, encoding="UTF-8", xml_declaration=True)
        return written.decode()

    def _place(self, unit: str | None) -> int | None:
        """The character at a UTF-16 offset; None where there is none."""
        if unit is None or not unit.isdecimal() or len(unit) > 9:
            return None
        place = bisect_left(self._units, int(unit))
        return place if place < len(self._units) and self._units[place] == int(unit) else None


def features(type_system: str, type: str) -> set[str]:
    """The features that a description of types declares for a type. Raises ValueError where it is none, or lacks the type."""
    for one in parsed(type_system, "type system").iter(f"{DESCRIPTION}typeDescription"):
        if (one.findtext(f"{DESCRIPTION}name") or "").strip() == type:
            named = one.iterfind(f"{DESCRIPTION}features/{DESCRIPTION}featureDescription/{DESCRIPTION}name")
            return {(name.text or "").strip() for name in named}
    raise ValueError("the type system does not describe the layer that is asked for")


def tag(type: str) -> str:
    """`a.b.Named` -> the name of its elements, `{http:///a/b.ecore}Named`."""
    package, _, name = type.rpartition(".")
    return f"{{http:///{package.replace('.', '/') or 'uima/noNamespace'}.ecore}}{name}"


def parsed(said: str, what: str) -> Any:
    """The root of an XML document. Raises ValueError where it is none, or declares a document type."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    try:
        root = etree.fromstring(said.encode(), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError):
        raise ValueError(f"the {what} is not well-formed XML") from None
    if root.getroottree().docinfo.doctype:
        raise ValueError(f"the {what} declares a document type, which is not read")
    return root
