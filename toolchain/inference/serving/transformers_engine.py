"""The built-in engine: `python -m serving.transformers_engine --socket /ag/run/s.sock --model FOLDER --name NAME`.

OpenAI's API (`/v1/models`, `/v1/chat/completions`, `/v1/completions`) and `POST /predict`. A model that answers questions from a text
(BERT and its like) has `/predict` with `question` and `context`, and `/v1/chat/completions`, where the last message of the user is the
question and the text is the field `context` of the request, else the system messages, else what stands before the last empty line.
"""

import json
import os
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from . import dialect
from .dialect import Fields, Wanted
from .keeper import Call
from .program import Program, arguments, event, first, main, refused
from .server import Answer, Refusal, Request, json_answer

_MOST_FRAMES = 1 << 20
_SILENCE = 30.0
_ANSWERS = "question-answering"


class Engine(Program):
    """The server of one model in the built-in engine."""

    def __init__(self, argv: list[str] | None = None) -> None:
        parser = arguments(concurrency=8, max_body=4 << 20)
        parser.add_argument("--model", required=True, help="folder of the model")
        parser.add_argument("--base", help="folder of the base model of an adapter")
        parser.add_argument("--name", action="append", required=True, help="name of the model in requests; may be repeated")
        parser.add_argument("--task", default="auto", choices=("auto", "text-generation", "question-answering"))
        parser.add_argument("--dtype", default="auto", choices=("auto", "float32", "bfloat16", "float16"))
        parser.add_argument("--context", type=int, default=0, help="most tokens of prompt and text, 0 for what the model can do")
        parser.add_argument("--most-tokens", type=int, default=1024, help="tokens of a text whose request names no limit")
        parser.add_argument("--threads", type=int, help="processors to use; default: as many as this process may use")
        options = parser.parse_args(argv)
        threads = options.threads or len(os.sched_getaffinity(0))
        worker = [sys.executable, "-u", "-P", "-m", f"{__package__}.engine_worker", "--model", options.model, "--task", options.task]
        worker += ["--threads", str(threads), "--rows", str(options.concurrency), "--dtype", options.dtype]
        worker += ["--context", str(options.context), "--most-tokens", str(options.most_tokens), "--memory", str(options.memory)]
        worker += ["--base", options.base] if options.base else []
        os.environ["OMP_NUM_THREADS"] = str(threads)
        super().__init__(options, worker, slots=options.concurrency, most=_MOST_FRAMES, silence=_SILENCE)
        self.names: list[str] = options.name
        self.routes |= {
            ("GET", "/v1/models"): self._models,
            ("POST", "/v1/chat/completions"): self._chat,
            ("POST", "/v1/completions"): self._completion,
            ("POST", "/predict"): self._predict,
            ("POST", "/"): self._predict,
        }

    async def handle(self, request: Request) -> Answer:
        """Answer a request; names of models may hold slashes."""
        if request.path.startswith("/v1/models/"):
            name = request.path.removeprefix("/v1/models/")
            if name not in self.names:
                raise Refusal(404, "model_not_found", f"There is no model “{name}” here.", param="model")
            return json_answer(self._described(name))
        return await super().handle(request)

    def _described(self, name: str) -> dict[str, Any]:
        created = int(self.counts.started_at)
        about = {"id": name, "object": "model", "created": created, "owned_by": name.split("/")[0], "root": self.names[0], "parent": None}
        context = self.keeper.metadata.get("context")
        return about | ({"max_model_len": context} if context else {})

    async def _models(self, request: Request) -> Answer:
        return json_answer({"object": "list", "data": [self._described(name) for name in self.names]})

    async def _chat(self, request: Request) -> Answer:
        return await self.counted(request, self._conversation(request))

    async def _completion(self, request: Request) -> Answer:
        return await self.counted(request, self._text(request, dialect.completion(dialect.parse(request.body), self.names)))

    async def _conversation(self, request: Request) -> Answer:
        body = dialect.parse(request.body)
        wanted = dialect.chat(body, self.names)
        if await self._answers_questions():
            return await self._asked(request, wanted, body)
        return await self._text(request, wanted)

    async def _answers_questions(self) -> bool:
        await self.keeper.ready(self.options.timeout)
        return bool(self.keeper.metadata.get("task") == _ANSWERS)

    async def _text(self, request: Request, wanted: Wanted) -> Answer:
        """Have a text written."""
        if wanted.stream:
            wanted.frame["timeout"] = self.options.stream_timeout
        came = time.monotonic()
        call = await self.call(request, wanted.frame, b"")
        headers = {"X-AG-Queue-Seconds": f"{time.monotonic() - came:.6f}"}
        handed_over = False
        try:
            opened, _ = await first(call)
            if wanted.stream:
                handed_over = True
                headers |= {"Cache-Control": "no-cache", "X-AG-Prompt-Tokens": str(opened["prompt_tokens"])}
                return Answer(200, self._stream(call, wanted, opened["prompt_tokens"]), "text/event-stream; charset=utf-8", headers)
            texts: dict[int, dict[str, Any]] = {}
            async for frame in self._frames(call):
                for choice in frame.get("choices", ()):
                    text = texts.setdefault(choice["index"], {"text": "", "finish": None, "logprobs": []})
                    text["text"] += choice["text"]
                    text["finish"] = choice.get("finish") or text["finish"]
                    text["logprobs"] += choice.get("logprobs", ())
                if frame["event"] == "end":
                    counts = self._counted_tokens(frame)
            return self._whole(dialect.whole(wanted, texts, counts), counts, headers)
        finally:
            if not handed_over:
                call.leave()

    def _whole(self, body: dict[str, Any], counts: dict[str, int], headers: dict[str, str]) -> Answer:
        answer = json_answer(body)
        answer.headers = headers | _token_headers(counts)
        return answer

    def _counted_tokens(self, frame: dict[str, Any]) -> dict[str, int]:
        prompt, completed = int(frame["prompt_tokens"]), int(frame.get("completion_tokens", 0))
        self.counts.prompt_tokens += prompt
        self.counts.completion_tokens += completed
        return dialect.usage(prompt, completed)

    async def _frames(self, call: Call) -> AsyncIterator[dict[str, Any]]:
        """Yield what the worker says up to the end. Raises `Refusal` where that is an error."""
        while True:
            header, _ = await call.next()
            if header["event"] == "error":
                raise refused(header)
            yield header
            if header["event"] == "end":
                return

    async def _stream(self, call: Call, wanted: Wanted, prompt: int) -> AsyncIterator[bytes]:
        """Yield server-sent events: pieces, the counts where they are wanted and always as a comment, `[DONE]`."""
        written: dict[int, int] = {}
        pieces, over = 0, False
        try:
            async for frame in self._frames(call):
                out = b""
                for choice in frame.get("choices", ()):
                    index = choice["index"]
                    if index not in written:
                        written[index] = 0
                        out += _data(dialect.opening(wanted, index)) if wanted.chat else b""
                    out += _data(dialect.piece(wanted, choice, written[index]))
                    written[index] += len(choice["text"])
                    pieces += 1
                if frame["event"] == "end":
                    over = True
                    counts = self._counted_tokens(frame)
                    out += _data(dialect.closing(wanted, counts)) if wanted.include_usage else b""
                    out += b": usage " + json.dumps(counts).encode() + b"\n\n" + event(b"[DONE]")
                yield out
        except Refusal as refusal:
            over = True
            self.counts.errors[refusal.code] += 1
            yield _data(refusal.body())
        finally:
            if not over:
                # Who left is told no counts, and a piece has one token or more.
                self._counted_tokens({"prompt_tokens": prompt, "completion_tokens": pieces})
            call.leave()

    async def _asked(self, request: Request, wanted: Wanted, body: dict[str, Any]) -> Answer:
        """Answer the question of a conversation from its text."""
        said = wanted.frame["prompts"][0]["messages"]
        question, context = question_in(said, Fields(body).text("context"))
        answers, prompt, headers = await self._found(request, {"question": question, "context": context})
        best = answers[0] if answers else {"answer": "", "score": 0.0, "start": 0, "end": 0}
        # A span is copied, not written: its tokens are not counted as completion.
        counts = self._counted_tokens({"prompt_tokens": prompt})
        text = {"text": best["answer"], "finish": "stop", "logprobs": []}
        if not wanted.stream:
            return self._whole(dialect.whole(wanted, {0: text}, counts) | {"answer": best}, counts, headers)

        async def pieces() -> AsyncIterator[bytes]:
            yield _data(dialect.opening(wanted, 0)) + _data(dialect.piece(wanted, {"index": 0} | text, 0) | {"answer": best})
            closing = _data(dialect.closing(wanted, counts)) if wanted.include_usage else b""
            yield closing + b": usage " + json.dumps(counts).encode() + b"\n\n" + event(b"[DONE]")

        return Answer(200, pieces(), "text/event-stream; charset=utf-8", headers | {"Cache-Control": "no-cache"})

    async def _found(self, request: Request, question: dict[str, Any]) -> tuple[list[dict[str, Any]], int, dict[str, str]]:
        came = time.monotonic()
        call = await self.call(request, {"op": "answer", "question": question}, b"")
        try:
            header, _ = await first(call)
        finally:
            call.leave()
        return header["answers"], int(header["prompt_tokens"]), {"X-AG-Seconds": f"{time.monotonic() - came:.6f}"}

    async def _predict(self, request: Request) -> Answer:
        return await self.counted(request, self._simple(request))

    async def _simple(self, request: Request) -> Answer:
        """Answer `{"inputs", "parameters"}`: a text, a conversation, or a question with its text."""
        body = dialect.parse(request.body)
        inputs = body.get("inputs", body if "question" in body else None)
        parameters = body.get("parameters") or {}
        if not isinstance(parameters, dict):
            raise Refusal(400, "value_invalid", "“parameters” must be an object.", param="parameters")
        if isinstance(inputs, dict) and "question" in inputs:
            inputs_given = {name: value for name, value in inputs.items() if name not in ("question", "context")}
            return await self._question(request, inputs, (inputs_given if inputs is body else {}) | parameters)
        if await self._answers_questions():
            raise Refusal(400, "context_missing", "This model answers questions: send “question” and “context”.", param="inputs")
        if inputs is None:
            raise Refusal(400, "inputs_missing", "“inputs” is missing: a text, or a list of messages.", param="inputs")
        given = dict(parameters)
        if "max_new_tokens" in given:
            given["max_tokens"] = given.pop("max_new_tokens")
        if given.pop("do_sample", None) is False:
            given["temperature"] = 0
        given |= {"stream": False}
        if isinstance(inputs, str):
            given = {"max_tokens": self.options.most_tokens} | given
            wanted = dialect.completion(given | {"prompt": inputs}, self.names)
        else:
            wanted = dialect.chat(given | {"messages": inputs}, self.names)
        return await self._generated(request, wanted)

    async def _generated(self, request: Request, wanted: Wanted) -> Answer:
        answer = await self._text(request, wanted)
        assert isinstance(answer.body, bytes)
        said = json.loads(answer.body)
        texts = [choice["message"]["content"] if wanted.chat else choice["text"] for choice in said["choices"]]
        shown: dict[str, Any] = {"generated_text": texts[0] if len(texts) == 1 else texts}
        shown["finish_reason"] = said["choices"][0]["finish_reason"]
        simple = json_answer(shown | {"usage": said["usage"]})
        simple.headers = answer.headers
        return simple

    async def _question(self, request: Request, inputs: dict[str, Any], parameters: dict[str, Any]) -> Answer:
        given, fields = Fields(inputs), Fields(parameters)
        question, context = given.text("question"), given.text("context")
        if not question or not context:
            missing = "context" if question else "question"
            raise Refusal(400, "context_missing", f"“{missing}” is missing: a question needs the text that answers it.", param=missing)
        if not await self._answers_questions():
            said = [{"role": "user", "content": f"{context}\n\n{question}"}]
            answer = await self._generated(request, dialect.chat({"temperature": 0} | parameters | {"messages": said}, self.names))
            assert isinstance(answer.body, bytes)
            text = json.loads(answer.body)
            shown = json_answer({"answer": text["generated_text"], "score": None, "start": None, "end": None, "usage": text["usage"]})
            shown.headers = answer.headers
            return shown
        top = fields.whole("top_k", 1, 100, 1) or 1
        asked = {
            "question": question,
            "context": context,
            "top_k": top,
            "longest": fields.whole("max_answer_len", 1, 512, 30),
            "may_be_empty": fields.flag("handle_impossible_answer"),
        }
        answers, prompt, headers = await self._found(request, asked)
        counts = self._counted_tokens({"prompt_tokens": prompt})
        nothing = {"answer": "", "score": 0.0, "start": 0, "end": 0}
        shown = json_answer((answers[0] if answers else nothing) if top == 1 else answers)
        shown.headers = headers | _token_headers(counts)
        return shown


def question_in(messages: list[dict[str, str]], context: str | None) -> tuple[str, str]:
    """Return the question of a conversation and the text that holds its answer. Raises `Refusal`."""
    question = next((message["content"] for message in reversed(messages) if message["role"] == "user"), "").strip()
    context = context or "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    if not context.strip():
        context, _, question = question.rpartition("\n\n")
    if not context.strip() or not question.strip():
        raise Refusal(
            400,
            "context_missing",
            "This model finds answers in a text. Send the text as the system message, and the question as the message of the user.",
            param="messages",
        )
    return question.strip(), context


def _token_headers(counts: dict[str, int]) -> dict[str, str]:
    return {"X-AG-Prompt-Tokens": str(counts["prompt_tokens"]), "X-AG-Completion-Tokens": str(counts["completion_tokens"])}


def _data(value: dict[str, Any]) -> bytes:
    return event(json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace"))


if __name__ == "__main__":
    main(Engine())
