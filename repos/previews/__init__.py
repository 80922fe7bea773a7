"""Showing a file without running it: pure functions over bytes, with bounds on everything.

A preview that cannot be made is a `Preview` of kind `none` with a sentence, never an error.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.markdown import render
from repos.previews.images import picture
from repos.previews.kinds import HEAD, Kind, Text, decode, kind_of
from repos.previews.notebooks import Notebook, notebook
from repos.previews.source import Source, source
from repos.previews.structured import Table, delimited, indented, records
from repos.weights import gguf, safetensors
from repos.weights.tensors import BadHeader, Header

Reader = Callable[[int, int], bytes]
LinkResolver = Callable[[str, bool], str | None]


@dataclass(frozen=True)
class Preview:
    """What the file page shows.

    `kind` is `source` (`body` is a `Source`), `markdown` (safe HTML), `notebook` (`Notebook`), `table` (`Table`), `weights`
    (`Header`), `picture` (`Picture`) or `none`. `notes` are sentences about what is left out or why nothing is shown.
    `has_source` says that the same file can also be shown as plain source.
    """

    kind: str
    body: Any = None
    language: str = ""
    encoding: str = ""
    notes: list[str] = field(default_factory=list)
    has_source: bool = False
    text: bool = False


def preview(name: str, size: int, read: Reader, *, limit: int, plain: bool = False, resolve_link: LinkResolver | None = None) -> Preview:
    """Return the preview of the file `name` of `size` bytes; `read(start, end)` gives its bytes.

    Contents above `limit` bytes are not read, headers of weights excepted. `plain` asks for the source of a file that has a
    richer form.
    """
    if size == 0:
        return Preview("none", notes=[_("This file is empty.")], text=True)
    head = read(0, min(size, HEAD))
    kind = kind_of(name, head)
    if kind in (Kind.SAFETENSORS, Kind.GGUF):
        return _weights(kind, size, read)
    if size > limit:
        return Preview("none", notes=[_("This file is too large to be shown here. Download it to read it.")])
    if kind is Kind.BINARY:
        return Preview("none", notes=[_("This is not a text or image file, so it cannot be shown here. Download it to use it.")])
    data = head if size <= len(head) else read(0, size)
    if kind is Kind.IMAGE:
        found = picture(data)
        if found is None:
            return Preview("none", notes=[_("This picture is damaged or too large to be shown. Download it to look at it.")])
        return Preview("picture", found, found.format)
    text = decode(data)
    if text is None:
        return Preview("none", notes=[_("This file is only partly text, so it cannot be shown here. Download it to use it.")])
    return _text(kind, name, text, plain, resolve_link)


def _text(kind: Kind, name: str, text: Text, plain: bool, resolve_link: LinkResolver | None) -> Preview:
    rich: Preview | None = None
    if kind is Kind.MARKDOWN and not plain and len(text.content) <= 2_000_000:
        rich = Preview("markdown", render(text.content, resolve_link=resolve_link), "Markdown")
    elif kind is Kind.NOTEBOOK and not plain and (book := notebook(text.content, resolve_link=resolve_link)):
        rich = Preview("notebook", book, "Jupyter", notes=_notebook_notes(book))
    elif kind in (Kind.TABLE, Kind.JSON_LINES) and not plain:
        table = delimited(text.content, name) if kind is Kind.TABLE else records(text.content)
        if table:
            rich = Preview("table", table, "JSON Lines" if kind is Kind.JSON_LINES else "CSV", notes=_table_notes(table))
    if rich:
        return Preview(rich.kind, rich.body, rich.language, text.encoding, rich.notes, has_source=True, text=True)
    content, notes = text.content, []
    has_source = kind in (Kind.MARKDOWN, Kind.NOTEBOOK, Kind.TABLE, Kind.JSON_LINES)
    if kind is Kind.JSON and not plain and _is_dense(content) and (pretty := indented(content)):
        content, has_source = pretty, True
        notes.append(_("Shown with line breaks; the file itself has fewer."))
    lines = source(content, name)
    return Preview("source", lines, lines.language, text.encoding, notes + _source_notes(lines), has_source=has_source, text=True)


def _is_dense(content: str) -> bool:
    """Whether JSON has lines so long that people cannot read it as it is."""
    return max(map(len, content.split("\n", 1000)), default=0) > 300


def _weights(kind: Kind, size: int, read: Reader) -> Preview:
    try:
        header = (safetensors if kind is Kind.SAFETENSORS else gguf).read_header(read, size)
    except BadHeader as error:
        if error.reason == "header_too_long_to_show":
            return Preview("none", notes=[_("The list of tensors is too long to be shown here. Download the file to use it.")])
        sentence = _("The header of this file is damaged (%(reason)s), so its tensors cannot be listed. You can still download it.")
        return Preview("none", notes=[sentence % {"reason": error.reason}])
    return Preview("weights", header, "safetensors" if kind is Kind.SAFETENSORS else "GGUF", notes=_weights_notes(header))


def _source_notes(lines: Source) -> list[str]:
    notes = []
    if lines.shown < lines.total:
        notes.append(_("The first %(shown)s of %(total)s lines are shown.") % {"shown": f"{lines.shown:,}", "total": f"{lines.total:,}"})
    if lines.shortened:
        sentence = ngettext("%(count)s very long line is cut.", "%(count)s very long lines are cut.", lines.shortened)
        notes.append(sentence % {"count": lines.shortened})
    if lines.reordering:
        notes.append(_("This text holds invisible characters that change the order in which it is displayed. It may not read as it runs."))
    return notes


def _table_notes(table: Table) -> list[str]:
    notes = []
    if len(table.rows) < table.total_rows:
        total = f"{table.total_rows:,}" + ("" if table.rows_counted else "+")
        notes.append(_("The first %(shown)s of %(total)s rows are shown.") % {"shown": len(table.rows), "total": total})
    if len(table.columns) < table.total_columns:
        sentence = _("The first %(shown)s of %(total)s columns are shown.")
        notes.append(sentence % {"shown": len(table.columns), "total": f"{table.total_columns:,}"})
    return notes


def _notebook_notes(book: Notebook) -> list[str]:
    if len(book.cells) < book.total_cells:
        return [_("The first %(shown)s of %(total)s cells are shown.") % {"shown": len(book.cells), "total": f"{book.total_cells:,}"}]
    return []


def _weights_notes(header: Header) -> list[str]:
    if len(header.shown) < len(header.tensors):
        sentence = _("The first %(shown)s of %(total)s tensors are listed; the sums count all of them.")
        return [sentence % {"shown": f"{len(header.shown):,}", "total": f"{len(header.tensors):,}"}]
    return []


def is_text(name: str, head: bytes) -> bool:
    """Whether a file that starts with `head` can be edited as text."""
    return kind_of(name, head) not in (Kind.BINARY, Kind.IMAGE, Kind.SAFETENSORS, Kind.GGUF)


__all__ = ["Kind", "Preview", "decode", "is_text", "kind_of", "preview"]
