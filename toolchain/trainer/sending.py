"""Streams of a run as downloads."""

from django.http import StreamingHttpResponse

from core.sheets import in_thread
from repos.transfer import disposition
from toolchain.models import Run
from toolchain.runs.reading import pieces


def sent_stream(run: Run, stream: str) -> StreamingHttpResponse:
    """Return a download of everything that a run wrote to a stream, piece by piece."""
    headers = {
        "Content-Disposition": disposition(f"{run.key}-{stream}.txt"),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    content = (data for _at, data in pieces(run, stream))
    return StreamingHttpResponse(in_thread(content), content_type="text/plain; charset=utf-8", headers=headers)
