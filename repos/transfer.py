"""Moving bytes past Django: parts of uploads straight into the store's file, downloads straight from it.

Both are authorised before a byte moves: a part by the signed token in its address, a download by the view that made the
`FileSlice`.
"""

import asyncio
import fcntl
import hashlib
import json
import logging
import mimetypes
import os
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from asgiref.sync import sync_to_async
from django.core import signing
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from core.errors import envelope
from core.problems import Conflict, Missing, Problem
from core.security import CONTENT_POLICY
from repos.backends.files import lock_range
from repos.blobs import store
from repos.models import Part, Upload
from repos.reading import Item, large_object, read
from repos.services.uploads import ADDRESS_SECONDS, PART_SALT, confirm_part, part_differs

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Any], Awaitable[None]]

PARTS = "/transfer/parts/"
PIECE = 1 << 20
WRITE_PIECE = 4 << 20
INLINE_TYPES = {
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "audio/wav",
    "audio/x-wav",
    "audio/mpeg",
    "audio/ogg",
    "audio/flac",
    "video/mp4",
    "video/webm",
}
TEXT_SUFFIXES = {
    ".txt",
    ".md",
    ".json",
    ".jsonl",
    ".csv",
    ".tsv",
    ".yaml",
    ".yml",
    ".py",
    ".xml",
    ".html",
    ".htm",
    ".svg",
    ".js",
    ".css",
    ".toml",
    ".ini",
    ".log",
}


class FileSlice(StreamingHttpResponse):
    """Bytes `start` to `end` of a local file; the server sends them without passing them through Django."""

    def __init__(self, path: Path, start: int, end: int, **options: Any) -> None:
        self.path, self.start, self.end = path, start, end
        super().__init__(_slice(path, start, end), **options)


def _slice(path: Path, start: int, end: int) -> Iterator[bytes]:
    with open(path, "rb") as file:
        file.seek(start)
        left = end - start
        while left > 0 and (piece := file.read(min(PIECE, left))):
            left -= len(piece)
            yield piece


def content_type_of(name: str) -> str:
    """Return the type that a file is sent with: never one that a browser would run."""
    guessed = mimetypes.guess_type(name)[0] or ""
    if guessed in INLINE_TYPES:
        return guessed
    if os.path.splitext(name)[1].lower() in TEXT_SUFFIXES or guessed.startswith("text/"):
        return "text/plain; charset=utf-8"
    return "application/octet-stream"


def file_response(request: HttpRequest, item: Item, *, inline: bool = False) -> HttpResponseBase:
    """Return the answer to a GET or HEAD for a file: as `stretch_response` does, from S3 by redirect."""
    content_type = content_type_of(item.name)
    inline = inline and (content_type in INLINE_TYPES or content_type.startswith("text/plain"))
    location = large_object(item).location if item.is_large and not _is_known(request, item.etag) else ""
    if location and (url := store().url(location, filename=item.name, content_type=content_type, inline=inline)):
        return HttpResponseRedirect(url, headers={"ETag": item.etag, "Cache-Control": "private, no-store", "X-Linked-Size": str(item.size)})
    stretch = Stretch(item.size, partial(read, item), store().local_path(location) if location else None)
    return stretch_response(request, stretch, name=item.name, content_type=content_type, etag=item.etag, inline=inline)


@dataclass(frozen=True)
class Stretch:
    """`size` bytes to send: `read(start, end)` yields them, or they stand in a local file from `first` on."""

    size: int
    read: Callable[[int, int], Iterable[bytes]]
    path: Path | None = None
    first: int = 0


def stretch_response(
    request: HttpRequest, stretch: Stretch, *, name: str, content_type: str, etag: str, inline: bool = False
) -> HttpResponseBase:
    """Return the answer to a GET or HEAD for bytes of a stranger: whole or one range, 304 and 416 where they apply.

    Ranges follow RFC 9110: one range is served, several or malformed ones are ignored, `If-Range` is honoured. No browser runs what comes.
    """
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": disposition(name, inline=inline),
        "Content-Security-Policy": CONTENT_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if _is_known(request, etag):
        return HttpResponseNotModified(headers=headers)
    start, end, status = 0, stretch.size, 200
    wanted = request.headers.get("Range", "")
    if wanted and request.headers.get("If-Range", etag) == etag and (found := parse_range(wanted, stretch.size)):
        if found == UNSATISFIABLE:
            return HttpResponse(
                status=416, headers={**headers, "Content-Range": f"bytes */{stretch.size}", "Content-Type": "text/plain; charset=utf-8"}
            )
        (start, end), status = found, 206
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{stretch.size}"
    headers |= {"Content-Length": str(end - start), "Content-Type": content_type}
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers)
    if stretch.path is not None and stretch.path.is_file():
        return FileSlice(stretch.path, stretch.first + start, stretch.first + end, status=status, headers=headers)
    return HttpResponse(b"".join(stretch.read(start, end)), status=status, headers=headers)


