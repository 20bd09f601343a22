"""Documents as rows of Parquet, with the fields of JSON Lines for columns: read some at a time, and written with their links.

What is read is handed on as objects of JSON, so a row and a line are checked by the same code and have the same faults.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tripel.files import replacing
from tripel.problems import BadInput, Problem

MARK = b"PAR1"  # its first bytes
COLUMNS = ("id", "text", "title_end", "mentions")  # that are read, of those that are there
TOGETHER = 500  # rows that are held at a time

_texts = pa.list_(pa.string())
_candidate = [(name, pa.string()) for name in ("entity", "name", "matched", "source")]
_candidate += [("ids", _texts), ("types", _texts), ("score", pa.float64()), ("probability", pa.float64())]
_mention = [("start", pa.int32()), ("end", pa.int32())]
_mention += [(name, pa.string()) for name in ("text", "long_form", "type")]
_mention += [("parts", pa.list_(pa.list_(pa.int32()))), ("confidence", pa.float64()), ("entities", _texts)]
_mention += [("decision", pa.string()), ("why", pa.string()), ("candidates", pa.list_(pa.struct(_candidate)))]
LINKED = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("title_end", pa.int32()),
        ("mentions", pa.list_(pa.struct(_mention))),
    ]
)
"""What `linking.as_record` makes."""


def fits(path: Path) -> bool:
    """Whether a file begins as Parquet does."""
    with path.open("rb") as source:
        return source.read(len(MARK)) == MARK


def count(path: Path) -> int:
    """How many rows a file has. Raises BadInput where it is damaged, or its columns hold no documents."""
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, int(file.metadata.num_rows)
    except (pa.ArrowException, OSError):
        raise BadInput([Problem(str(path), 0, "damaged Parquet", "a whole file; fetch or write it again")]) from None
    problems = [Problem(str(path), 0, *fault) for fault in _faults(schema)]
    if problems:
        raise BadInput(problems)
    return rows


def _faults(schema: pa.Schema) -> Iterator[tuple[str, str]]:
    """What keeps columns from being documents: found, expected."""
    for name in ("id", "text"):
        kind = schema.field(name).type if name in schema.names else None
        if kind is None:
            yield f"no column {name}", "columns id, text and, where they are known, mentions"
        elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            yield f"a column {name} of {kind}", "strings; cast it"
    kind = schema.field("mentions").type if "mentions" in schema.names else pa.list_(pa.null())
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        yield f"a column mentions of {kind}", "lists of structs with start and end, as in JSON Lines"


def read(path: Path, *, first: int, end: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows [first, end), counted from 1, with their numbers; of the groups of rows only those that hold them are read."""
    with pq.ParquetFile(path) as file:
        counts = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        begins = list(accumulate(counts, initial=1))
        groups = [group for group in range(len(counts)) if first < begins[group + 1] and begins[group] < end]
        number = begins[groups[0]]
        columns = [name for name in COLUMNS if name in file.schema_arrow.names]
        for batch in file.iter_batches(batch_size=TOGETHER, row_groups=groups, columns=columns):
            skipped = min(max(0, first - number), len(batch))
            here = batch.slice(skipped, max(0, min(end - number, len(batch)) - skipped))
            yield from enumerate(map(_present, here.to_pylist()), number + skipped)
            number += len(batch)


def _present(record: dict[str, Any]) -> dict[str, Any]:
    """A row without what is null, as JSON Lines leave it out; its mentions, too."""
    its = {name: value for name, value in record.items() if value is not None}
    if "mentions" in its:
        its["mentions"] = [_present(one) if isinstance(one, dict) else one for one in its["mentions"]]
    return its


def write(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """Write linked documents atomically, some at a time."""
    with replacing(path) as part, pq.ParquetWriter(part, LINKED) as out:
        waiting = iter(records)
        while some := list(islice(waiting, TOGETHER)):
            out.write_table(pa.Table.from_pylist(some, LINKED))
