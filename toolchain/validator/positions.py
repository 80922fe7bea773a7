"""JSON with the line of every value: strict, and bounded in depth."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

MAX_DEPTH = 64
MAX_DIGITS = 400

Kind = Literal["object", "list", "text", "int", "float", "flag", "null"]

_BLANK = re.compile(r"[ \t\r\n]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<real>\.[0-9]+)?(?P<power>[eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[-+]?(?:Infinity|NaN|\.?[0-9][0-9A-Za-z_.+-]*)")
_UNIT = re.compile(r"[0-9a-fA-F]{4}")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS: dict[str, tuple[Kind, Any]] = {"true": ("flag", True), "false": ("flag", False), "null": ("null", None)}
_NOT_FINITE = {"NaN", "Infinity", "-Infinity", "+Infinity", "-NaN", "inf", "nan"}


class Broken(Exception):
    """Text that is not JSON; `line` and `column` count from 1."""

    def __init__(self, code: str, line: int, column: int, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.line, self.column, self.facts = code, line, column, facts


@dataclass(frozen=True)
class Value:
    """A value and the line it begins on. An object's `value` is a dict of values, a list's a list of them; `keys` are lines of keys."""

    kind: Kind
    value: Any
    line: int
    keys: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """What a file holds, and the keys that stand twice in one object, each with the line of the repetition."""

    root: Value
    repeated: tuple[tuple[str, int], ...] = ()


def read(text: str) -> Document:
    """Return what `text` says by RFC 8259. Raises `Broken`."""
    reader = _Reader(text)
    root = reader.value(0)
    reader.blank()
    if reader.at < len(text):
        reader.fail("json_syntax", expected="end")
    return Document(root, tuple(reader.repeated))


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.repeated: list[tuple[str, int]] = []
        self._counted, self._lines = 0, 1

    def value(self, depth: int) -> Value:
        self.blank()
        line = self.line()
        if depth > MAX_DEPTH:
            self.fail("json_too_deep", limit=MAX_DEPTH)
        match self.text[self.at : self.at + 1]:
            case "{":
                return self._object(line, depth)
            case "[":
                return self._list(line, depth)
            case '"':
                return Value("text", self._text(), line)
        return self._scalar(line)

    def blank(self) -> None:
        self.at = _BLANK.match(self.text, self.at).end()  # type: ignore[union-attr]
        if self.text.startswith(("//", "/*", "#"), self.at):
            self.fail("json_comment")

    def line(self) -> int:
        self._lines += self.text.count("\n", self._counted, self.at)
        self._counted = max(self._counted, self.at)
        return self._lines

    def fail(self, code: str, at: int | None = None, **facts: Any) -> NoReturn:
        at = self.at if at is None else at
        if code == "json_syntax" and self.text.startswith("'", at):
            code, facts = "json_quotes", {}
        raise Broken(code, self.text.count("\n", 0, at) + 1, at - self.text.rfind("\n", 0, at), **facts)

    def _object(self, line: int, depth: int) -> Value:
        found: dict[str, Value] = {}
        keys: dict[str, int] = {}
        for _item in self._items("}"):
            if not self.text.startswith('"', self.at):
                self.fail("json_syntax", expected="key")
            key_line, key = self.line(), self._text()
            if key in found:
                self.repeated.append((key, key_line))
            self.blank()
            if not self.text.startswith(":", self.at):
                self.fail("json_syntax", expected="colon")
            self.at += 1
            found[key], keys[key] = self.value(depth + 1), key_line
        return Value("object", found, line, keys)

    def _list(self, line: int, depth: int) -> Value:
        return Value("list", [self.value(depth + 1) for _item in self._items("]")], line)

    def _items(self, end: str) -> Iterator[None]:
        """Step through what stands between commas until `end`; the caller reads each item in turn."""
        self.at += 1
        self.blank()
        if self.text.startswith(end, self.at):
            self.at += 1
            return
        while True:
            yield
            self.blank()
            if self.text.startswith(end, self.at):
                self.at += 1
                return
            if not self.text.startswith(",", self.at):
                self.fail("json_syntax", expected="comma" if self.at < len(self.text) else "closing")
            comma = self.at
            self.at += 1
            self.blank()
            if self.text.startswith(end, self.at):
                self.fail("json_trailing_comma", comma)

    def _text(self) -> str:
        begun = self.at
        self.at += 1
        parts = []
        while True:
            plain = _PLAIN.match(self.text, self.at)
            assert plain is not None
            parts.append(plain[0])
            self.at = plain.end()
            match self.text[self.at : self.at + 1]:
                case '"':
                    self.at += 1
                    return "".join(parts)
                case "\\":
                    parts.append(self._escape())
                case "" | "\n" | "\r":
                    self.fail("json_text_open", begun)
                case _:
                    self.fail("json_control")

    def _escape(self) -> str:
        kind = self.text[self.at + 1 : self.at + 2]
        if kind in _ESCAPES and kind:
            self.at += 2
            return _ESCAPES[kind]
        if kind != "u" or not (first := _UNIT.match(self.text, self.at + 2)):
            self.fail("json_escape")
        unit = int(first[0], 16)
        if 0xD800 <= unit < 0xDC00 and self.text.startswith("\\u", self.at + 6) and (second := _UNIT.match(self.text, self.at + 8)):
            low = int(second[0], 16)
            if 0xDC00 <= low < 0xE000:
                self.at += 12
                return chr(0x10000 + ((unit - 0xD800) << 10) + low - 0xDC00)
        if 0xD800 <= unit < 0xE000:
            self.fail("json_escape")
        self.at += 6
        return chr(unit)

    def _scalar(self, line: int) -> Value:
        word = _WORD.match(self.text, self.at)
        number = _NUMBER.match(self.text, self.at)
        if word is None:
            self.fail("json_syntax", expected="value")
        if word[0] in _WORDS:
            self.at = word.end()
            kind, value = _WORDS[word[0]]
            return Value(kind, value, line)
        if number is None or number.end() != word.end() or word.end() - self.at > MAX_DIGITS:
            if word[0] in _NOT_FINITE:
                self.fail("json_not_finite", word=word[0])
            self.fail("json_number" if word[0][0] in "-+.0123456789" else "json_word", word=word[0][:40])
        self.at = number.end()
        if number["real"] is None and number["power"] is None:
            return Value("int", int(number[0]), line)
        real = float(number[0])
        if real in (float("inf"), float("-inf")):
            self.fail("json_number", word.start(), word=word[0][:40])
        return Value("float", real, line)