def _is_known(request: HttpRequest, etag: str) -> bool:
    return request.headers.get("If-None-Match", "") in (etag, f"W/{etag}", "*")


UNSATISFIABLE = (-1, -1)
_RANGE = re.compile(r"\Abytes=(\d*)-(\d*)\Z")


def parse_range(value: str, size: int) -> tuple[int, int] | None:
    """Return `(start, end)` (end exclusive) of a `Range` header, `UNSATISFIABLE`, or None where it is to be ignored."""
    match = _RANGE.match(value.replace(" ", ""))
    if match is None or match[1] == match[2] == "" or len(value) > 64:
        return None
    if match[1] == "":
        length = int(match[2])
        return (max(0, size - length), size) if length and size else UNSATISFIABLE
    start = int(match[1])
    last = int(match[2]) if match[2] else size - 1
    if match[2] and last < start:
        return None
    return (start, min(last, size - 1) + 1) if start < size else UNSATISFIABLE


def disposition(name: str, *, inline: bool = False) -> str:
    """Return a `Content-Disposition` that keeps the name in any language (RFC 6266) and cannot break the header."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%;' else "_" for c in name)
    return f"{'inline' if inline else 'attachment'}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


class TransferHandler(ASGIHandler):
    """Django's ASGI handler that hands a `FileSlice` to the server instead of streaming it itself."""

    async def send_response(self, response: HttpResponseBase, send: Send) -> None:
        if not isinstance(response, FileSlice):
            await super().send_response(response, send)
            return
        headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in response.items()]
        headers += [(b"Set-Cookie", c.output(header="").encode()) for c in response.cookies.values()]
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        try:
            await _send_file(response, send)
        finally:
            await sync_to_async(response.close, thread_sensitive=True)()


async def _send_file(response: FileSlice, send: Send) -> None:
    """Send the slice, reading the next piece while the last one is on its way."""
    loop = asyncio.get_running_loop()
    descriptor = await loop.run_in_executor(None, os.open, response.path, os.O_RDONLY)
    try:
        position = response.start
        pending = loop.run_in_executor(None, os.pread, descriptor, min(PIECE, response.end - position), position)
        while position < response.end:
            piece = await pending
            if not piece:
                raise OSError(f"{response.path} ended early")
            position += len(piece)
            if position < response.end:
                pending = loop.run_in_executor(None, os.pread, descriptor, min(PIECE, response.end - position), position)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        os.close(descriptor)


class ByteTransfer:
    """The outermost ASGI application: takes parts of uploads, passes everything else on."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PARTS):
            await self.part(scope, receive, send)
        else:
            await self.application(scope, receive, send)

    async def part(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a PUT of a part: 200 once bytes and row are kept, a problem otherwise; anything may be sent again."""
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        request_id = secrets.token_hex(10)
        try:
            if scope["method"] != "PUT":
                raise Problem("method_not_allowed", _("Send a part with PUT."), status=405)
            answer, status = await _take_part(scope["path"].removeprefix(PARTS), headers, receive), 200
        except Problem as problem:
            answer, status = envelope(problem), problem.status
        except Disconnected:
            return
        except OSError as error:
            logger.exception("part not written")
            code, text = (
                ("store_full", _("The storage is full.")) if error.errno == 28 else ("store_unavailable", _("The storage does not answer."))
            )
            answer, status = envelope(Problem(code, text)), 507 if error.errno == 28 else 503
        body = json.dumps(answer).encode()
        head = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"x-request-id", request_id.encode()),
            (b"cache-control", b"no-store"),
        ]
        if status >= 400:
            head.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body})


class Disconnected(Exception):
    """The client went away in the middle of a part."""


