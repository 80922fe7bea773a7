"""What every reader is given: options, a budget, and where to put what could not be read."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from inspection.files import File, Unreadable

# Arrow opens a pipe for signals with each call, and looks for pandas with the first: neither is possible in the confined process.
pa.enable_signal_handlers(False)
pa.array([0])

MAX_LISTED = 100
MAX_SAID = 200
MAX_COLUMNS = 2000
MAX_CELL = 1 << 20
MAX_ROW = 8 << 20
BLOCK = 1 << 20
BLOCK_ROWS = 10_000
CUT = "\0cut"
_UNFIT = re.compile("[\\0\\ud800-\\udfff]")


@dataclass
class Faults:
    """Rows that were left out or mended, and files that could not be read: all counted, the first hundred listed."""

    rows: int = 0
    files: int = 0
    listed: list[dict[str, Any]] = field(default_factory=list)

    def row(self, code: str, file: str, line: int, text: str = "", count: int = 1) -> None:
        """Note a row; `line` counts from 1 and is 0 where it is not known."""
        self.rows += count
        self._list({"file": file, "line": line, "code": code, "text": said(text)})

    def file(self, code: str, file: str, facts: dict[str, Any] | None = None) -> None:
        """Note a file that could not be read, or not to its end."""
        self.files += 1
        self._list({"file": file, "line": 0, "code": code, "text": "", **({"facts": facts} if facts else {})})

    def _list(self, entry: dict[str, Any]) -> None:
        if len(self.listed) < MAX_LISTED:
            self.listed.append(entry)


@dataclass
class Context:
    """One pass over the files of a split.

    `known` are the columns as they are known so far, by their names in the files; readers that decide on types follow them. With
    `only_types` set, batches are looked at for their types only and may be empty.
    """

    options: dict[str, Any] = field(default_factory=dict)
    limit: int = 1 << 62
    seconds: float = float("inf")
    faults: Faults = field(default_factory=Faults)
    known: dict[str, pa.Field] = field(default_factory=dict)
    only_types: bool = False
    spent: int = 0
    source_rows: int | None = None
    sampled: bool = False
    started: float = field(default_factory=time.process_time)

    def over(self) -> bool:
        """Say whether the budget is used up; whoever stops because of it has read a sample."""
        if self.spent >= self.limit or time.process_time() - self.started > self.seconds:
            self.sampled = True
        return self.sampled

    def each(self, files: "list[File] | tuple[File, ...]") -> Iterator[File]:
        """Yield the files until the budget is used up."""
        for file in files:
            if self.over():
                return
            yield file


def said(text: str) -> str:
    """Return the beginning of `text` as it can be kept as JSON anywhere."""
    return clean(text[:MAX_SAID])


def clean(text: str) -> str:
    """Return `text` without NUL characters and halves of surrogate pairs, which neither Parquet nor PostgreSQL can hold."""
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text)


def refused(error: BaseException) -> tuple[str, dict[str, Any]]:
    """Return code and facts for what a reader raised."""
    if isinstance(error, Unreadable):
        return error.code, error.facts
    if isinstance(error, MemoryError):
        return "too_large_to_read", {}
    return "damaged", {"reason": said(str(error).splitlines()[0] if str(error) else type(error).__name__)}
