"""What a run wrote, as it was taken from its runner."""

from collections.abc import Iterator
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models.functions import Length

from toolchain.models import Excerpt, Run

PIECE = 64 << 10
LOG = "log"


def size_of(run: Run, stream: str) -> int:
    """Return how many bytes there are of a stream."""
    last = Excerpt.objects.filter(run=run, stream=stream).order_by("-offset").values("offset", length=Length("data")).first()
    return last["offset"] + last["length"] if last else 0


def read_stream(run: Run, stream: str, offset: int, limit: int) -> bytes:
    """Return up to `limit` bytes of a stream from `offset`."""
    first = Excerpt.objects.filter(run=run, stream=stream, offset__lte=offset).order_by("-offset").values_list("offset", flat=True).first()
    found = b""
    for start, data in Excerpt.objects.filter(run=run, stream=stream, offset__gte=first or 0, offset__lt=offset + limit).values_list(
        "offset", "data"
    ):
        piece = bytes(data)
        found += piece[max(0, offset - start) :][: limit - len(found)]
    return found


def pieces(run: Run, stream: str, after: int = 0) -> Iterator[tuple[datetime, bytes]]:
    """Yield the pieces of a stream from byte `after`, which begins one, each with the time at which it was taken."""
    rows = Excerpt.objects.filter(run=run, stream=stream, offset__gte=after).values_list("at", "data")
    for at, data in rows.iterator(chunk_size=32):
        yield at, bytes(data)


def last_lines(run: Run, count: int = 50) -> str:
    """Return the last lines of the log."""
    size = size_of(run, LOG)
    text = read_stream(run, LOG, max(0, size - 16384), 16384).decode(errors="replace")
    return "\n".join(text.splitlines()[-count:])


def keep(run: Run, stream: str, offset: int, data: bytes, at: datetime, *, join: bool) -> None:
    """Keep a piece of a stream; once, whoever comes second. With `join` a short piece before it is made longer instead.

    Pieces of metrics are not joined: the time at which each was taken counts.
    """
    last = Excerpt.objects.filter(run=run, stream=stream).order_by("-offset").first() if join else None
    if last is not None and last.offset + len(last.data) == offset and len(last.data) + len(data) <= PIECE:
        Excerpt.objects.filter(pk=last.pk).annotate(length=Length("data")).filter(length=len(last.data)).update(
            data=bytes(last.data) + data, at=at
        )
        return
    try:
        with transaction.atomic():
            Excerpt.objects.create(run=run, stream=stream, offset=offset, data=data, at=at)
    except IntegrityError:
        return
