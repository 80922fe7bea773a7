"""Logs that grow: a window of bytes as lines, its last part, what came since, what came before, what contains a word."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString

from core.htmx import render_page
from core.terminal import Painter, level

WINDOW = 64 << 10
"""Bytes of a log that are shown at once."""
MOST_LINES = 1000
PIECE = 8 << 10
"""Bytes after which a line that does not end is taken for one."""
CHUNK = 1 << 20
MOST_FOUND = 200
AROUND = 1500
"""Bytes that are shown before a line that was found."""


@dataclass(frozen=True)
class Log:
    """A log of `size` bytes. `read(offset, limit)` returns up to `limit` bytes; `dropped` bytes came after its limit and were not kept."""

    read: Callable[[int, int], bytes]
    size: int
    running: bool = False
    dropped: int = 0


@dataclass(frozen=True)
class Line:
    """A line as HTML; `offset` is where it begins, `level` is error, warning or empty."""

    html: SafeString
    offset: int
    level: str = ""

    @property
    def around(self) -> int:
        """Where a window begins that shows the line with some before it."""
        return max(0, self.offset - AROUND)


@dataclass(frozen=True)
class Window:
    """Lines from byte `start` to `end`. `rest` is the line that is still being written.

    `skipped` bytes before `start` were asked for and are too many; `later` is whether there is more after `end` than `rest`.
    With `find`, the lines are the last of `found` that contain it. `first` is the number of the first line, None where not asked for.
    """

    log: Log
    lines: list[Line]
    start: int
    end: int
    rest: SafeString | str = ""
    skipped: int = 0
    later: bool = False
    find: str = ""
    found: int = 0
    first: int | None = None

    @property
    def live(self) -> bool:
        """Whether lines will follow."""
        return self.log.running and not self.later and not self.find

    @property
    def query(self) -> str:
        """The parameters that ask for what comes after this window."""
        return urlencode({"after": self.end, "seen": self.log.size})


def tail(log: Log) -> Window:
    """Return the end of a log."""
    return _last(log, 0, log.size)


def since(log: Log, offset: int) -> Window:
    """Return what was written after `offset`; where that is more than a window, the end of it."""
    offset = min(max(0, offset), log.size)
    window = _last(log, offset, log.size)
    return Window(log, window.lines, window.start, window.end, window.rest, skipped=window.start - offset)


def before(log: Log, offset: int) -> Window:
    """Return the window that ends at `offset`, the beginning of a line."""
    offset = min(max(0, offset), log.size)
    window = _last(log, 0, offset, ended=True)
    return Window(log, window.lines, window.start, offset, later=offset < log.size)


def after(log: Log, offset: int) -> Window:
    """Return the window that begins with the first line from `offset` on."""
    begin = min(max(0, offset), log.size)
    if begin:
        data = log.read(begin - 1, WINDOW)
        begin += max(0, data.find(b"\n"))
    data = log.read(begin, WINDOW)
    later = begin + len(data) < log.size
    pieces, end = _lines(data, begin)
    rest = data[end - begin :]
    if rest and (not pieces if later else not log.running):
        pieces, end, rest = [*pieces, (end, rest)], begin + len(data), b""
    if len(pieces) > MOST_LINES:
        end, pieces, later = pieces[MOST_LINES][0], pieces[:MOST_LINES], True
    return Window(log, _painted(pieces), begin, end, "" if later else _painted([(end, rest)])[0].html, later=later)


def search(log: Log, words: str) -> Window:
    """Return the last lines that contain `words`, whatever the case, and how many there are."""
    wanted = words.encode().lower()
    found, kept = 0, list[tuple[int, bytes]]()
    for begin, block in _blocks(log):
        if wanted not in block.lower():
            continue
        lines, end = _lines(block, begin)
        lines.append((end, block[end - begin :]))
        hits = [line for line in lines if wanted in line[1].lower()]
        found += len(hits)
        kept = [*kept, *hits][-MOST_FOUND:]
    return Window(log, _painted(kept, words), 0, log.size, find=words, found=found)


def look(log: Log, parameters: Mapping[str, str]) -> Window:
    """Return the window that an address asks for.

    `find` words, `before` or `from` an offset, `after` an offset that was reached; else the end. `numbers` asks for line numbers.
    """
    if words := parameters.get("find", "").strip()[:200]:
        return search(log, words)
    for name, window_of in (("after", since), ("before", before), ("from", after)):
        text = parameters.get(name, "")
        if text.isascii() and text.isdigit() and len(text) < 19:
            window = window_of(log, int(text))
            break
    else:
        window = tail(log)
    if "numbers" in parameters:
        return Window(**{**vars(window), "first": 1 + _count(log, window.start)})
    return window


def answer(request: HttpRequest, log: Log, page: str, context: dict[str, Any]) -> HttpResponse:
    """Show a log: `page`, for htmx `components/log.html` alone, and for its own polling the lines that are new (204 for none).

    `context` has what the component wants besides `window`: id, name, address, download.
    """
    context = {"heading": 2, **context, "window": look(log, request.GET)}
    if getattr(request, "htmx", None) and "after" in request.GET:
        if log.running and request.GET.get("seen") == str(log.size):
            return HttpResponse(status=204)
        return render(request, "components/log_lines.html", context)
    return render_page(request, page, "components/log.html", context)


def _last(log: Log, low: int, high: int, *, ended: bool = False) -> Window:
    """Return the end of what lies between two offsets; `low` is the beginning of a line."""
    begin = max(low, high - WINDOW)
    data = log.read(begin, high - begin)
    if begin > low:
        cut = min((place + 1 for place in (data.find(b"\n"), data.find(b"\r")) if place >= 0), default=_boundary(data))
        begin, data = begin + cut, data[cut:]
    pieces, end = _lines(data, begin)
    rest = data[end - begin :]
    if rest and (ended or not log.running):
        pieces, end, rest = [*pieces, (end, rest)], high, b""
    pieces = pieces[-MOST_LINES:]
    begin = pieces[0][0] if pieces and len(pieces) == MOST_LINES else begin
    return Window(log, _painted(pieces), begin, end, _painted([(end, rest)])[0].html)


def _lines(data: bytes, begin: int) -> tuple[list[tuple[int, bytes]], int]:
    """Return the lines that end within `data` with their offsets, and the offset of what is left over.

    What carriage returns wrote over is not left over: a progress bar may go on for hours without the end of a line.
    """
    cut = data.rfind(b"\n") + 1
    lines, place = [], begin
    for line in data[:cut].split(b"\n")[:-1]:
        lines.append((place, line))
        place += len(line) + 1
    rest = data[cut:]
    over = rest.rfind(b"\r", 0, len(rest) - 1) + 1
    if over and rest[over:].strip():
        place, rest = place + over, rest[over:]
    if len(rest) > PIECE:
        lines.append((place, rest))
        place += len(rest)
    return lines, place


def _boundary(data: bytes) -> int:
    """Return where the first whole character of UTF-8 begins."""
    return next((place for place in range(min(4, len(data))) if data[place] & 0xC0 != 0x80), 0)


def _painted(pieces: list[tuple[int, bytes]], find: str = "") -> list[Line]:
    painter = Painter(find)
    lines = []
    for offset, line in pieces:
        text = line.removesuffix(b"\r").decode("utf-8", "replace")
        lines.append(Line(painter.paint(text), offset, level(text)))
    return lines


def _blocks(log: Log) -> Iterator[tuple[int, bytes]]:
    """Yield a log in blocks of whole lines with their offsets; a line longer than a block comes in several."""
    begin = 0
    while begin < log.size:
        data = log.read(begin, min(CHUNK, log.size - begin))
        if not data:
            return
        cut = data.rfind(b"\n") + 1 if begin + len(data) < log.size else len(data)
        yield begin, data[: cut or len(data)]
        begin += cut or len(data)


def _count(log: Log, end: int) -> int:
    """Return how many lines end before byte `end`."""
    return sum(log.read(begin, min(CHUNK, end - begin)).count(b"\n") for begin in range(0, end, CHUNK))
