"""Python scripts: parsed, never imported; and the scripts that they import."""

import ast
import sys
import warnings
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from inspection.files import File
from toolchain.validator.findings import Notes, shown
from toolchain.validator.texts import KIB, read_script

# The parser takes quadratic time over some texts: seconds at this size.
MAX_SCRIPT = 256 * KIB
MAX_SCRIPTS = 50
MAX_TOTAL = 1024 * KIB


@dataclass
class Folder:
    """The files below one folder by their path seen from there, and the scripts of it that were parsed so far.

    `elsewhere` maps the names of modules that stand outside the folder to a path.
    """

    path: str
    files: Mapping[str, File]
    elsewhere: Mapping[str, str]
    parsed: dict[str, ast.Module | None] = field(default_factory=dict)
    total: int = 0
    _places: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Note every folder, and every file up to its first dot: a library such as `ops.cpython-311.so` is a module too."""
        for path in self.files:
            parts = path.split("/")
            self._places.update("/".join(parts[:depth]) for depth in range(1, len(parts)))
            self._places.add("/".join([*parts[:-1], parts[-1].split(".")[0]]))

    def parse(self, path: str, notes: Notes) -> ast.Module | None:
        """Return a script as a tree; None with a finding where it is not Python, None without where it is not there."""
        if path not in self.parsed:
            self.parsed[path] = self._parse(path, notes) if path in self.files else None
        return self.parsed[path]

    def _parse(self, path: str, notes: Notes) -> ast.Module | None:
        file = self.files[path]
        notes = notes.about(file.path)
        if file.size <= MAX_SCRIPT:
            self.total += file.size
        # The first one is what the folder is for.
        if self.parsed and (len(self.parsed) >= MAX_SCRIPTS or self.total > MAX_TOTAL):
            notes.warn("script_not_checked")
            return None
        text = read_script(file, MAX_SCRIPT, notes, blank=True)
        return None if text is None else parsed(text, notes)

    def module(self, parts: list[str]) -> str:
        """Return the path of the script that a dotted name means here: "" where there is none, a path with `/` at its end for a folder."""
        path = "/".join(parts)
        for candidate in (f"{path}/__init__.py", f"{path}.py") if parts else ("__init__.py",):
            if candidate in self.files:
                return candidate
        return f"{path}/" if not parts or path in self._places else ""


def parsed(text: str, notes: Notes) -> ast.Module | None:
    """Return a text as a tree, or None with the finding why it is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        notes.error("python_syntax", error.lineno or 1, column=error.offset or 0, problem=shown(error.msg))
    except (RecursionError, MemoryError):
        notes.error("python_too_deep")
    except ValueError:
        notes.error("python_syntax", 1, column=0, problem="")
    return None


def check(entry: str, folder: Folder, notes: Notes) -> ast.Module | None:
    """Return the tree of `entry` after following what it imports from its folder; what is missing there is a warning."""
    waiting, seen = deque([entry]), {entry}
    while waiting:
        path = waiting.popleft()
        tree = folder.parse(path, notes)
        if tree is None:
            continue
        for target in _imports(tree, path, folder, notes.about(folder.files[path].path)):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return folder.parse(entry, notes)


def _imports(tree: ast.Module, path: str, folder: Folder, notes: Notes) -> list[str]:
    """Return the scripts of the folder that a script imports."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found += _absolute(alias.name.split("."), node.lineno, folder, notes)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            module = (node.module or "").split(".")
            found += _absolute(module, node.lineno, folder, notes)
            found += [target for alias in node.names if (target := folder.module([*module, alias.name])).endswith(".py")]
        elif isinstance(node, ast.ImportFrom):
            found += _relative(node, path, folder, notes)
    return found


def _absolute(parts: list[str], line: int, folder: Folder, notes: Notes) -> list[str]:
    if folder.module(parts[:1]):
        targets = [folder.module(parts[: depth + 1]) for depth in range(len(parts))]
        if not all(targets):
            notes.warn("import_missing", line, module=shown(".".join(parts)))
        return [target for target in targets if target.endswith(".py")]
    if parts[0] in folder.elsewhere and parts[0] not in sys.stdlib_module_names:
        notes.warn("import_outside", line, module=shown(".".join(parts)), found=shown(folder.elsewhere[parts[0]]))
    return []


def _relative(node: ast.ImportFrom, path: str, folder: Folder, notes: Notes) -> list[str]:
    parents = path.split("/")[:-1]
    dotted = "." * node.level + (node.module or "")
    if node.level - 1 > len(parents):
        notes.warn("import_outside", node.lineno, module=shown(dotted), found="")
        return []
    base = parents[: len(parents) - (node.level - 1)] + (node.module.split(".") if node.module else [])
    target = folder.module(base)
    if not target:
        notes.warn("import_missing", node.lineno, module=shown(dotted))
        return []
    found = [target] if target.endswith(".py") else []
    for alias in node.names:
        inner = folder.module([*base, alias.name])
        if inner.endswith(".py"):
            found.append(inner)
        # A folder without a script of its own has no names but those of the scripts in it.
        elif not inner and alias.name != "*" and target.endswith("/"):
            notes.warn(
                "import_missing",
                node.lineno,
                module=shown(f"{dotted.rstrip('.')}.{alias.name}" if node.module else f"{dotted}{alias.name}"),
            )
    return found
