"""BigBIO's `bigbio_kb` as Parquet, as data sets on the Hugging Face hub have it. What a record is, `bigbio.py` says.

Files are read and written some documents at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from tripel.corpora.lines import unreadable
from tripel.documents import Document
from tripel.files import replacing
from tripel.formats import bigbio
from tripel.formats.base import Format
from tripel.formats.making import Fault, Place
from tripel.problems import Problem

TOGETHER = 500  # documents held at a time

_words, _offsets = pa.list_(pa.string()), pa.list_(pa.list_(pa.int32()))
_place = [("id", pa.string()), ("type", pa.string()), ("text", _words), ("offsets", _offsets)]
_id = pa.struct([("db_name", pa.string()), ("db_id", pa.string())])
_role = pa.struct([("role", pa.string()), ("ref_id", pa.string())])
_trigger = pa.struct([("text", _words), ("offsets", _offsets)])
_event = [("id", pa.string()), ("type", pa.string()), ("trigger", _trigger), ("arguments", pa.list_(_role))]
_relation = [(name, pa.string()) for name in ("id", "type", "arg1_id", "arg2_id")]
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("document_id", pa.string()),
        ("passages", pa.list_(pa.struct(_place))),
        ("entities", pa.list_(pa.struct([*_place, ("normalized", pa.list_(_id))]))),
        ("events", pa.list_(pa.struct(_event))),
        ("coreferences", pa.list_(pa.struct([("id", pa.string()), ("entity_ids", _words)]))),
        ("relations", pa.list_(pa.struct([*_relation, ("normalized", pa.list_(_id))]))),
    ]
)


class BigbioParquet(Format):
    """BigBIO in Parquet."""

    ENDINGS: ClassVar[tuple[str, ...]] = (".bigbio.parquet", ".parquet")

    @staticmethod
    def begins(head: bytes) -> bool:
        """Parquet's mark."""
        return head.startswith(b"PAR1")

    def parse(self, path: Path, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents and problems, with the row for a line; `skipped` counts relations, events and coreferences."""
        fault = unreadable(path)
        if fault:
            yield fault
            return
        row = 0
        try:
            with pq.ParquetFile(path) as file:
                batches = file.iter_batches(batch_size=TOGETHER)
                for row, record in enumerate((record for batch in batches for record in batch.to_pylist()), 1):
                    yield from bigbio.from_record(Place(str(path), row), record, skipped)
        except (pa.ArrowException, OSError, ValueError, OverflowError):
            yield Place(str(path), row).problem(
                Fault("something that is no Parquet", "a whole file of bigbio_kb records")
            )

    def put(self, path: Path, documents: Iterable[Document]) -> None:
        """Write all documents, some at a time."""
        with replacing(path) as part, pq.ParquetWriter(part, SCHEMA) as out:
            waiting = map(bigbio.to_record, documents)
            while some := list(islice(waiting, TOGETHER)):
                out.write_table(pa.Table.from_pylist(some, SCHEMA))

    def held(self, document: Document) -> Document:
        """The document without long forms."""
        return bigbio.held(document)
