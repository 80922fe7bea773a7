"""Pictures and sounds of a table: small ones made here, or the bytes as they are, behind the right to preview and nothing else."""

import hashlib
import textwrap
import unicodedata
from dataclasses import dataclass
from html import escape

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from assets.safety import check_bytes
from assets.tables.opening import Tables
from core.problems import Missing, Problem, TooLarge
from core.security import CONTENT_POLICY
from inspection.files import File, Unreadable, in_memory
from inspection.models import Sheet
from inspection.pictures import smaller
from inspection.sources import source
from inspection.tables import rows
from inspection.tables.parts import Table, table
from inspection.tables.wording import explain
from inspection.tables.wording_query import problem
from repos import reading
from repos.blobs import store
from repos.reading import Item
from repos.transfer import Stretch, file_response, stretch_response

SIDES = {"1": 256, "large": 1600}
"""What `?thumbnail=` may say, and the longest side in pixels that it stands for."""
VERSION = 1
MOST_HELD = 64_000_000
"""Bytes of a member of an archive that are read at once where the store has no files of its own."""
LINE = 26
_ENDINGS = {
    "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "audio/wav": "wav", "audio/mpeg": "mp3",
    "audio/ogg": "ogg", "audio/flac": "flac", "audio/mp4": "m4a", "video/mp4": "mp4", "video/webm": "webm",
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A picture or a sound: `file` reads it; `item` is the file of the repository that holds it, from `first` on, if one does."""

    kind: str
    file: File
    item: Item | None
    first: int

    @property
    def is_whole(self) -> bool:
        """Whether it is a file of the repository by itself."""
        return self.item is not None and self.first == 0 and self.file.size == self.item.size


def find_media(tables: Tables, data: Table, *, row: int, column: str) -> Found:
    """Return the picture or sound of a cell, read through the repository's own door where a file holds it. Raises `Problem`."""
    try:
        media = rows.media(data, row=row, column=column)
    except Unreadable as error:
        raise problem(error) from error
    if media.file is None:
        return Found(media.kind, in_memory("", media.data or b""), None, 0)
    commit = tables.shown.commit if tables.shown else ""
    item = reading.find(reading.resolve(tables.asset.open_repository(), commit), media.file)
    first = media.start or 0
    size = item.size - first if media.size is None else media.size
    if not 0 <= first <= first + size <= item.size:
        raise Missing("no_media", _("This cell holds no picture and no sound."))
    return Found(media.kind, source(item).part(first, size, item.path), item, first)


def send_media(request: HttpRequest, tables: Tables, sheet: Sheet, *, row: int, column: str) -> HttpResponseBase:
    """Return the response with the bytes of a cell, shown in the page where browsers can; ranges are served."""
    found = find_media(tables, table(sheet), row=row, column=column)
    if found.item is not None:
        check_bytes(tables.asset, [found.item])
        if found.is_whole:
            return file_response(request, found.item, inline=True)
    media_type = _type(found.file.read(0, 64))
    location = reading.large_object(found.item).location if found.item is not None and found.item.is_large else ""
    path = store().local_path(location) if location else None
    if path is None and found.item is not None and found.file.size > MOST_HELD:
        raise TooLarge("too_large_to_show", _("This is too large to be played from inside its archive. Download the archive."))
    name = f"{sheet.split}-{row + 1}.{_ENDINGS.get(media_type, 'bin')}"
    stretch = Stretch(found.file.size, lambda start, end: [found.file.read(start, end)], path, found.first)
    etag = _etag(tables, sheet, row, column)
    return stretch_response(request, stretch, name=name, content_type=media_type, etag=etag, inline=media_type in _ENDINGS)


def send_thumbnail(request: HttpRequest, tables: Tables, sheet: Sheet, *, row: int, column: str, side: str) -> HttpResponse:
    """Return the response with a small picture: WebP, or a drawing that says why there is none. `side` is a key of `SIDES`."""
    if side not in SIDES:
        raise Problem("bad_thumbnail", _("Ask for “thumbnail” as 1 or large."))
    headers = {
        "Content-Security-Policy": CONTENT_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Disposition": "inline",
        "Cache-Control": "private, no-store",
    }
    kept = {"ETag": _etag(tables, sheet, row, column, f"{VERSION}:{side}"), "Cache-Control": "private, no-cache"}
    if kept["ETag"] in request.headers.get("If-None-Match", ""):
        return HttpResponseNotModified(headers=headers | kept)
    try:
        found = find_media(tables, table(sheet), row=row, column=column)
        picture = smaller(found.file, SIDES[side])
    except Unreadable as error:
        return HttpResponse(placeholder(explain(error.code, error.facts)), content_type="image/svg+xml; charset=utf-8", headers=headers)
    except Problem as error:
        return HttpResponse(placeholder(str(error.detail)), content_type="image/svg+xml; charset=utf-8", headers=headers)
    return HttpResponse(picture.webp, content_type="image/webp", headers=headers | kept)


def placeholder(sentence: str) -> bytes:
    """Return an SVG that says `sentence` where a picture would stand."""
    lines = _lines(sentence)[:5]
    top = 66 - 7 * len(lines)
    words = "".join(f'<text x="96" y="{top + 36 + 15 * number}">{escape(line)}</text>' for number, line in enumerate(lines))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 192 144" width="192" height="144">'
        "<style>rect{fill:#f3f1ea}text{fill:#46524d;font:12px sans-serif;text-anchor:middle}path{fill:none;stroke:#616d68;stroke-width:1.5}"
        "@media(prefers-color-scheme:dark){rect{fill:#0b0f0e}text{fill:#b4bfba}path{stroke:#8c9893}}</style>"
        f'<rect width="192" height="144"/><path d="M84 {top}h24v18h-24zM84 {top + 14}l8-6 6 5 4-3 6 5M80 {top - 3}l32 24"/>{words}</svg>'
    ).encode()


def _lines(sentence: str) -> list[str]:
    if all(unicodedata.east_asian_width(character) not in "WF" for character in sentence):
        return textwrap.wrap(sentence, LINE)
    half = LINE // 2
    return [sentence[start : start + half] for start in range(0, len(sentence), half)]


def _etag(tables: Tables, sheet: Sheet, row: int, column: str, form: str = "") -> str:
    """Return what names the content of a cell: the copy it stands in and, for files beside it, the commit."""
    parts = [part["sha256"] for part in sheet.parts]
    said = repr([tables.shown.commit if tables.shown else "", parts, row, column, form])
    return f'"{hashlib.blake2b(said.encode(), digest_size=16).hexdigest()}"'


def _type(head: bytes) -> str:
    """Return the type of a picture or sound by its first bytes; one that browsers show, or none in particular."""
    if head[:4] == b"RIFF" and head[8:12] in (b"WAVE", b"WEBP"):
        return "audio/wav" if head[8:12] == b"WAVE" else "image/webp"
    if head[4:8] == b"ftyp":
        return "audio/mp4" if head[8:11] == b"M4A" else "video/mp4"
    if head[:3] == b"ID3" or (head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE6 == 0xE2):
        return "audio/mpeg"
    signs = {
        b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"OggS": "audio/ogg", b"fLaC": "audio/flac",
        b"\x1aE\xdf\xa3": "video/webm",
    }  # fmt: skip
    return next((media_type for sign, media_type in signs.items() if head.startswith(sign)), "application/octet-stream")
