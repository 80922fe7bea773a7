"""The rows of a dataset's files with the file and the number of each. Which files form which split is what the `datasets` library says."""

import bz2
import csv
import gzip
import json
import lzma
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any

from toolchain.trainer.builtin.checking import Row, Split

HEAD = 100
_OPENERS: Mapping[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


class Unreadable(Exception):
    """Files are not what they seem to be; `code` is one of `sentences`."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


def splits(folder: Path, subset: str = "") -> list[Split]:
    """Return the splits of a dataset, of its first or default subset where none is named. Raises `Unreadable`."""
    from datasets import get_dataset_config_names, load_dataset_builder
    from datasets.utils.logging import disable_progress_bar, set_verbosity_error

    disable_progress_bar()
    set_verbosity_error()
    try:
        if subset and subset not in (names := get_dataset_config_names(str(folder))):
            raise Unreadable("subset_unknown", subset=subset[:80], subsets=", ".join(names)[:300])
        try:
            builder = load_dataset_builder(str(folder), subset or None)
        except ValueError:
            # Several subsets and none of them the default: the first one, as the pages of the dataset show it.
            builder = load_dataset_builder(str(folder), get_dataset_config_names(str(folder))[0])
    except Unreadable:
        raise
    # What the library makes of strangers' files is not bounded by its documentation.
    except Exception as error:
        raise Unreadable("no_splits") from error
    found = []
    for name, paths in (builder.config.data_files or {}).items():
        files = [Path(path) for path in paths if not os.path.basename(path).startswith(".")]
        if files:
            read = partial(rows, folder, files, builder.config)
            found.append(Split(str(name), dict.fromkeys(_columns(read), ""), read))
    return found


def rows(folder: Path, files: Sequence[Path], config: Any = None) -> Iterator[Row]:
    """Yield the rows of files one after the other; `number` counts from 1 in each. Raises `Unreadable`."""
    for path in files:
        name = os.path.relpath(path, folder)
        try:
            for number, values in enumerate(_file(path, config), 1):
                if not isinstance(values, Mapping):
                    raise Unreadable("row_unreadable", file=name, row=number, problem="this is no object")
                yield Row(values, number, name)
        except _Broken as broken:
            raise Unreadable("row_unreadable", file=name, row=broken.row, problem=broken.problem) from broken
        except (OSError, EOFError, ValueError, RecursionError, lzma.LZMAError) as error:
            raise Unreadable("file_unreadable", file=name, problem=" ".join(str(error).split())[:200] or type(error).__name__) from error


class _Broken(Exception):
    def __init__(self, row: int, problem: str) -> None:
        super().__init__(problem)
        self.row, self.problem = row, problem


def _columns(read: Callable[[], Iterator[Row]]) -> dict[str, None]:
    names: dict[str, None] = {}
    for row in islice(read(), HEAD):
        names.update(dict.fromkeys(map(str, row.values)))
    return names


def _file(path: Path, config: Any) -> Iterator[Any]:
    name = path.name.lower()
    compression = next((ending for ending in _OPENERS if name.endswith(ending)), "")
    ending = os.path.splitext(name.removesuffix(compression))[1]
    if ending == ".parquet":
        yield from _parquet(path)
        return
    if ending not in (".json", ".jsonl", ".csv", ".tsv", ".txt"):
        raise ValueError(f"files ending in {ending or name} are not read; use JSON, JSONL, CSV or Parquet")
    opener = _OPENERS.get(compression, open)
    with opener(path, "rt", encoding="utf-8-sig", newline="") as text:
        if ending in (".csv", ".tsv"):
            yield from _csv(
                text, "\t" if ending == ".tsv" else str(getattr(config, "sep", None) or getattr(config, "delimiter", None) or ",")
            )
        elif ending == ".txt":
            yield from ({"text": line.rstrip("\r\n")} for line in text)
        else:
            yield from _json(text, getattr(config, "field", None))


def _parquet(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(256):
                yield from batch.to_pylist()
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error


def _csv(text: IO[str], delimiter: str) -> Iterator[Any]:
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        for number, cells in enumerate((cells for cells in reader if cells), 1):
            if len(cells) > len(header):
                raise _Broken(number, "it has more fields than the first line has names")
            yield dict(zip(header, cells, strict=False))
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error
    finally:
        csv.field_size_limit(before)


def _json(text: IO[str], field: str | None) -> Iterator[Any]:
    """Yield the items of a list, the lines of JSON Lines, or the one object of a file."""
    start = text.read(4096)
    while start and not start.strip():
        start = text.read(4096)
    text.seek(0)
    if start.lstrip()[:1] == "[" or field:
        found = json.load(text)
        if field and isinstance(found, Mapping):
            found = found.get(field)
        if not isinstance(found, list):
            raise ValueError("it holds no list of rows")
        yield from found
        return
    number = 0
    for line in text:
        if not line.strip():
            continue
        number += 1
        try:
            values = json.loads(line)
        except ValueError as error:
            if number > 1:
                raise _Broken(number, f"this is no JSON ({error})") from error
            # An object over many lines.
            text.seek(0)
            yield json.load(text)
            return
        yield values
