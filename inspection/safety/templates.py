"""Jinja templates, of chats above all: parsed, never rendered.

A chat template is run with what a server knows of a conversation. The libraries run it in a sandbox; what tries to leave one, or to
keep it busy for ever, has no business in a conversation.
"""

import re
from collections.abc import Iterator
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from inspection.files import Unreadable
from inspection.safety.findings import Finding

MOST_TEMPLATE = 256 << 10
MOST_TURNS = 100_000
MOST_CONSTANT = 1_000
# What the libraries switch on; the tags `generation`, which they add, stand for what is inside them.
_ENVIRONMENT = ImmutableSandboxedEnvironment(extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do"])
_INNER = {
    "mro", "func_globals", "func_code", "gi_frame", "gi_code", "cr_frame", "f_globals", "f_builtins", "f_back", "tb_frame",
    "format_map", "_TemplateReference__context", "undefined_exception",
}  # fmt: skip
_OBJECTS = {"cycler", "joiner", "lipsum", "self", "request", "url_for", "get_flashed_messages"}
_GENERATION = re.compile(r"\{%[-+]?\s*(?:end)?generation\s*[-+]?%\}")
_REACHING = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)


def template(text: str) -> Iterator[Finding]:
    """Yield what a template reaches for, one finding for each kind, with its line. Raises `Unreadable` (`broken_template`, `too_large`)."""
    if len(text) > MOST_TEMPLATE:
        raise Unreadable("too_large", limit=MOST_TEMPLATE)
    try:
        tree = _ENVIRONMENT.parse(_GENERATION.sub("", text))
    except TemplateError as error:
        raise Unreadable("broken_template", line=getattr(error, "lineno", 0) or 0) from error
    except (RecursionError, MemoryError, ValueError) as error:
        raise Unreadable("broken_template", line=0) from error
    seen: set[str] = set()
    waiting: list[tuple[nodes.Node, float]] = [(tree, 1)]
    while waiting:
        node, turns = waiting.pop()
        turns = min(turns * _turns(node), 1e300)
        waiting.extend((child, turns) for child in node.iter_child_nodes())
        for finding in (*_node(node), *([Finding("template_bomb", "danger", "", {"line": node.lineno})] if turns > MOST_TURNS else ())):
            if finding.code not in seen:
                seen.add(finding.code)
                yield finding


def chat_templates(document: Any) -> Iterator[str]:
    """Yield the templates that a tokenizer's or processor's configuration carries: one text, several by name, or nested ones."""
    if not isinstance(document, dict):
        return
    value = document.get("chat_template")
    named = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    for entry in named:
        text = entry.get("template") if isinstance(entry, dict) else entry
        if isinstance(text, str):
            yield text


def _turns(node: nodes.Node) -> float:
    """Return how often a loop over a constant range turns, 1 for whatever else."""
    if isinstance(node, nodes.For) and isinstance(node.iter, nodes.Call) and isinstance(node.iter.node, nodes.Name):
        if node.iter.node.name == "range" and node.iter.args:
            return max(1, *((_number(part) or 1) for part in node.iter.args))
    return 1


def _node(node: nodes.Node) -> Iterator[Finding]:
    line = {"line": node.lineno}
    if isinstance(node, nodes.Getattr) and _is_inner(node.attr):
        yield Finding("template_escape", "danger", "", {**line, "name": node.attr[:100]})
    elif isinstance(node, nodes.Getitem) and (name := _constant(node.arg)) is not None and _is_inner(name):
        yield Finding("template_escape", "danger", "", {**line, "name": name[:100]})
    elif isinstance(node, nodes.Const) and isinstance(node.value, str) and "__" in node.value and _has_dunder(node.value):
        yield Finding("template_escape", "danger", "", {**line, "name": node.value[:100]})
    elif isinstance(node, nodes.Concat) and _has_dunder(_constant(node) or ""):
        yield Finding("template_escape", "danger", "", {**line, "name": (_constant(node) or "")[:100]})
    elif isinstance(node, nodes.Filter) and node.name in ("attr", "map") and _filtered(node):
        # A harmless name written out is no more than a dot; a computed one can be any.
        yield Finding("template_attr", "caution" if _is_plain(node) else "danger", "", line)
    elif isinstance(node, _REACHING):
        yield Finding("template_import", "caution", "", line)
    elif isinstance(node, (nodes.Getattr, nodes.Getitem)) and isinstance(node.node, nodes.Name) and node.node.name in _OBJECTS:
        yield Finding("template_object", "caution", "", {**line, "name": node.node.name})
    elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
        yield from _call(node, node.node.name, line)
    elif isinstance(node, (nodes.Mul, nodes.Pow)) and _is_huge(node):
        yield Finding("template_bomb", "danger", "", line)
    if isinstance(node, nodes.Getattr) and node.attr in ("format", "format_map") and isinstance(node.node, nodes.Const):
        if "{" in str(node.node.value) and any(sign in str(node.node.value) for sign in (".", "[")):
            yield Finding("template_format", "caution", "", line)


