"""What the columns of a split hold: counts, ranges, distributions."""

from typing import Any

from inspection import isolation
from inspection.isolation import Beat, Limits
from inspection.tables.parts import Table

VERSION = 1
LIMITS = Limits(cpu=3600, wall=1800.0)


def describe(table: Table, *, beat: Beat | None = None) -> dict[str, dict[str, Any]]:
    """Return the statistics of every column by its name, from one pass or two over the copy in a confined process.

    Each has `count` (cells with a value), `nulls` and `kind`, further what its kind allows:

    - numbers: `min`, `max`, `mean`, `std` (of a sample), `median`, `histogram`, and `nan` and `infinite`, which are left out of the rest;
    - text and bytes: `lengths` with `min`, `max`, `mean`, `histogram`, in characters or bytes; lists: in items;
    - text with few values, categories and booleans: `categories`, the 30 commonest as `{"value", "count"}`, and `others`, the number of
      cells with another value;
    - times: `min`, `max`, `mean` in ISO 8601 and `histogram`;
    - media: `sizes` in bytes, as `lengths`.

    `distinct` counts different values. What `approximate` names (`distinct`, `median`) is an estimate, as it is for large tables. A
    `histogram` is `{"edges", "counts"}` with one edge more than counts: bins hold their lower edge, the last one also its upper; `"unit":
    true` where each bin is one whole number. `incomplete` is there where memory did not suffice.

    Raises `Unreadable`, and `Interrupted` where `beat(columns done, columns)` says False.
    """
    if not table.parts or not table.columns:
        return {column["name"]: {"kind": column.get("kind", "text"), "count": 0, "nulls": 0} for column in table.columns}
    opened = [part.open() for part in table.parts]
    try:
        columns = [{"name": column["name"], "kind": column.get("kind", "text"), "names": column.get("names")} for column in table.columns]
        target = "inspection.tables.statistics_confined:describe"
        found: dict[str, dict[str, Any]] = isolation.run(target, {"columns": columns}, inputs=opened, limits=LIMITS, beat=beat)
        return found
    finally:
        for file in opened:
            file.close()
