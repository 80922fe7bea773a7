"""What changed between two texts, as coloured lines of a unified diff."""

from dataclasses import dataclass
from difflib import SequenceMatcher

from django.utils.safestring import SafeString, mark_safe

from repos.previews.source import MAX_LINE_LENGTH, coloured, lexer_for

MAX_COMPARED = 2_000
MAX_SHOWN = 1_000
CONTEXT = 3


@dataclass(frozen=True)
class DiffLine:
    """One line: `kind` is `add`, `del`, `same` or `gap`; the numbers are 0 where the line does not exist."""

    kind: str
    old: int
    new: int
    html: SafeString


@dataclass(frozen=True)
class Diff:
    """A unified diff; `cut` says that only its beginning is in `lines`."""

    lines: list[DiffLine]
    added: int
    removed: int
    cut: bool


def diff(old: str, new: str, name: str) -> Diff | None:
    """Return how `old` becomes `new`, coloured for a file called `name`; None where they are too long to compare."""
    before, after = _rows(old), _rows(new)
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    changed_before, changed_after = before[start : len(before) - end], after[start : len(after) - end]
    if len(changed_before) > MAX_COMPARED or len(changed_after) > MAX_COMPARED:
        return None
    matcher = SequenceMatcher(None, changed_before, changed_after)
    moves: list[tuple[str, int, int, int, int]] = [("equal", 0, start, 0, start)] if start else []
    moves += [(tag, i1 + start, i2 + start, j1 + start, j2 + start) for tag, i1, i2, j1, j2 in matcher.get_opcodes()]
    if end:
        moves.append(("equal", len(before) - end, len(before), len(after) - end, len(after)))
    lexer = lexer_for(name)
    old_html, new_html = ([mark_safe(row) for row in coloured([row[:MAX_LINE_LENGTH] for row in rows], lexer)] for rows in (before, after))
    lines: list[DiffLine] = []
    added = removed = 0
    for position, (tag, i1, i2, j1, j2) in enumerate(moves):
        if tag == "equal":
            _context(lines, new_html, (i1, i2, j1), first=position == 0, last=position == len(moves) - 1)
            continue
        lines += [DiffLine("del", number + 1, 0, old_html[number]) for number in range(i1, i2)]
        lines += [DiffLine("add", 0, number + 1, new_html[number]) for number in range(j1, j2)]
        removed, added = removed + i2 - i1, added + j2 - j1
    return Diff(lines[:MAX_SHOWN], added, removed, len(lines) > MAX_SHOWN)


def _context(lines: list[DiffLine], html: list[SafeString], span: tuple[int, int, int], *, first: bool, last: bool) -> None:
    """Add the lines around a change, with a gap for those between."""
    i1, i2, j1 = span
    count = i2 - i1
    before, after = (0 if first else CONTEXT), (0 if last else CONTEXT)
    if count <= before + after:
        shown = range(count)
        lines += [DiffLine("same", i1 + n + 1, j1 + n + 1, html[j1 + n]) for n in shown]
        return
    lines += [DiffLine("same", i1 + n + 1, j1 + n + 1, html[j1 + n]) for n in range(before)]
    if not last:
        lines.append(DiffLine("gap", 0, 0, SafeString("")))
    lines += [DiffLine("same", i1 + n + 1, j1 + n + 1, html[j1 + n]) for n in range(count - after, count)]


def _rows(text: str) -> list[str]:
    rows = text.split("\n")
    if rows[-1] == "":
        rows.pop()
    return rows