async def _take_part(token: str, headers: dict[str, str], receive: Receive) -> dict[str, Any]:
    try:
        claim = signing.loads(token, salt=PART_SALT, max_age=ADDRESS_SECONDS)
    except signing.BadSignature as error:
        raise Problem(
            "bad_part_address", _("This address is not valid or has expired. Ask for the part's address again."), status=403
        ) from error
    number, offset, length, digest = int(claim["n"]), int(claim["o"]), int(claim["l"]), headers.get("x-part-sha256", "").lower()
    if len(digest) != 64:
        raise Problem("bad_sha256", _("Send the part's SHA-256 in the header X-Part-SHA256."))
    if (stated := headers.get("content-length")) is not None and stated != str(length):
        raise Problem("wrong_part_size", _("This part has %(length)d bytes.") % {"length": length}, extra={"length": length})
    path = store().local_path(claim["h"])
    if path is None:
        raise Problem("bad_part_address", _("Parts go straight to the object storage here. Ask for the part's address again."), status=409)
    loop = asyncio.get_running_loop()
    try:
        descriptor = await loop.run_in_executor(None, os.open, path, os.O_RDWR)
    except FileNotFoundError as error:
        raise Missing("upload_not_found", _("This upload is over. Ask for its state.")) from error
    try:
        if not lock_range(descriptor, fcntl.F_WRLCK, offset, length):
            raise Conflict("part_busy", _("This part is being received on another connection. Try again in a moment."))
        if await _in_thread(_already_there, claim["u"], number, digest):
            return {"number": number, "sha256": digest}
        found = await _receive_into(descriptor, offset, length, receive)
        if found != digest:
            raise Problem(
                "part_sha256_mismatch", _("The part arrived with another SHA-256. Send it again."), status=422, extra={"sha256": found}
            )
        await _in_thread(_confirm, claim["u"], number, digest)
    finally:
        os.close(descriptor)
    return {"number": number, "sha256": digest}


async def _receive_into(descriptor: int, offset: int, length: int, receive: Receive) -> str:
    """Write the request's body at `offset` and return its SHA-256; writing and hashing overlap with receiving."""
    loop = asyncio.get_running_loop()
    digest = hashlib.sha256()
    held: list[bytes] = []
    size = received = written = 0
    writing: asyncio.Future[None] | None = None

    def work(pieces: list[bytes], position: int) -> None:
        for piece in pieces:
            digest.update(piece)
            view = memoryview(piece)
            while view:
                count = os.pwrite(descriptor, view, position)
                position, view = position + count, view[count:]

    try:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            more = message.get("more_body", False)
            if body := message.get("body", b""):
                held.append(body)
                size += len(body)
                received += len(body)
                if received > length:
                    raise Problem("wrong_part_size", _("This part has %(length)d bytes.") % {"length": length}, extra={"length": length})
            if held and (size >= WRITE_PIECE or not more):
                if writing is not None:
                    await writing
                writing = loop.run_in_executor(None, work, held, offset + written)
                written, held, size = received, [], 0
    finally:
        if writing is not None:
            await writing
    if received != length:
        raise Problem("wrong_part_size", _("This part has %(length)d bytes.") % {"length": length}, extra={"length": length})
    return digest.hexdigest()


async def _in_thread(function: Callable[..., Any], *args: Any) -> Any:
    def call() -> Any:
        try:
            return function(*args)
        finally:
            connections.close_all()

    return await asyncio.get_running_loop().run_in_executor(None, call)


def _already_there(upload_id: str, number: int, digest: str) -> bool:
    """Whether the part was confirmed before with this hash; raise where the upload takes no parts or the content differs."""
    upload = Upload.objects.filter(pk=upload_id).first()
    if upload is None or upload.state != Upload.State.OPEN:
        raise Conflict("upload_not_open", _("This upload takes no more parts. Ask for its state."))
    part = Part.objects.filter(upload=upload, number=number).first()
    if part is not None and part.sha256 != digest:
        raise part_differs(number)
    return part is not None


def _confirm(upload_id: str, number: int, digest: str) -> None:
    upload = Upload.objects.filter(pk=upload_id).first()
    if upload is None:
        raise Conflict("upload_not_open", _("This upload takes no more parts. Ask for its state."))
    confirm_part(upload=upload, number=number, sha256=digest)
