"""Lines `iteration|loss|throughput` as columns: tolerant of what scripts write, strict about what a number is."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from core.terminal import visible
from toolchain.metrics.decimals import Floats, Integers, decimals, whole_numbers

Piece = tuple[float, bytes]
"""When bytes were read (Unix time), and the bytes."""

LONGEST = 1000
"""Bytes of the longest line that is looked at."""
FARTHEST = 1e100
"""Values beyond are gaps: they cannot be drawn beside others."""
MOST = 5_000_000
"""Records kept of one run; lines after them are counted."""
EXAMPLES = 5
BLOCK = 1 << 18

_OF_NUMBERS = b"0123456789+-.eEnaNAiIfFtTyY"
_LINE = re.compile(rb"([0-9]{1,30})\|([0-9+\-.eEnaNAiIfFtTyY]+)\|([0-9+\-.eEnaNAiIfFtTyY]+)")
_BAR, _END = ord("|"), ord("\n")
_BOM = b"\xef\xbb\xbf"


class Reason(StrEnum):
    """Why a line was refused."""

    FIELDS = "fields"
    BLANKS = "blanks"
    ITERATION = "iteration"
    LARGE = "large"
    VALUE = "value"
    LONG = "long"

    @property
    def sentence(self) -> Promise:
        return _SENTENCES[self]


_SENTENCES = {
    Reason.FIELDS: _("not three values with “|” between them"),
    Reason.BLANKS: _("a blank in it"),
    Reason.ITERATION: _("the iteration is not a whole number"),
    Reason.LARGE: _("the iteration is too large"),
    Reason.VALUE: _("loss or throughput is not a number"),
    Reason.LONG: _("longer than 1,000 bytes"),
}


@dataclass(frozen=True)
class Refused:
    """A line that was skipped: its number from 1, its first bytes as text, and why."""

    line: int
    text: str
    reason: Reason

    @property
    def shown(self) -> SafeString:
        """The text as HTML, with what is hidden in it."""
        return mark_safe(visible(self.text))


@dataclass(frozen=True)
class Curves:
    """One row for each iteration, ascending. `time` is Unix time; NaN in `loss` and `throughput` is a gap."""

    iteration: Integers
    loss: Floats
    throughput: Floats
    time: Floats

    def __len__(self) -> int:
        return len(self.iteration)


def _empty() -> Curves:
    none = np.empty(0)
    return Curves(np.empty(0, dtype=np.int64), none, none, none)


@dataclass
class Reading:
    """How far a metrics file was read and what stood in it. `offset` is the byte to go on from, `lines` counts lines that ended.

    `refused` counts lines that were skipped, the first few are kept in `examples`; `gaps` counts values that were written but are
    not drawn (nan, inf, beyond `FARTHEST`), `beyond` the lines after `MOST` records.
    """

    offset: int = 0
    lines: int = 0
    refused: int = 0
    gaps: int = 0
    beyond: int = 0
    examples: list[Refused] = field(default_factory=list)
    at: float | None = None
    _rest: bytes = b""
    _skipping: bool = False
    _kept: int = 0
    _fresh: bool = False
    _parts: list[Curves] = field(default_factory=list)

    def __len__(self) -> int:
        """Return how many records are kept, repeated iterations included."""
        return self._kept

    def curves(self) -> Curves:
        """Return the records so far, sorted; of one iteration the record that was written last."""
        if self._fresh or not self._parts:
            self._parts, self._fresh = [_merged(self._parts)], False
        return self._parts[0]

    def refuse(self, line: int, text: bytes, reason: Reason) -> None:
        self.refused += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(Refused(line, text[:80].decode("utf-8", "replace"), reason))


def parse(pieces: Iterable[Piece], reading: Reading | None = None, *, started: float | None = None, ended: bool = False) -> Reading:
    """Read on from `reading`, or from the beginning, and return it.

    The pieces follow each other without a hole. Lines get times between the piece before theirs (of the first: `started`) and
    their own. A last line without its end waits for the next piece, unless the file has `ended`.
    """
    reading = Reading(at=started) if reading is None else reading
    for at, data in pieces:
        _take(reading, at, data)
    if ended and reading._rest:
        rest, reading._rest = reading._rest, b""
        _read(reading, rest + b"\n", np.array([reading.at or 0.0]))
    return reading


def _take(reading: Reading, at: float, data: bytes) -> None:
    before = at if reading.at is None else min(reading.at, at)
    reading.at = at
    reading.offset += len(data)
    if reading._skipping:
        end = data.find(b"\n") + 1
        if not end:
            return
        reading._skipping, data = False, data[end:]
    data = reading._rest + data
    cut = data.rfind(b"\n") + 1
    reading._rest = data[cut:]
    if cut:
        count = data.count(b"\n")
        times = before + (at - before) * np.arange(1, count + 1) / count
        done = start = 0
        while start < cut:
            end = data.find(b"\n", min(start + BLOCK, cut) - 1) + 1
            lines = data.count(b"\n", start, end)
            _read(reading, data[start:end], times[done : done + lines])
            start, done = end, done + lines
    if len(reading._rest) > LONGEST + len(_BOM) + 1:
        reading.lines += 1
        reading.refuse(reading.lines, reading._rest, Reason.LONG)
        reading._rest, reading._skipping = b"", True


def _read(reading: Reading, block: bytes, times: Floats) -> None:
    """Read whole lines: at once where all are as they should be, else one by one."""
    if reading._kept >= MOST:
        reading.lines += len(times)
        reading.beyond += len(times)
        return
    part = _at_once(block, times)
    if part is None:
        part = _one_by_one(reading, block, times)
    reading.lines += len(times)
    reading.gaps += _clear(part.loss) + _clear(part.throughput)
    if len(part):
        reading._kept += len(part)
        reading._parts.append(part)
        reading._fresh = True


def _at_once(block: bytes, times: Floats) -> Curves | None:
    """Return the columns of a block in which nothing stands but records, else None."""
    block = block.replace(b"\r\n", b"\n")
    if block.translate(None, _OF_NUMBERS) != b"||\n" * len(times) or block[:1] in b"+-" or b"\n+" in block or b"\n-" in block:
        return None
    written = np.frombuffer(block, np.uint8)
    first, second, ends = np.flatnonzero((written == _BAR) | (written == _END)).reshape(-1, 3).T
    starts = np.concatenate(([0], ends[:-1] + 1))
    if (ends - starts).max() > LONGEST:
        return None
    columns = (
        whole_numbers(written, starts, first),
        decimals(written, first + 1, second),
        decimals(written, second + 1, ends),
    )
    fields = [] if all(column is not None for column in columns) else block.replace(b"\n", b"|").split(b"|")
    try:
        return Curves(
            np.fromiter(map(int, fields[0:-1:3]), np.int64, len(times)) if columns[0] is None else columns[0],
            np.fromiter(map(float, fields[1::3]), np.float64, len(times)) if columns[1] is None else columns[1],
            np.fromiter(map(float, fields[2::3]), np.float64, len(times)) if columns[2] is None else columns[2],
            times,
        )
    except (ValueError, OverflowError):
        return None


def _one_by_one(reading: Reading, block: bytes, times: Floats) -> Curves:
    rows: list[tuple[int, float, float]] = []
    places: list[int] = []
    for place, line in enumerate(block[:-1].split(b"\n")):
        line = line.removesuffix(b"\r")
        number = reading.lines + place + 1
        if number == 1:
            line = line.removeprefix(_BOM)
        if not line.strip():
            continue
        record = _record(line)
        if isinstance(record, Reason):
            reading.refuse(number, line, record)
        else:
            rows.append(record)
            places.append(place)
    iteration, loss, throughput = zip(*rows, strict=True) if rows else ((), (), ())
    return Curves(
        np.array(iteration, dtype=np.int64),
        np.array(loss, dtype=np.float64),
        np.array(throughput, dtype=np.float64),
        times[np.array(places, dtype=np.intp)],
    )


def _record(line: bytes) -> tuple[int, float, float] | Reason:
    if len(line) > LONGEST:
        return Reason.LONG
    found = _LINE.fullmatch(line)
    if not found:
        return _fault(line)
    try:
        iteration, loss, throughput = int(found[1]), float(found[2]), float(found[3])
    except ValueError:
        return Reason.VALUE
    return (iteration, loss, throughput) if iteration < 1 << 63 else Reason.LARGE


def _fault(line: bytes) -> Reason:
    fields = line.split(b"|")
    if len(fields) != 3:
        return Reason.FIELDS
    if re.search(rb"\s", line):
        return Reason.BLANKS
    if not re.fullmatch(rb"[0-9]+", fields[0]):
        return Reason.ITERATION
    return Reason.LARGE if len(fields[0]) > 30 else Reason.VALUE


def _clear(values: Floats) -> int:
    """Make what cannot be drawn a gap; return how many there were."""
    bad = ~(np.abs(values) <= FARTHEST)
    values[bad] = np.nan
    return int(bad.sum())


def _merged(parts: list[Curves]) -> Curves:
    if not parts:
        return _empty()
    whole = Curves(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("iteration", "loss", "throughput", "time")))
    steps = np.diff(whole.iteration)
    if (steps > 0).all():
        return whole
    order = np.argsort(whole.iteration, kind="stable")
    sorted_ = whole.iteration[order]
    last = np.append(sorted_[1:] != sorted_[:-1], True)
    chosen = order[last]
    return Curves(whole.iteration[chosen], whole.loss[chosen], whole.throughput[chosen], whole.time[chosen])
