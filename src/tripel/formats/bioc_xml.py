"""BioC XML, a document at a time, through the package `bioc`.

The file is cut into documents here and not by `bioc`, whose reader keeps all of a file in memory and follows entities. XML cannot
hold some characters, most of them control characters: they become U+FFFD, so that offsets stay.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from bioc import BioCCollection, biocxml
from lxml import etree

from tripel.corpora.lines import opened, unreadable
from tripel.documents import Document
from tripel.files import replacing
from tripel.formats import bioc_documents
from tripel.formats.base import Format
from tripel.formats.making import Fault, Place
from tripel.problems import Problem

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
BROKEN = Fault("something that is no XML", "one collection of documents; the file may be cut short")
LACKING = Fault("a document without an offset, id, location or text where one belongs", "a document as in BioC.dtd")


class BiocXml(Format):
    """BioC XML."""

    ENDINGS: ClassVar[tuple[str, ...]] = (".bioc.xml", ".xml", ".bioc")

    @staticmethod
    def begins(head: bytes) -> bool:
        """Whether a collection begins."""
        return head.lstrip().startswith(b"<") and b"<collection" in head

    def parse(self, path: Path, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents and problems; `skipped` counts relations."""
        for place, source in _cut(path):
            if isinstance(source, Fault):
                yield place.problem(source)
                continue
            try:
                (found,) = biocxml.loads(f"<collection>{source}</collection>").documents
            except (etree.XMLSyntaxError, TypeError, ValueError, KeyError):
                yield place.problem(LACKING)
            else:
                yield from bioc_documents.from_bioc(found, place, skipped)

    def put(self, path: Path, documents: Iterable[Document]) -> None:
        """Write one collection."""
        with replacing(path) as part, part.open("wb") as out:
            writer = biocxml.BioCXMLDocumentWriter(out, encoding="UTF-8")
            writer.write_collection_info(BioCCollection())
            for document in documents:
                writer.write_document(bioc_documents.to_bioc(document))
            writer.close()

    def held(self, document: Document) -> Document:
        """The document in characters of XML, its mentions with ids that bars can part."""
        text = _in_xml(document.text)
        mentions = (
            replace(
                mention,
                text=text[mention.start : mention.end],
                type=_in_xml(mention.type),
                entities=tuple(map(_in_xml, mention.entities)),
                long_form=_in_xml(mention.long_form),
            )
            for mention in document.mentions
        )
        kept = Document(id=_in_xml(document.id), text=text, title_end=document.title_end)
        return bioc_documents.held(kept.having(mentions=mentions))


def _in_xml(text: str) -> str:
    return NOT_XML.sub("\ufffd", text)


def _cut(path: Path) -> Iterator[tuple[Place, str | Fault]]:
    """The XML of each document with the line where it begins, or what keeps the rest of the file from being read."""
    fault = unreadable(path)
    if fault:
        yield Place(fault.source), Fault(fault.found, fault.expected)
        return
    try:
        with opened(path) as source:
            for _, found in etree.iterparse(source, tag="document", resolve_entities=False, no_network=True):
                yield Place(str(path), found.sourceline), etree.tostring(found, encoding="unicode", with_tail=False)
                _free(found)
    except etree.XMLSyntaxError as error:
        yield Place(str(path), error.lineno or 0), BROKEN
    except (EOFError, zlib.error, OSError):
        yield Place(str(path)), Fault("a damaged or incomplete gzip stream", "a whole file; fetch or pack it again")


def _free(done: etree._Element) -> None:
    """Let go of an element and all before it."""
    done.clear()
    parent = done.getparent()
    for earlier in [] if parent is None else list(done.itersiblings(preceding=True)):
        parent.remove(earlier)
