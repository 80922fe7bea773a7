"""The classes of a script with what they inherit, as far as the scripts of its folder show it."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from toolchain.validator.findings import Notes
from toolchain.validator.scripts import Folder

MAX_BASES = 64
# Classes of the standard library that bring neither a call nor an initialisation of their own.
_PLAIN_BASES = frozenset({"object", "ABC", "Generic", "Protocol"})

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class Class:
    """A class and the script in which it stands, by its path in the folder."""

    node: ast.ClassDef
    script: str

    @property
    def name(self) -> str:
        return self.node.name


@dataclass(frozen=True)
class Method:
    """What a class offers under a name: a function, `unknown` where that cannot be told from the scripts, or nothing."""

    state: Literal["found", "unknown", "absent"]
    function: Function | None = None
    script: str = ""
    line: int = 0
    base: str = ""


ABSENT = Method("absent")


def statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a body, those inside `if`, `try` and `with` included, without those of functions and classes."""
    stack = list(reversed(body))
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While):
            inner = [*node.body, *getattr(node, "orelse", []), *getattr(node, "finalbody", [])]
            inner += [statement for handler in getattr(node, "handlers", []) for statement in handler.body]
            stack += reversed(inner)


class Classes:
    """Looks up the classes of the scripts of one folder."""

    def __init__(self, folder: Folder, notes: Notes) -> None:
        self.folder, self.notes = folder, notes
        self._classes: dict[str, dict[str, Class]] = {}
        self._imports: dict[str, dict[str, tuple[str, str]]] = {}
        self._methods: dict[tuple[str, str, str], Method | None] = {}

    def of(self, script: str) -> dict[str, Class]:
        """Return the classes that a script defines at its top level by name, of several with one name the last."""
        if script not in self._classes:
            tree = self.folder.parse(script, self.notes)
            nodes = [node for node in statements(tree.body) if isinstance(node, ast.ClassDef)] if tree else []
            self._classes[script] = {node.name: Class(node, script) for node in nodes}
        return self._classes[script]

    def method(self, start: Class, name: str) -> Method:
        """Return what `start` has under `name`, its own or inherited, in the order in which Python looks."""
        waiting, seen, unknown = [start], set[tuple[str, str]](), ""
        while waiting and len(seen) < MAX_BASES:
            current = waiting.pop(0)
            if (current.script, current.name) in seen:
                continue
            seen.add((current.script, current.name))
            own = self._own(current, name)
            if own is not None:
                # What stands behind a base that nobody can see may be hidden by it.
                return Method("unknown", line=start.node.lineno, base=unknown) if unknown else own
            known = []
            for base in current.node.bases:
                found = self._base(base, current)
                if isinstance(found, Class):
                    known.append(found)
                elif found:
                    unknown = unknown or found
            waiting = known + waiting
        return Method("unknown", line=start.node.lineno, base=unknown) if unknown else ABSENT

    def _own(self, owner: Class, name: str) -> Method | None:
        key = (owner.script, owner.name, name)
        if key not in self._methods:
            self._methods[key] = self._defined(owner, name)
        return self._methods[key]

    def _defined(self, owner: Class, name: str) -> Method | None:
        found: Method | None = None
        for node in statements(owner.node.body):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
                abstract = any(decorator_name(decorator) == "abstractmethod" for decorator in node.decorator_list)
                found = None if abstract else Method("found", node, owner.script, node.lineno)
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and name in _targets(node):
                found = self._assigned(node.value, owner, name, node.lineno)
        return found

    def _assigned(self, value: ast.expr, owner: Class, name: str, line: int) -> Method:
        if isinstance(value, ast.Lambda):
            return Method("found", value, owner.script, line)
        if isinstance(value, ast.Name) and value.id != name:
            for node in statements(owner.node.body):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == value.id:
                    return Method("found", node, owner.script, node.lineno)
        return Method("unknown", line=line, base=name)

    def _base(self, base: ast.expr, owner: Class) -> Class | str:
        """Return the class that a base means, the name of one outside the folder, or "" for one that brings nothing."""
        if isinstance(base, ast.Subscript):
            base = base.value
        named = decorator_name(base)
        if named in _PLAIN_BASES:
            return ""
        word = base.value if isinstance(base, ast.Attribute) else base
        if not isinstance(word, ast.Name):
            return named or "?"
        if word is base and (known := self.of(owner.script).get(word.id)) and known.node is not owner.node:
            return known
        script, name = self._imported(owner.script).get(word.id, ("", ""))
        # `import base` makes `base.Class` known, `from base import Class` makes `Class` known.
        wanted = named if word is not base and not name else name if word is base else ""
        return self.of(script).get(wanted) or named if script.endswith(".py") else named

    def _imported(self, script: str) -> dict[str, tuple[str, str]]:
        """Return where the names that a script imports come from: a script of the folder and the name there, "" for the whole script."""
        if script not in self._imports:
            found = self._imports[script] = {}
            tree = self.folder.parse(script, self.notes)
            for node in statements(tree.body) if tree else ():
                if isinstance(node, ast.ImportFrom):
                    source = self._script(node, script)
                    found.update({alias.asname or alias.name: (source, alias.name) for alias in node.names})
                elif isinstance(node, ast.Import):
                    found.update({alias.asname or alias.name: (self.folder.module(alias.name.split(".")), "") for alias in node.names})
        return self._imports[script]

    def _script(self, node: ast.ImportFrom, script: str) -> str:
        parts = node.module.split(".") if node.module else []
        if node.level:
            parents = script.split("/")[:-1]
            parts = parents[: max(0, len(parents) - (node.level - 1))] + parts
        return self.folder.module(parts)


def _targets(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def decorator_name(node: ast.expr) -> str:
    """Return the last word of a name such as `abc.abstractmethod` or of a call of it."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
