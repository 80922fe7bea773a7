"""The front matter of a dataset's card as plain values, bounded in every direction."""

from collections.abc import Iterator
from typing import Any

import yaml

MAX_TEXT = 262_144
MAX_NODES = 50_000
MAX_DEPTH = 32
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Refused(ValueError):
    """More than is read."""


def block_of(text: str) -> str:
    """Return the YAML between the two lines of dashes that a card begins with, nothing where it does not."""
    lines = text[: MAX_TEXT + 100].splitlines()
    if not lines or lines[0] != "---" or "---" not in lines[1:]:
        return ""
    return "\n".join(lines[1 : lines.index("---", 1)])


def parsed(text: str) -> dict[str, Any]:
    """Return the mapping that `text` is, an empty one where it is none or cannot be read."""
    if len(text) > MAX_TEXT:
        return {}
    try:
        value = _Builder(text).value()
    except (yaml.YAMLError, _Refused, ValueError, StopIteration):
        return {}
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}


class _Builder:
    """Builds values from parser events, so that a bomb is refused before it is read to its end."""

    def __init__(self, text: str) -> None:
        self.events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
        self.plain: Any = yaml.SafeLoader("")
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.count = 0

    def value(self) -> Any:
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                return self._node(next(self.events), 0)
        return None

    def _node(self, event: Any, depth: int) -> Any:
        self.count += 1
        if self.count > MAX_NODES or depth > MAX_DEPTH:
            raise _Refused
        before = self.count
        if isinstance(event, yaml.AliasEvent):
            value, size = self.anchors.get(event.anchor or "", (None, 1))
            self.count += size
            if self.count > MAX_NODES:
                raise _Refused
            return value
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = []
            while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
                value.append(self._node(inner, depth + 1))
        else:
            value = {}
            while not isinstance(inner := next(self.events), yaml.MappingEndEvent):
                key = self._node(inner, depth + 1)
                value[key if isinstance(key, str) else str(key)] = self._node(next(self.events), depth + 1)
        if event.anchor:
            self.anchors[event.anchor] = (value, self.count - before + 1)
        return value

    def _scalar(self, event: Any) -> Any:
        tag = event.tag if event.tag not in (None, "!") else self.plain.resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag.rpartition(":")[2] in ("int", "float", "bool", "null"):
            return self.plain.construct_object(yaml.ScalarNode(tag, event.value))
        return event.value
