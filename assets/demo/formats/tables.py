"""CSV, JSON Lines and Parquet files."""

import csv
import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

Row = Mapping[str, object]


def encode_csv(rows: Sequence[Row], delimiter: str = ",") -> bytes:
    """Return `rows` with a header line of their keys."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def encode_jsonl(rows: Sequence[Row]) -> bytes:
    """Return one JSON object per line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def encode_json(value: object) -> bytes:
    """Return indented JSON."""
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def encode_parquet(rows: Sequence[Row]) -> bytes:
    """Return `rows` as Parquet (Zstandard). Types follow the values; times are ISO text and become TIMESTAMP columns (`*_at`)."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(config={"threads": 1}) as connection:
        path = Path(folder) / "table.parquet"
        columns = [f'unnest(?) AS "{key}"' if not key.endswith("_at") else f'unnest(?)::TIMESTAMP AS "{key}"' for key in rows[0]]
        values = [[row[key] for row in rows] for key in rows[0]]
        connection.execute(f"CREATE TABLE content AS SELECT {', '.join(columns)}", values)
        connection.execute(f"COPY content TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
        return path.read_bytes()
