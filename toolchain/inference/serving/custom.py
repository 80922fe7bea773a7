"""Serves a custom model: `python -m serving.custom --socket /ag/run/s.sock`.

`POST /predict` (or `/`) calls the model that `ENV_AG_MODEL_DIR` names. What it returns is the answer as it is: JSON, or a file. What a
generator yields is sent as it comes: as server-sent events where the client accepts `text/event-stream`, else as text, as a file, or as
one JSON value a line (`application/x-ndjson`). A client that accepts `application/json` and nothing else gets everything in JSON.
"""

import asyncio
import base64
import json
import sys
import time
from collections.abc import AsyncIterator

from .keeper import Call
from .program import Program, arguments, event, first, main, refused
from .server import Answer, Refusal, Request

_MOST_PIECES = 64


class Custom(Program):
    """The server of one custom model."""

    def __init__(self, argv: list[str] | None = None) -> None:
        options = arguments(concurrency=1).parse_args(argv)
        worker = [sys.executable, "-u", "-P", "-m", f"{__package__}.worker", "--threads", str(options.concurrency)]
        # Address space beyond the limit cannot be asked for; what files are mapped and shared is left to the watch.
        worker += ["--data-limit", str(options.memory)]
        super().__init__(options, worker, slots=options.concurrency, most=_MOST_PIECES)
        self.routes |= {("POST", path): self.predict for path in ("/predict", "/")}

    async def predict(self, request: Request) -> Answer:
        """Call the model."""
        return await self.counted(request, self._predict(request))

    async def _predict(self, request: Request) -> Answer:
        header = {"op": "call", "content_type": request.headers.get("content-type", ""), "query": request.query}
        came = time.monotonic()
        call = await self.call(request, header, request.body)
        waited = time.monotonic() - came
        handed_over = False
        try:
            head, body = await first(call)
            times = {"X-AG-Queue-Seconds": f"{waited:.6f}"}
            if head["event"] == "result":
                times["X-AG-Seconds"] = f"{float(head.get('seconds', 0)):.6f}"
                return _whole(request, body, str(head.get("content_type")), times)
            form = str(head.get("form"))
            if _json_only(request):
                return Answer(200, await self._collected(call, form), headers=times)
            handed_over = True
            return self._pieces_answer(request, call, form, str(head.get("content_type")), times)
        finally:
            if not handed_over:
                call.leave()

    async def _collected(self, call: Call, form: str) -> bytes:
        pieces = []
        async for piece in self._stream(call):
            pieces.append(_piece_json(piece, form))
        return b"[" + b",".join(pieces) + b"]"

    def _pieces_answer(self, request: Request, call: Call, form: str, kind: str, headers: dict[str, str]) -> Answer:
        if request.accepts("text/event-stream"):
            headers["Cache-Control"] = "no-cache"
            return Answer(200, self._events(call, form), "text/event-stream; charset=utf-8", headers)
        if form == "json":
            return Answer(200, self._lines(call), "application/x-ndjson; charset=utf-8", headers)
        return Answer(200, self._stream(call), "text/plain; charset=utf-8" if form == "text" else kind, headers)

    async def _stream(self, call: Call) -> AsyncIterator[bytes]:
        """Yield the pieces of an answer. Raises `Refusal` where the model fails in between."""
        until = time.monotonic() + self.options.stream_timeout
        try:
            while True:
                try:
                    async with asyncio.timeout(until - time.monotonic()):
                        header, body = await call.next()
                except TimeoutError as error:
                    raise Refusal(504, "timeout", f"The answer took more than {self.options.stream_timeout:g} seconds.") from error
                if header["event"] == "piece":
                    yield body
                elif header["event"] == "end":
                    return
                else:
                    raise refused(header)
        finally:
            call.leave()

    async def _events(self, call: Call, form: str) -> AsyncIterator[bytes]:
        stream = self._stream(call)
        try:
            async for piece in stream:
                yield event(_piece_json(piece, form))
            yield event(b"[DONE]")
        except Refusal as refusal:
            yield event(json.dumps(refusal.body(), ensure_ascii=False).encode(), "error")
            self.counts.errors[refusal.code] += 1
        finally:
            await stream.aclose()  # type: ignore[attr-defined]

    async def _lines(self, call: Call) -> AsyncIterator[bytes]:
        stream = self._stream(call)
        try:
            async for piece in stream:
                yield piece + b"\n"
        except Refusal as refusal:
            yield json.dumps(refusal.body(), ensure_ascii=False).encode() + b"\n"
            self.counts.errors[refusal.code] += 1
        finally:
            await stream.aclose()  # type: ignore[attr-defined]


def _json_only(request: Request) -> bool:
    kinds = {part.split(";")[0].strip() for part in request.headers.get("accept", "").lower().split(",")}
    return kinds == {"application/json"}


def _whole(request: Request, body: bytes, kind: str, headers: dict[str, str]) -> Answer:
    if kind == "application/json" or not _json_only(request):
        return Answer(200, body, kind, headers)
    return Answer(200, _file_json(body, kind), headers=headers)


def _file_json(body: bytes, kind: str) -> bytes:
    return json.dumps({"content_type": kind, "data": base64.b64encode(body).decode("ascii")}).encode()


def _piece_json(piece: bytes, form: str) -> bytes:
    if form == "json":
        return piece
    if form == "text":
        return json.dumps(piece.decode("utf-8", "replace"), ensure_ascii=False).encode()
    return _file_json(piece, "application/octet-stream")


if __name__ == "__main__":
    main(Custom())