def _call(node: nodes.Call, name: str, line: dict[str, int]) -> Iterator[Finding]:
    if name == "range" and any((_number(part) or 0) > MOST_TURNS for part in node.args):
        yield Finding("template_bomb", "danger", "", line)
    elif name == "lipsum":
        yield Finding("template_object", "caution", "", {**line, "name": name})


def _filtered(node: nodes.Filter) -> bool:
    """Whether a filter looks up attributes: `attr` always, `map` where it is told to use `attr` or a hidden name."""
    if node.name == "attr":
        return True
    names = [_constant(part) or "" for part in node.args] + [_constant(pair.value) or "" for pair in node.kwargs]
    return any(name == "attr" or _has_dunder(name) for name in names)


def _is_plain(node: nodes.Filter) -> bool:
    names = [_constant(part) for part in node.args]
    return node.name == "attr" and bool(names) and all(name is not None and not _is_inner(name) for name in names)


def _is_inner(name: str) -> bool:
    return (name.startswith("__") and name.endswith("__")) or name in _INNER


def _has_dunder(text: str) -> bool:
    return any(
        word in text
        for word in (
            "__class__",
            "__globals__",
            "__builtins__",
            "__init__",
            "__subclasses__",
            "__mro__",
            "__base",
            "__import__",
            "__getattr",
            "__dict__",
        )
    )


def _constant(node: nodes.Node) -> str | None:
    """Return the text that an expression of constants comes to, at most a thousand characters of it: joined and reversed pieces too."""
    if isinstance(node, nodes.Const):
        return node.value[:MOST_CONSTANT] if isinstance(node.value, str) else None
    if isinstance(node, nodes.Add):
        parts = [_constant(node.left), _constant(node.right)]
    elif isinstance(node, nodes.Concat):
        parts = [_constant(part) for part in node.nodes]
    elif isinstance(node, nodes.Filter) and node.name == "join" and isinstance(node.node, (nodes.List, nodes.Tuple)):
        parts = [_constant(part) for part in node.node.items]
    elif (isinstance(node, nodes.Filter) and node.name == "reverse") or (
        isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice) and _number(node.arg.step or node.arg) == -1
    ):
        return (_constant(node.node) or "")[::-1] or None if node.node is not None else None
    else:
        return None
    return None if None in parts else "".join(part or "" for part in parts)[:MOST_CONSTANT]


def _number(node: nodes.Node) -> float | None:
    if isinstance(node, nodes.Const) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, nodes.Neg):
        return -(_number(node.node) or 0)
    if isinstance(node, (nodes.Mul, nodes.Pow)):
        left, right = _number(node.left), _number(node.right)
        if left is None or right is None:
            return None
        if isinstance(node, nodes.Mul):
            return min(left * right, 1e300) if abs(left) < 1e150 and abs(right) < 1e150 else 1e300
        return 1e300 if right > 64 and left > 1 else float(left**right) if right >= 0 and left < 1e4 else None
    return None


def _is_huge(node: nodes.Mul | nodes.Pow) -> bool:
    """Whether a text or list is repeated so often, or a number is raised so far, that it fills the memory."""
    if (value := _number(node)) is not None:
        return value >= 1e30
    for text, times in ((node.left, node.right), (node.right, node.left)):
        if isinstance(text, (nodes.Const, nodes.List)) and (_number(times) or 0) > 10_000_000:
            return True
    return False
