"""Reads a dataset of ten million rows as the viewer does: pages, search, filter, sort, SQL, statistics.

    python benchmarks/viewer.py [--rows 10000000] [--runs 5]

The baseline in the same run is DuckDB on the same files, unconfined and with all memory: LIMIT and OFFSET for pages, the same condition
for search and filter, SUMMARIZE for statistics. Ours searches and counts in a process that is started for the purpose, confined to
512 MB. Goal: first page within 300 ms.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from gallery import table

PART = 58 << 20
COLUMNS = [
    {"name": "id", "type": "int64", "kind": "integer"},
    {"name": "score", "type": "float64", "kind": "number"},
    {"name": "text", "type": "string", "kind": "text"},
]
SOURCE = """
    SELECT range AS id, (hash(range) % 1000003) / 1000003 AS score,
    'Customer ' || (range * 7919 % 1000003) || ' reports fault E' || (range % 977) || ' 客户' AS text FROM range({rows})
"""


def fill(folder: Path, rows: int) -> tuple[list[Path], list[int]]:
    """Write the rows as copies are written: parts below 64 MiB, row groups of 10,000 rows."""
    paths: list[Path] = []
    counts: list[int] = []
    writer = sink = None
    first = 0
    with duckdb.connect() as connection:
        for batch in connection.sql(SOURCE.format(rows=rows)).to_arrow_reader(10_000):
            hidden = [pa.array(range(first, first + len(batch)), pa.int64()), pa.nulls(len(batch), pa.list_(pa.string()))]
            piece = pa.Table.from_arrays([*batch.columns, *hidden], names=[*batch.schema.names, "__row", "__cut"])
            if writer is None or sink is None or sink.tell() > PART:
                if writer is not None and sink is not None:
                    writer.close()
                    sink.close()
                paths.append(folder / f"{len(paths)}.parquet")
                counts.append(0)
                sink = pa.OSFile(str(paths[-1]), "wb")
                encoding = {"__row": "DELTA_BINARY_PACKED"}
                writer = pq.ParquetWriter(
                    sink, piece.schema, compression="zstd", use_dictionary=["text", "__cut"], column_encoding=encoding
                )
            writer.write_table(piece, row_group_size=10_000)
            counts[-1] += len(batch)
            first += len(batch)
    if writer is not None and sink is not None:
        writer.close()
        sink.close()
    return paths, counts


def median(call: Callable[[], Any], runs: int) -> str:
    """Return the median in milliseconds of `runs` calls."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return f"{statistics.median(times):.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "portal.settings", "SQL_SECONDS": "120"}
        import django

        django.setup()
        measure(Path(folder), options.rows, options.runs)


def measure(folder: Path, rows: int, runs: int) -> None:
    from inspection.tables import parts, query, sql
    from inspection.tables import rows as pages
    from inspection.tables import statistics as facts

    start = time.perf_counter()
    paths, counts = fill(folder, rows)
    size = sum(path.stat().st_size for path in paths) / 1e6
    print(f"{rows:,} rows, {len(paths)} parts, {size:.0f} MB, written in {time.perf_counter() - start:.1f} s")
    copy = parts.from_files(paths, COLUMNS, counts)
    files = f"read_parquet({[str(path) for path in paths]})"
    found: list[tuple[str, ...]] = []

    def compare(label: str, ours: Callable[[], Any], baseline: str, times: int = runs) -> None:
        def native() -> None:
            with duckdb.connect() as connection:
                connection.execute(baseline).fetchall()

        found.append((label, median(ours, times), median(native, times)))

    compare("first page, first call", lambda: pages.page(copy), f"SELECT * FROM {files} LIMIT 100", 1)
    compare("first page", lambda: pages.page(copy), f"SELECT * FROM {files} LIMIT 100")
    for label, offset in (("page in the middle", rows // 2), ("last page", rows - 100)):
        compare(label, lambda at=offset: pages.page(copy, offset=at), f"SELECT * FROM {files} LIMIT 100 OFFSET {offset}")  # type: ignore[misc]
    condition = "contains(lower(text), 'e204')"
    compare(
        "search, all counted", lambda: query.select(copy, search="e204"), f"SELECT count(*), min(__row, 100) FROM {files} WHERE {condition}"
    )
    compare(
        "filter on a number",
        lambda: query.select(copy, filters=["score > 0.999 and id >= 1000"]),
        f"SELECT count(*), min(__row, 100) FROM {files} WHERE score > 0.999 AND id >= 1000",
    )
    compare("sort", lambda: query.select(copy, sort="score", descending=True), f"SELECT * FROM {files} ORDER BY score DESC LIMIT 100")
    compare("SQL, count(*)", lambda: sql.run_sql({"train": copy}, "SELECT count(*) FROM train"), f"SELECT count(*) FROM {files}")
    group = "SELECT id % 100 g, avg(score) FROM {} GROUP BY ALL ORDER BY ALL"
    compare("SQL, GROUP BY", lambda: sql.run_sql({"train": copy}, group.format("train")), group.format(files))
    compare("statistics against SUMMARIZE", lambda: facts.describe(copy), f"SUMMARIZE SELECT id, score, text FROM {files}", 1)
    table(f"Viewer of {rows:,} rows, median of {runs} in ms (goal: 300 ms for the first page)", found, ("", "gallery", "DuckDB"))


if __name__ == "__main__":
    main()
