"""Pieces of what a run wrote and used, as REST hands them out."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from assets.api.parts import parameter
from toolchain.models import Run, Sample
from toolchain.runs.reading import LOG, read_stream, size_of

PIECE, MOST_PIECE = 64 << 10, 1 << 20
MOST_OFFSET = 10**9
LOG_PARAMETERS = [
    OpenApiParameter("offset", int, description="Bytes before the piece."),
    OpenApiParameter("limit", int, description=f"Bytes at most, {PIECE} unless told otherwise, up to {MOST_PIECE}."),
]


class LogShape(serializers.Serializer[Any]):
    """A piece of a log: `next` is the offset of what follows it, `size` how much there is, `complete` whether nothing will follow."""

    offset = serializers.IntegerField()
    next = serializers.IntegerField()
    size = serializers.IntegerField()
    complete = serializers.BooleanField()
    text = serializers.CharField()


class SampleShape(serializers.ModelSerializer[Sample]):
    """What a run used at one moment: `cpu` in cores, sizes in bytes, pairs of busy share and bytes of memory for each card."""

    accelerators = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))

    class Meta:
        model = Sample
        fields = ["at", "cpu", "memory", "processes", "disk", "accelerators"]


def log_piece(request: Request, run: Run | None) -> dict[str, Any]:
    """Return the piece of a run's log that was asked for, in the form of `LogShape`."""
    offset, limit = parameter(request, "offset", 0, MOST_OFFSET), parameter(request, "limit", PIECE, MOST_PIECE)
    size = size_of(run, LOG) if run is not None else 0
    data = read_stream(run, LOG, offset, limit) if run is not None else b""
    over = run is None or (run.over and offset + len(data) >= size)
    text, end = whole_text(data, over)
    return {"offset": offset, "next": offset + end, "size": size, "complete": over, "text": text}


def whole_text(data: bytes, over: bool) -> tuple[str, int]:
    """Return bytes as text and how many of them it stands for: a character that is not whole yet waits for the next piece."""
    end = len(data)
    if not over:
        for back in range(1, min(4, end) + 1):
            byte = data[end - back]
            if byte & 0xC0 == 0x80:
                continue
            wanted = 1 if byte < 0x80 else 2 if byte >> 5 == 6 else 3 if byte >> 4 == 14 else 4 if byte >> 3 == 30 else 1
            end -= back if wanted > back else 0
            break
    return data[:end].decode("utf-8", "replace"), end
