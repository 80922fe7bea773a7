"""YAML with hands tied: plain values only, bounded in every direction, and the place of everything for rewriting."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from assets.card.problems import CardError

MAX_MATTER = 262_144
MAX_NODES = 50_000
MAX_DEPTH = 32

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,30}|[0-9]{1,30}(?:\.[0-9]{0,30})?)(?:[eE][-+]?[0-9]{1,3})?")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None, "true": True, "True": True, "TRUE": True, "false": False,
          "False": False, "FALSE": False}  # fmt: skip
_CORE = "tag:yaml.org,2002:"
_TAGS = {f"{_CORE}{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}

Place = tuple[int, int]
"""Line and column, both from 0."""


@dataclass
class Node:
    """A value and where it stands; `end` is where its last character stands, not where the next thing begins."""

    value: Any
    start: Place
    end: Place
    style: str
    size: int = 1
    items: list["Node"] = field(default_factory=list)


@dataclass(frozen=True)
class Entry:
    """A top-level key with its value; `line` is where the key stands."""

    key: str
    line: int
    node: Node

    @property
    def last_line(self) -> int:
        return max(self.line, self.node.end[0])


@dataclass(frozen=True)
class Matter:
    """What the head of a card says. With `error` set, nothing of it could be read."""

    entries: tuple[Entry, ...] = ()
    error: CardError | None = None

    @property
    def values(self) -> dict[str, Any]:
        return {entry.key: entry.node.value for entry in self.entries}


class _Refused(Exception):
    def __init__(self, code: str, line: int, **params: Any) -> None:
        super().__init__(code)
        self.error = CardError(code, line, params)


def lines_of(text: str) -> list[str]:
    """Return the lines of `text` with their ends, split exactly where YAML sees a break."""
    found, position = [], 0
    for mark in _BREAK.finditer(text):
        found.append(text[position : mark.end()])
        position = mark.end()
    return [*found, text[position:]] if position < len(text) else found


def read(text: str, offset: int = 0) -> Matter:
    """Return what the YAML in `text` says; `offset` is the number of lines before it in the file."""
    if len(text) > MAX_MATTER:
        return Matter(error=CardError("front_matter_too_large", offset + 1, {"limit": MAX_MATTER}))
    if bad := _FORBIDDEN.search(text):
        return Matter(error=CardError("bad_characters", offset + 1 + len(_BREAK.findall(text, 0, bad.start()))))
    try:
        return Matter(entries=tuple(_Builder(text).entries()))
    except _Refused as refused:
        error = refused.error
        return Matter(error=CardError(error.code, error.line + offset, error.params))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line if mark else 0
        lines = lines_of(text)
        if 0 <= line < len(lines) and "\t" in lines[line]:
            return Matter(error=CardError("tab_indentation", offset + line + 1))
        return Matter(error=CardError("yaml_syntax", offset + line + 1, {"problem": str(error.problem or error.context or "")[:200]}))
    except yaml.YAMLError:
        return Matter(error=CardError("bad_characters", offset + 1))


class _Builder:
    """Builds values from parser events one by one, so that a bomb is refused before it is read to its end."""

    def __init__(self, text: str) -> None:
        self.events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
        self.anchors: dict[str, Node] = {}
        self.nodes = 0

    def entries(self) -> Iterator[Entry]:
        next(self.events)
        first = next(self.events)
        if isinstance(first, yaml.StreamEndEvent):
            return
        root = next(self.events)
        if isinstance(root, yaml.ScalarEvent) and root.value == "" and root.implicit[0]:
            return
        if not isinstance(root, yaml.MappingStartEvent):
            raise _Refused("not_mapping", root.start_mark.line + 1)
        self._check_tag(root)
        yield from self._pairs(1)
        next(self.events)
        if not isinstance(extra := next(self.events), yaml.StreamEndEvent):
            raise _Refused("yaml_syntax", extra.start_mark.line + 1, problem="more than one document")

    def _pairs(self, depth: int) -> Iterator[Entry]:
        seen: set[str] = set()
        event: Any
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            line = event.start_mark.line
            if not isinstance(event, yaml.ScalarEvent):
                raise _Refused("bad_key", line + 1)
            if event.value in seen:
                raise _Refused("duplicate_key", line + 1, key=event.value[:80])
            seen.add(event.value)
            yield Entry(event.value, line, self._node(next(self.events), depth))
        self.last = _end(event)

    def _node(self, event: Any, depth: int) -> Node:
        line = event.start_mark.line + 1
        if depth > MAX_DEPTH:
            raise _Refused("too_deep", line, limit=MAX_DEPTH)
        start, end = _start(event), _end(event)
        if isinstance(event, yaml.AliasEvent):
            known = self.anchors.get(str(event.anchor))
            if known is None:
                raise _Refused("bad_alias", line, name=str(event.anchor)[:80])
            self._count(known.size, line)
            return Node(known.value, start, end, "alias", known.size)
        self._check_tag(event)
        self._count(1, line)
        if isinstance(event, yaml.ScalarEvent):
            node = Node(_typed(event), start, end, event.style or "", 1)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(event, start, depth)
        else:
            node = self._mapping(event, start, depth)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def _sequence(self, event: Any, start: Place, depth: int) -> Node:
        items: list[Node] = []
        inner: Any
        while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
            items.append(self._node(inner, depth + 1))
        flow = bool(event.flow_style)
        end = _end(inner) if flow else items[-1].end if items else start
        return Node([item.value for item in items], start, end, "[" if flow else "-", 1 + sum(item.size for item in items), items)

    def _mapping(self, event: Any, start: Place, depth: int) -> Node:
        pairs = list(self._pairs(depth + 1))
        flow = bool(event.flow_style)
        end = self.last if flow else pairs[-1].node.end if pairs else start
        size = 1 + sum(pair.node.size + 1 for pair in pairs)
        return Node({pair.key: pair.node.value for pair in pairs}, start, end, "{" if flow else ":", size)

    def _count(self, nodes: int, line: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise _Refused("too_many_values", line, limit=MAX_NODES)

    def _check_tag(self, event: Any) -> None:
        if event.tag not in (None, "!") and event.tag not in _TAGS:
            raise _Refused("tag", event.start_mark.line + 1, tag=str(event.tag)[:80])


def _start(event: Any) -> Place:
    return event.start_mark.line, event.start_mark.column


def _end(event: Any) -> Place:
    return event.end_mark.line, event.end_mark.column


def _typed(event: Any) -> Any:
    """Return the value of a scalar by the core schema of YAML 1.2: `no` is a word, and a date is one too."""
    text = event.value
    if event.tag in (f"{_CORE}str", "!") or not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if number == number and abs(number) != float("inf") else text
    return text
