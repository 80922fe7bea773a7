"""Bringing two changes of one text together."""

from difflib import SequenceMatcher

MAX_LINES = 5_000


def merged(original: str, theirs: str, mine: str) -> str | None:
    """Return `original` with both changes in it, or None where they touch the same or neighbouring lines.

    Texts of more than `MAX_LINES` lines are not merged: comparing them takes too long.
    """
    base, left, right = (text.splitlines(keepends=True) for text in (original, theirs, mine))
    if max(len(base), len(left), len(right)) > MAX_LINES:
        return None
    changes = sorted(
        [(*change, left) for change in _changes(base, left)] + [(*change, right) for change in _changes(base, right)], key=lambda c: c[:2]
    )
    out: list[str] = []
    position = 0
    for index, (start, end, first, last, source) in enumerate(changes):
        if index and start <= changes[index - 1][1] and not _same(changes[index - 1], changes[index]):
            return None
        if index and _same(changes[index - 1], changes[index]):
            continue
        out += [*base[position:start], *source[first:last]]
        position = max(position, end)
    return "".join([*out, *base[position:]])


_Change = tuple[int, int, int, int, list[str]]


def _same(one: _Change, other: _Change) -> bool:
    return one[:2] == other[:2] and one[4][one[2] : one[3]] == other[4][other[2] : other[3]]


def _changes(base: list[str], changed: list[str]) -> list[tuple[int, int, int, int]]:
    matcher = SequenceMatcher(None, base, changed, autojunk=False)
    return [(i1, i2, j1, j2) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal"]
