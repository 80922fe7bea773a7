"""Handing out bytes: one file, or a folder as a zip that is made while it is sent."""

import re
import stat
from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from zipstream import ZIP_DEFLATED, ZIP_STORED, ZipStream

from accounts.models import User
from assets.revisions import Place
from assets.safety import CONFIRMED, check_bytes
from assets.visits import note_download
from core.permissions import require
from core.problems import Missing
from repos import reading
from repos.attributes import pointer
from repos.reading import Item
from repos.transfer import disposition, file_response

SUBMODULE = 0o160000
PIECE = 1 << 18
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')


def send_file(request: HttpRequest, place: Place, viewer: User | AnonymousUser) -> HttpResponseBase:
    """Return the response with the file's bytes. A small file shown in a page (`?inline=1`) needs "preview" only.

    Anything else needs "download" and counts, once a viewer and day. Both keep back what is dangerous, where that is set.
    """
    item = reading.find(place.revision, place.path)
    if item.is_folder:
        raise Missing("is_folder", _("“%(path)s” is a folder. Download it as a zip.") % {"path": item.path or "/"})
    inline = request.GET.get("inline") == "1"
    shown = inline and item.size <= settings.MAX_PREVIEW_SIZE
    require(place.asset, "preview" if shown else "download")
    check_bytes(place.asset, [item], confirmed=_is_confirmed(request))
    response = file_response(request, item, inline=inline)
    response["X-Repo-Commit"] = place.revision.commit.sha
    if not shown and request.method == "GET" and response.status_code in (200, 206, 302):
        note_download(request, place.asset, viewer)
    return response


def send_zip(request: HttpRequest, place: Place, viewer: User | AnonymousUser) -> HttpResponseBase:
    """Return the response with everything below a folder as a zip; refused as a whole where one of the files is kept back."""
    require(place.asset, "download")
    folder = reading.find(place.revision, place.path)
    if not folder.is_folder:
        raise Missing("not_a_folder", _("“%(path)s” is a file. Download it as it is.") % {"path": folder.path})
    check_bytes(place.asset, reading.walk(place.revision, place.path), confirmed=_is_confirmed(request))
    title = "-".join(part for part in (place.asset.name, folder.name, place.shown_name.replace("/", "-")) if part)
    headers = {
        "Content-Disposition": disposition(f"{title}.zip"),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    if request.method == "HEAD":
        return HttpResponse(content_type="application/zip", headers=headers)
    note_download(request, place.asset, viewer)
    pieces = _together(_zipped(reading.walk(place.revision, place.path), place.path))
    return StreamingHttpResponse(_in_thread(pieces), content_type="application/zip", headers=headers)


def _is_confirmed(request: HttpRequest) -> bool:
    return request.GET.get("confirm") == CONFIRMED


def _zipped(items: Iterator[Item], folder: str) -> Iterator[bytes]:
    """Yield a zip of `items`, one after the other, so that neither their number nor their size fills the memory."""
    archive = ZipStream()
    start = len(folder) + 1 if folder else 0
    for item in items:
        if stat.S_IFMT(item.mode) == SUBMODULE:
            continue
        small = item.size <= settings.LARGE_FILE_THRESHOLD and not item.is_large
        archive.add(_content(item), safe_name(item.path[start:]), compress_type=ZIP_DEFLATED if small else ZIP_STORED)
        yield from archive.all_files()
    yield from archive.finalize()


def _content(item: Item) -> Iterator[bytes]:
    """Yield a file's bytes; where the content of a large one has not been uploaded, its pointer, as git would leave it."""
    try:
        if item.is_large:
            reading.large_object(item)
    except Missing:
        yield pointer(item.sha256, item.size)
    else:
        yield from reading.read(item)


def safe_name(path: str) -> str:
    """Return `path` as a name that no unpacking program takes out of its folder."""
    parts = [_UNSAFE.sub("_", part).rstrip(". ") or "_" for part in path.split("/") if part not in ("", ".", "..")]
    return "/".join(parts) or "_"


def _together(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in pieces of at least `PIECE`, but for the last."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= PIECE:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


async def _in_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield pieces that are made in the request's own thread: Django would collect a plain iterator whole under ASGI."""
    following = sync_to_async(lambda: next(pieces, None), thread_sensitive=True)
    while (piece := await following()) is not None:
        yield piece
