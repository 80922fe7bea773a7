"""Writing settings into a card, touching nothing else.

The head is edited line by line where a value stands, instead of being loaded and dumped: comments, order, quoting, indentation
and unknown keys stay byte for byte.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from assets.card.keys import BY_COLUMN, COLUMNS, DEFAULTS, Setting, key_for
from assets.card.matter import Entry, Node, lines_of, read
from assets.card.problems import CardError
from assets.card.reading import Card, Speller, code_of, parse
from assets.taxonomy import spelled as spelled_in_data

_PLAIN = re.compile(r"[A-Za-z0-9_\u3400-\u9fff](?:[\w .+/@()\u3000-\u303f\uff01-\uff5e-]*[\w.+/@()\u3000-\u303f\uff01-\uff5e-])?")


class CardUnreadable(ValueError):
    """The head of the card is not valid, so nothing can be written into it; `errors` say why."""

    def __init__(self, errors: Sequence[CardError]) -> None:
        super().__init__(", ".join(error.code for error in errors))
        self.errors = tuple(errors)


def compose(settings: Mapping[str, Any], *, kind: str, title: str) -> str:
    """Return the text of a new card: the settings that say something, and a heading."""
    return rewrite(f"# {title}\n", settings, kind=kind)


def rewrite(text: str, settings: Mapping[str, Any], *, kind: str = "model", spelled: Speller | None = None) -> str:
    """Return `text` with `settings` in its head; only the columns named there, and of those only what differs, change.

    Values are codes of the vocabularies. A card keeps the style of its keys; a new head gets the Hub's. Raises
    `CardUnreadable` where the head is broken.
    """
    spelled = spelled or spelled_in_data
    card = parse(text, spelled)
    if not card.readable:
        raise CardUnreadable(card.errors)
    wanted = {column: _tidy(column, settings[column]) for column in COLUMNS if column in settings}
    changes = {column: value for column, value in wanted.items() if column not in card.settings or card.settings[column] != value}
    if not changes:
        return text
    head = _Head(card, kind, spelled)
    for column, value in changes.items():
        head.write(BY_COLUMN[column], value)
    written = head.text()
    now = parse(written, spelled)
    if stubborn := [column for column, value in changes.items() if not now.readable or now.settings.get(column) != value]:
        written = _anew(card, kind, spelled, changes, stubborn)
    return written


def _tidy(column: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return list(dict.fromkeys(word for item in value if (word := " ".join(str(item).split()))))
    return bool(value) if BY_COLUMN[column].shape == "flag" else " ".join(str(value).split())


def _anew(card: Card, kind: str, spelled: Speller, changes: Mapping[str, Any], stubborn: Sequence[str]) -> str:
    """Write the columns that could not be edited in place as lines of their own, in place of every key they may be read from."""
    head = _Head(card, kind, spelled)
    for column, value in changes.items():
        if column in stubborn:
            head.drop_all(BY_COLUMN[column])
            head.append(BY_COLUMN[column], value)
        else:
            head.write(BY_COLUMN[column], value)
    return head.text()


class _Head:
    """The lines of a card's head under change; edits are collected by line and applied from the bottom up."""

    def __init__(self, card: Card, kind: str, spelled: Speller) -> None:
        self.card, self.kind, self.spelled = card, kind, spelled
        self.lines = lines_of(card.text[card.start : card.end])
        self.eol = "\r\n" if "\r\n" in card.text[:2000] else "\n"
        self.edits: dict[int, tuple[int, list[str]]] = {}
        self.added: list[str] = []
        self.by_key = {entry.key: entry for entry in card.entries}

    def write(self, setting: Setting, value: Any) -> None:
        """Say `value` where the card says this setting now, or in a new line."""
        entry = self.by_key.get(self.card.keys.get(setting.column, ""))
        if setting.column == "licence" and value != "other":
            # They belong to the licence that was there before.
            self.drop("license_name", "license_link")
        if entry is None:
            if value != DEFAULTS[setting.column]:
                self.append(setting, value)
        elif value in ("", []):
            self.drop_all(setting)
        elif setting.column == "frameworks" and entry.key.lower() == "library_name" and len(value) > 1:
            self.append(setting, value)
        elif isinstance(entry.node.value, list):
            self._replace_list(setting, entry, value)
        else:
            self._replace(entry, self._inline(setting, value, entry.node.style))

    def drop(self, *names: str) -> None:
        """Remove the keys of these names, in any case."""
        for entry in self.card.entries:
            if entry.key.lower().replace("-", "_") in names:
                self.edits[entry.line] = (entry.last_line, [])

    def drop_all(self, setting: Setting) -> None:
        """Remove every key that this setting is read from, or would be once the others are gone."""
        names = set(setting.names)
        if setting.column == "title_zh" and self.card.keys.get("title_zh", "").lower() != "pretty_name":
            names.discard("pretty_name")
        self.drop(*names)

    def append(self, setting: Setting, value: Any) -> None:
        """Say `value` in a line of its own at the end."""
        key = key_for(setting, self.card.style, self.kind, len(value) if isinstance(value, list) else 1)
        self.added.append(f"{key}: {self._inline(setting, value, '', key)}{self.eol}")

    def text(self) -> str:
        """Return the whole card with the edits in it."""
        lines = list(self.lines)
        for first in sorted(self.edits, reverse=True):
            last, fresh = self.edits[first]
            lines[first : last + 1] = fresh
        if lines and self.added and not lines[-1].endswith(("\n", "\r")):
            lines[-1] += self.eol
        head = "".join([*lines, *self.added])
        source = self.card.text
        if self.card.fenced or self.card.entries:
            return source[: self.card.start] + head + source[self.card.end :]
        mark = "\ufeff" if source.startswith("\ufeff") else ""
        body = source.removeprefix("\ufeff")
        gap = "" if not body or body.startswith(("\n", "\r\n")) else self.eol
        return f"{mark}---{self.eol}{head}---{self.eol}{gap}{body}"

    def _inline(self, setting: Setting, value: Any, style: str, key: str = "") -> str:
        """Return `value` as it stands behind a key: behind the new `key`, or in the place of one value in quotes of `style`."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, list):
            return f"[{_scalar(value)}]" if key == "task_categories" else _scalar(value, style)
        if len(value) == 1 and (not key or key == "library_name" or setting.column == "base_models"):
            return _scalar(value[0], style)
        return "[" + ", ".join(_scalar(word) for word in value) + "]"

    def _replace(self, entry: Entry, fresh: str) -> None:
        """Put `fresh` in the place of the value, keeping what stands before and behind it."""
        node, first = entry.node, self.lines[entry.line]
        if node.style in ("|", ">") or node.start[0] != entry.line or node.end[0] != entry.line:
            opening = first[: first.index(":", self._key_end(entry)) + 1]
            self.edits[entry.line] = (self._last(entry), [f"{opening} {fresh}{self.eol}"])
            return
        before, behind = first[: node.start[1]], first[node.end[1] :]
        space = "" if before.endswith((" ", "\t")) else " "
        self.edits[entry.line] = (entry.line, [f"{before}{space}{fresh}{behind}"])

    def _replace_list(self, setting: Setting, entry: Entry, value: Any) -> None:
        node = entry.node
        codes = [code_of(setting, str(item.value), self.spelled) for item in node.items]
        if setting.shape == "one":
            value = [value, *(code for code in codes[1:] if code != value)]
        if node.style != "-":
            kept = [self._source(item) for item in node.items] if node.start[0] == node.end[0] else []
            words = [kept[codes.index(code)] if kept and code in codes else _scalar(code) for code in value]
            self._replace(entry, f"[{', '.join(words)}]")
            return
        first_lines = [item.start[0] for item in node.items]
        chunks = [self.lines[start:end] for start, end in zip(first_lines, [*first_lines[1:], self._last(entry) + 1], strict=True)]
        lead = chunks[0][0][: node.items[0].start[1]]
        fresh = [line for code in value for line in (chunks[codes.index(code)] if code in codes else [f"{lead}{_scalar(code)}{self.eol}"])]
        fresh = [line if line.endswith(("\n", "\r")) else line + self.eol for line in fresh]
        self.edits[entry.line] = (self._last(entry), [*self.lines[entry.line : first_lines[0]], *fresh])

    def _source(self, item: Node) -> str:
        return self.lines[item.start[0]][item.start[1] : item.end[1]]

    def _key_end(self, entry: Entry) -> int:
        line = self.lines[entry.line]
        quoted = re.match(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')""", line)
        return quoted.end() if quoted else len(entry.key)

    def _last(self, entry: Entry) -> int:
        """Return the last line of an entry's content; a block of text ends where the next thing begins."""
        following = [other.line for other in self.card.entries if other.line > entry.line]
        last = min(entry.last_line, (min(following) if following else len(self.lines)) - 1)
        while last > entry.line and not self.lines[last].strip():
            last -= 1
        return last


def _scalar(word: str, style: str = "") -> str:
    """Return `word` as YAML that reads back as the same text, in the quotes of `style` where it has some."""
    if style == "'" and "\n" not in word:
        return "'" + word.replace("'", "''") + "'"
    if style != '"' and _PLAIN.fullmatch(word):
        entries = read(f"k: {word}\n").entries
        if len(entries) == 1 and entries[0].node.value == word:
            return word
    return json.dumps(word, ensure_ascii=False)
