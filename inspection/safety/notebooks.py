"""Jupyter notebooks: what runs when one is opened or when its cells are."""

import re
from collections.abc import Iterator
from typing import Any

from inspection.files import Unreadable
from inspection.safety.code import code
from inspection.safety.findings import Finding
from inspection.safety.markup import has_script

MOST_NOTEBOOK = 64 << 20
_SHELL_LINE = re.compile(r"^\s*(?:[\w, ]+=\s*)?!(?!=)\s*\S", re.MULTILINE)
_SHELL_CELL = re.compile(r"^\s*%%(?:bash|sh|script|system|cmd|perl|ruby|javascript|js|html)\b", re.MULTILINE)
_SHELL_CALL = re.compile(r"^\s*%(?:sx|system|run|load_ext|alias)\b|get_ipython\(\)\.(?:system|getoutput|run_cell)", re.MULTILINE)
_SCRIPTS = {"application/javascript", "text/javascript", "application/vnd.jupyter.widget-view+json"}
_PAGES = ("text/html", "image/svg+xml", "text/markdown")


def notebook(document: Any) -> Iterator[Finding]:
    """Yield the findings of a notebook, one for each kind, with the number of the first cell from 1. Raises `Unreadable`."""
    cells = document.get("cells") if isinstance(document, dict) else None
    if cells is None and isinstance(document, dict) and isinstance(document.get("worksheets"), list):
        cells = [cell for sheet in document["worksheets"] if isinstance(sheet, dict) for cell in sheet.get("cells") or []]
    if not isinstance(cells, list):
        raise Unreadable("broken_notebook")
    found: dict[str, Finding] = {}
    for number, cell in enumerate(cells, 1):
        for finding in _cell(cell) if isinstance(cell, dict) else ():
            found.setdefault(finding.code, Finding(finding.code, finding.severity, "", {**finding.facts, "cell": number}))
    yield from found.values()


def _cell(cell: dict[str, Any]) -> Iterator[Finding]:
    source = _text(cell.get("source", cell.get("input")))
    if cell.get("cell_type") == "code":
        if _SHELL_LINE.search(source) or _SHELL_CELL.search(source) or _SHELL_CALL.search(source):
            yield Finding("notebook_shell", "caution")
        plain = re.sub(r"^\s*[%!].*$", "pass", source, flags=re.MULTILINE)
        yield from code(plain, "python")
    elif has_script(source):
        yield Finding("notebook_script", "caution")
    for output in cell.get("outputs") or []:
        if not isinstance(output, dict):
            continue
        inner = output.get("data")
        data = inner if isinstance(inner, dict) else output
        if any(kind in data for kind in _SCRIPTS) or "javascript" in data:
            widget = "application/vnd.jupyter.widget-view+json" in data
            yield Finding("notebook_widget" if widget else "notebook_script", "caution")
        if any(has_script(_text(data.get(kind))) for kind in (*_PAGES, "html", "svg")):
            yield Finding("notebook_script", "caution")


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
