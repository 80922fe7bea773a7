"""Paths inside a repository: hostile until checked here."""

import unicodedata

from django.utils.translation import gettext_lazy as _

from core.problems import Problem

MAX_PATH_BYTES = 1024
MAX_NAME_BYTES = 255


def checked(path: str) -> str:
    """Return `path` if it may stand in a repository on every system, else raise `Problem` with a code.

    Codes: `path_empty`, `path_absolute`, `path_backslash`, `path_control_character`, `path_dots`, `path_git`, `path_too_long`,
    `path_not_unicode`, `path_trailing`.
    """
    if not path:
        raise Problem("path_empty", _("A file needs a path."))
    if path.startswith("/") or (len(path) > 1 and path[1] == ":" and path[0].isalpha()):
        raise _refused("path_absolute", path, _("“%(path)s” is absolute. Give a path relative to the repository."))
    if "\\" in path:
        raise _refused("path_backslash", path, _("“%(path)s” contains a backslash. Separate folders with “/”."))
    if any(unicodedata.category(c) in ("Cc", "Zl", "Zp") or c in BIDI for c in path):
        raise _refused("path_control_character", path, _("“%(path)s” contains an invisible control character. Rename the file."))
    try:
        encoded = path.encode()
    except UnicodeEncodeError as error:
        raise _refused("path_not_unicode", path, _("“%(path)s” is not valid Unicode. Rename the file.")) from error
    if len(encoded) > MAX_PATH_BYTES:
        raise _refused("path_too_long", path, _("“%(path)s” is longer than 1,024 bytes. Use shorter names."))
    for name in path.split("/"):
        if name in ("", ".", ".."):
            raise _refused("path_dots", path, _("“%(path)s” contains an empty name, “.” or “..”. Give a plain path."))
        if _looks_like_git(name):
            raise _refused("path_git", path, _("“%(path)s” contains a name that Git keeps for itself. Rename it."))
        if len(name.encode()) > MAX_NAME_BYTES:
            raise _refused("path_too_long", path, _("A name in “%(path)s” is longer than 255 bytes. Use a shorter one."))
        if name != name.strip() or name.endswith("."):
            raise _refused("path_trailing", path, _("A name in “%(path)s” begins or ends with a space, or ends with a dot. Rename it."))
    return path


BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_IGNORED_BY_HFS = frozenset("\u200b\u200c\u200d\u2060\u206a\u206b\u206c\u206d\u206e\u206f") | BIDI


def _looks_like_git(name: str) -> bool:
    """Whether some file system would take `name` for `.git` (CVE-2014-9390 and its kin)."""
    plain = "".join(c for c in name if c not in _IGNORED_BY_HFS).lower().rstrip(". ")
    return plain in (".git", "git~1") or plain.startswith(".git:")


def _refused(code: str, path: str, sentence: object) -> Problem:
    shown = path.encode("utf-8", "backslashreplace").decode()[:200]
    return Problem(code, sentence % {"path": shown}, extra={"path": shown})  # type: ignore[operator]


def collision_key(path: str) -> str:
    """Return the form under which two paths are the same file on some system: NFC, case-folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def split_path(path: str) -> tuple[str, str]:
    """Return folder and name: `a/b/c` gives `("a/b", "c")`."""
    folder, _slash, name = path.rpartition("/")
    return folder, name


def ancestors(path: str) -> list[str]:
    """Return the folders above `path`, outermost first, without the root: `a/b/c` gives `["a", "a/b"]`."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]
