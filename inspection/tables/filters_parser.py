"""The language of the filter box.

    expression = term {"or" term}           term = factor {"and" factor}       factor = "not" factor | "(" expression ")" | test
    test  = value ("=" | "!=" | "<" | "<=" | ">" | ">=") value | value ["not"] "contains" text | value ["not"] "in" "(" literal {"," literal} ")"
          | value "is" ["not"] "null" | column (of booleans)
    value = column | "length(" column ")" | literal
    literal = number | "text" | 'text' | date or time such as 2025-11-01 or 2025-11-01T08:30 | true | false

A column is a bare word, or anything between back quotes: `Caller's name`. Words are the same in capitals. Text is compared exactly by `=`
and without regard to capitals by `contains`. A test against a missing value or NaN is false, also under `not`: ask with `is null`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from inspection.files import Unreadable
from inspection.tables import filters_sql as sql
from inspection.tables.filters_sql import Columns, Condition

MOST_TEXT = 4000
MOST_DEPTH = 50

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<moment>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?(?!\w))
      | (?P<time>\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?!\w))
      | (?P<number>-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?!\w))
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|“[^”]*”)
      | (?P<quoted>`[^`]+`)
      | (?P<sign><=|>=|!=|<>|==|=|<|>|\(|\)|,|，|（|）|≤|≥|≠)
      | (?P<word>[^\W\d][\w.-]*)""",
    re.VERBOSE,
)
_SAME = {"==": "=", "<>": "!=", "≤": "<=", "≥": ">=", "≠": "!=", "，": ",", "（": "(", "）": ")"}
_COMPARED = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_COUNT = {"kind": "integer"}
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "null", "contains", "true", "false", "length"})


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        return self.text.lower() if self.kind == "word" else ""


@dataclass(frozen=True)
class _Operand:
    """One side of a test: SQL over a column (with the column, and whether it is its length), or a literal."""

    at: int
    column: Mapping[str, Any] | None = None
    length: bool = False
    value: Any = None


