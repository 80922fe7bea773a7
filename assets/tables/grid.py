"""Cells as pages show them: short in a table, whole on a page of their own."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from assets.tables.opening import Tables
from core.numbers import grouped, size
from inspection.models import Sheet
from inspection.tables.rows import Cell, Rows
from inspection.tables.sql import Result

SHOWN = 240
LINE = 100
"""Characters of a text up to which it is shown as it stands; a longer one is a link to the whole."""
MEDIA = frozenset({"image", "audio", "video"})
NESTED = frozenset({"list", "struct", "json"})
SPEAKERS = (("role", "content"), ("from", "value"))
ASKING = frozenset({"user", "human", "prompter", "customer"})
MOST_TURNS = 500
_TEXT = r'(?:[^"\\]|\\.)*'
_TURN = re.compile(rf'\[\{{"(?:role|from)": "(?P<speaker>{_TEXT})", "(?:content|value)": "(?P<said>{_TEXT})')


@dataclass(frozen=True)
class Shown:
    """A cell in a table. `form` is null, number, time, text, nested, badge, bytes, image, audio or video; `text` its beginning.

    `url` is the page of the whole cell, empty where everything is shown here; `media` the address of the bytes. `note` says how much there is.
    """

    column: str
    form: str
    text: str = ""
    url: str = ""
    media: str = ""
    note: str = ""


@dataclass(frozen=True)
class Row:
    """A row: its number from 1 in the whole split, its page, and its cells."""

    number: int
    url: str
    cells: Sequence[Shown]


@dataclass(frozen=True)
class Turn:
    """One thing said in a dialogue."""

    speaker: str
    text: str
    asks: bool


def rows_of(tables: Tables, sheet: Sheet, found: Rows, *, room: int = SHOWN) -> list[Row]:
    """Return rows with cells of at most `room` characters."""
    place = {"config": sheet.config, "split": sheet.split}
    shown = []
    for number, cells in zip(found.numbers, found.cells, strict=True):
        address = tables.address("preview/row", **place, row=number + 1)
        made = [_shown(tables, place, number, column, cell, room) for column, cell in zip(found.columns, cells, strict=True)]
        shown.append(Row(number + 1, address, made))
    return shown


def _shown(tables: Tables, place: Mapping[str, str], number: int, column: Mapping[str, Any], cell: Any, room: int) -> Shown:
    name, kind = column["name"], str(column.get("kind", "text"))
    if cell is None:
        return Shown(name, "null")
    where = {**place, "row": number + 1, "column": name}
    whole = tables.address("preview/cell", **where)
    if kind in MEDIA and isinstance(cell, dict):
        note = size(cell["size"]) if cell.get("size") is not None else ""
        return Shown(name, kind, cell.get("file") or "", whole, tables.address("preview/media", **where), note)
    if isinstance(cell, dict) and "category" in cell:
        return Shown(name, "badge", str(cell["category"]))
    if isinstance(cell, dict) and "bytes" in cell:
        return Shown(name, "bytes", _hexadecimal(cell["bytes"], 8), whole, note=size(cell["length"]))
    form = "nested" if kind in NESTED else "number" if kind in ("integer", "number") else "time" if kind in ("time", "boolean") else "text"
    text = cell["text"] if isinstance(cell, dict) else _plain(cell)
    if form == "nested" and (said := _first_turn(text)):
        return Shown(name, "text", said, whole)
    if kind == "time":
        text = text.replace("T", " ")
    length = cell["length"] if isinstance(cell, dict) else len(text)
    if kind == "category":
        form = "badge" if length <= 40 else "text"
    if length <= (LINE if room == SHOWN else room) and "\n" not in text and not (isinstance(cell, dict) and cell.get("cut")):
        return Shown(name, form, text, whole if form == "nested" else "")
    return Shown(name, form, text[:room] + ("…" if length > room else ""), whole, note=characters(length))


def characters(length: int) -> str:
    """Return how long a text is, in words."""
    return ngettext("%(count)s character", "%(count)s characters", length) % {"count": grouped(length)}


def _plain(cell: Any) -> str:
    return ("true" if cell else "false") if isinstance(cell, bool) else cell if isinstance(cell, str) else json.dumps(cell)


def _hexadecimal(digits: str, most: int) -> str:
    pairs = [digits[start : start + 2] for start in range(0, len(digits), 2)]
    return " ".join(pairs[:most]) + (" …" if len(pairs) > most else "")


@dataclass(frozen=True)
class Answer:
    """What a query said, as a table."""

    result: Result

    @property
    def columns(self) -> Sequence[Mapping[str, str]]:
        """Names and types."""
        return self.result.columns

    @property
    def rows(self) -> list[list[Shown]]:
        """The cells; of a long one `note` tells the length and `url` is empty, as it stands nowhere else."""
        return [[self._cell(cell) for cell in row] for row in self.result.rows]

    @property
    def summary(self) -> str:
        """How many rows came, and how long it took."""
        count, seconds = len(self.result.rows), f"{self.result.seconds:.2f}"
        if self.result.truncated:
            return _("The first %(count)s rows, in %(seconds)s s") % {"count": grouped(count), "seconds": seconds}
        words = ngettext("%(count)s row, in %(seconds)s s", "%(count)s rows, in %(seconds)s s", count)
        return words % {"count": grouped(count), "seconds": seconds}

    @staticmethod
    def _cell(cell: Any) -> Shown:
        if cell is None:
            return Shown("", "null")
        if isinstance(cell, dict) and "bytes" in cell:
            return Shown("", "bytes", _hexadecimal(cell["bytes"], 8), note=size(cell["length"]))
        text = cell["text"] if isinstance(cell, dict) and "text" in cell else _plain(cell)
        form = "number" if isinstance(cell, int | float) and not isinstance(cell, bool) else "text"
        return Shown("", form, text, note=characters(len(text)) if len(text) > SHOWN else "")


@dataclass(frozen=True)
class Whole:
    """One cell as a whole: as text, as a dialogue, or as a picture or sound."""

    cell: Cell

    @property
    def form(self) -> str:
        """`null`, `media`, `turns`, `bytes` or `text`."""
        if self.cell.value is None:
            return "null"
        if self.cell.kind in MEDIA:
            return "media"
        if self.turns:
            return "turns"
        return "bytes" if isinstance(self.cell.value, dict) and "bytes" in self.cell.value else "text"

    @property
    def text(self) -> str:
        """The value as text: nested values indented, bytes in hexadecimal, sixteen to a line."""
        value = self.cell.value
        if isinstance(value, dict) and "category" in value:
            return str(value["category"])
        if isinstance(value, dict) and "bytes" in value:
            digits = value["bytes"]
            return "\n".join(_hexadecimal(digits[start : start + 32], 16) for start in range(0, len(digits), 32))
        if isinstance(value, str) and self.cell.kind in NESTED:
            try:
                return json.dumps(json.loads(value), ensure_ascii=False, indent=2)
            except (ValueError, RecursionError):
                return value
        return _plain(value)

    @property
    def turns(self) -> list[Turn]:
        """The cell as a dialogue, where it is a list of who said what."""
        if self.cell.kind not in NESTED or not isinstance(self.cell.value, str):
            return []
        return dialogue(self.cell.value)

    @property
    def length(self) -> str:
        """How much there is, in words; empty where that says nothing."""
        if self.cell.length is None:
            return ""
        return size(self.cell.length) if self.form == "bytes" else characters(self.cell.length)

    @property
    def warning(self) -> str:
        """What is missing here, if anything is."""
        if self.cell.cut:
            return _("Only the beginning of this cell was copied. Download the file to read all of it.")
        return _("Only the beginning is shown. Download the file to read all of it.") if self.cell.truncated else ""


def _first_turn(text: str) -> str:
    """Return who says what first in a dialogue of which `text` may be only the beginning, empty where it is something else."""
    found = _TURN.match(text)
    if found is None:
        return ""
    try:
        speaker, said = json.loads(f'"{found["speaker"]}"'), json.loads(f'"{found["said"]}"')
    except ValueError:
        return ""
    return f"{speaker}: {said}"[:SHOWN]


def dialogue(text: str) -> list[Turn]:
    """Return what is said in a JSON list of messages, as chat models are trained on; an empty list where `text` is something else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if not isinstance(found, list) or not 0 < len(found) <= MOST_TURNS:
        return []
    for speaker, said in SPEAKERS:
        if all(isinstance(turn, dict) and isinstance(turn.get(speaker), str) and isinstance(turn.get(said), str) for turn in found):
            return [Turn(turn[speaker], turn[said], turn[speaker].lower() in ASKING) for turn in found]
    return []
