"""HTML, SVG and XML that run scripts, reach out, or grow when they are parsed."""

import re
from collections.abc import Iterator

from inspection.safety.findings import Finding

MOST_MARKUP = 32 << 20
_SCRIPT = re.compile(
    r"<\s*script\b|\bjavascript\s*:|<\s*(?:iframe|object|embed|applet)\b|<[^<>]{0,400}?\son(?:load|error|click|mouseover|begin|end|focus|toggle)\s*=",
    re.IGNORECASE,
)
_HANDLER = re.compile(r"<\s*foreignObject\b", re.IGNORECASE)
_ENTITY = re.compile(r"<!ENTITY\s+(%?)\s*([\w.-]+)\s+(SYSTEM|PUBLIC)?\s*[\"']([^\"']{0,10000})", re.IGNORECASE)
_REFERENCE = re.compile(r"[&%]([\w.-]+);")


def markup(text: str, form: str) -> Iterator[Finding]:
    """Yield what an `html`, `svg` or `xml` file does beyond showing something."""
    found = _SCRIPT.search(text) or (_HANDLER.search(text) if form == "svg" else None)
    if found and form in ("html", "svg", "xml"):
        yield Finding("markup_script", "caution", "", {"line": text.count("\n", 0, found.start()) + 1})
    yield from _entities(text)


def has_script(text: str) -> bool:
    """Whether a piece of HTML runs something where it is shown."""
    return _SCRIPT.search(text) is not None


def _entities(text: str) -> Iterator[Finding]:
    weights: dict[str, int] = {}
    for count, match in enumerate(_ENTITY.finditer(text)):
        _parameter, name, outside, value = match.groups()
        if outside:
            yield Finding("xml_external_entity", "caution", "", {"line": text.count("\n", 0, match.start()) + 1})
            return
        # An entity weighs what it expands to; each may only use those before it, else it is a loop.
        weights[name] = min(len(value) + sum(weights.get(used, 0) for used in _REFERENCE.findall(value)), 1 << 62)
        if weights[name] > 10_000_000 or count > 10_000:
            yield Finding("xml_entity_bomb", "danger", "", {"line": text.count("\n", 0, match.start()) + 1})
            return