class Parser:
    """Reads one text over known columns. Raises `Unreadable` as `inspection.tables.filters.condition` says."""

    def __init__(self, text: str, columns: Columns) -> None:
        if len(text) > MOST_TEXT:
            raise Unreadable("filter_too_long", limit=MOST_TEXT)
        self.columns, self.position, self.depth = columns, 0, 0
        self.tokens = [*_tokens(text), _Token("end", "", len(text))]

    def condition(self) -> Condition:
        """Return what the whole text says."""
        found = self._either()
        if self._next.kind != "end":
            raise self._unexpected()
        return found

    @property
    def _next(self) -> _Token:
        return self.tokens[self.position]

    def _take(self, *wanted: str) -> _Token | None:
        token = self._next
        if token.word in wanted or (token.kind == "sign" and token.text in wanted):
            self.position += 1
            return token
        return None

    def _expect(self, wanted: str) -> None:
        if self._take(wanted) is None:
            raise self._unexpected()

    def _unexpected(self) -> Unreadable:
        return Unreadable("filter_syntax", at=self._next.at, found=self._next.text[:40])

    def _either(self) -> Condition:
        return self._joined("or", lambda: self._joined("and", self._factor))

    def _joined(self, word: str, read: Callable[[], Condition]) -> Condition:
        parts = [read()]
        while self._take(word):
            parts.append(read())
        return sql.joined(word.upper(), parts, "true")

    def _factor(self) -> Condition:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise Unreadable("filter_too_deep", limit=MOST_DEPTH)
        try:
            if self._take("not"):
                inner = self._factor()
                return Condition(f"NOT ({inner.sql})", inner.values)
            if self._take("("):
                inner = self._either()
                self._expect(")")
                return inner
            return self._test()
        finally:
            self.depth -= 1

    def _test(self) -> Condition:
        left = self._operand()
        if self._take("is"):
            negated = self._take("not") is not None
            self._expect("null")
            return self._negated(Condition(sql.null(self._column(left))), negated)
        negated = self._take("not") is not None
        if self._take("contains"):
            return self._negated(self._containing(left), negated)
        if self._take("in"):
            return self._negated(self._among(left), negated)
        sign = None if negated else self._take(*_COMPARED)
        if sign is not None:
            return self._compared(left, sign.text, self._operand())
        if not negated and left.column is not None and left.column.get("kind") == "boolean" and not left.length:
            return Condition(sql.quoted(left.column))
        raise self._unexpected()

    @staticmethod
    def _negated(found: Condition, negated: bool) -> Condition:
        return Condition(f"NOT ({found.sql})", found.values) if negated else found

    def _column(self, operand: _Operand) -> Mapping[str, Any]:
        if operand.column is None:
            raise Unreadable("filter_syntax", at=operand.at, found=str(operand.value)[:40])
        return operand.column

    def _containing(self, left: _Operand) -> Condition:
        column = self._column(left)
        if left.length:
            raise Unreadable("filter_operator", at=left.at, column=column["name"])
        wanted = self._operand()
        if not isinstance(wanted.value, str):
            raise Unreadable("filter_type", at=wanted.at, column=column["name"], value=self._said(wanted))
        return sql.contains(column, wanted.value, left.at)

    def _among(self, left: _Operand) -> Condition:
        side = self._side(left)
        self._expect("(")
        values = [self._bound(left, self._operand())]
        while self._take(","):
            values.append(self._bound(left, self._operand()))
        self._expect(")")
        marks = ", ".join(value.sql for value in values)
        return Condition(f"{side} IN ({marks})", tuple(value for one in values for value in one.values))

    def _compared(self, left: _Operand, sign: str, right: _Operand) -> Condition:
        if left.column is None and right.column is not None:
            left, right, sign = right, left, _MIRRORED[sign]
        side = self._side(left)
        if right.column is None:
            value = self._bound(left, right)
            return Condition(f"{side} {_COMPARED[sign]} {value.sql}", value.values)
        if self._family(left) != self._family(right):
            raise Unreadable("filter_type", at=right.at, column=self._column(left)["name"], value=self._said(right))
        return Condition(f"{side} {_COMPARED[sign]} {self._side(right)}")

    def _side(self, operand: _Operand) -> str:
        column = self._column(operand)
        return sql.length(column, operand.at) if operand.length else sql.comparable(column, operand.at)

    def _bound(self, left: _Operand, right: _Operand) -> Condition:
        """Return the literal `right` as a value for what `left` is."""
        column = self._column(left)
        if right.column is not None:
            raise Unreadable("filter_syntax", at=right.at, found=self._said(right))
        return sql.bound(_COUNT | {"name": column["name"]} if left.length else column, right.value, right.at)

    def _family(self, operand: _Operand) -> str:
        kind = str(self._column(operand).get("kind"))
        return "number" if operand.length or kind == "integer" else kind

    @staticmethod
    def _said(operand: _Operand) -> str:
        return str(operand.value if operand.column is None else operand.column["name"])[:100]

    def _operand(self) -> _Operand:
        token = self._next
        self.position += 1
        match token.kind:
            case "number":
                return _Operand(token.at, value=_number(token))
            case "text":
                return _Operand(token.at, value=re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL))
            case "moment" | "time":
                return _Operand(token.at, value=token.text)
            case "quoted":
                return _Operand(token.at, sql.known(token.text[1:-1], self.columns, token.at))
            case "word" if token.word in ("true", "false"):
                return _Operand(token.at, value=token.word == "true")
            case "word" if token.word == "length" and self._next.text in ("(", "（"):
                self.position += 1
                inner = self._operand()
                self._expect(")")
                return _Operand(token.at, self._column(inner), length=True)
            case "word" if token.word not in _KEYWORDS or any(column["name"] == token.text for column in self.columns):
                return _Operand(token.at, sql.known(token.text, self.columns, token.at))
        self.position -= 1
        raise self._unexpected()


def _number(token: _Token) -> int | float:
    digits = token.text.lstrip("-")
    # The engine's widest whole number has 38 digits.
    return int(token.text) if digits.isdigit() and len(digits) <= 38 else float(token.text)


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Unreadable("filter_syntax", at=at, found=text[at : at + 40])
        kind = str(found.lastgroup)
        if kind != "space":
            yield _Token(kind, _SAME.get(found[0], found[0]), at)
        at = found.end()
