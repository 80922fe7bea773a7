"""The process that holds the model of the built-in engine.

Frames in: `generate` (`prompts`, `n`, `most`, `sampling`, `stops`, `ignore_ends`, `timeout`), `answer` (`question`, `context`, `top_k`, …),
`cancel`. A prompt is `{"messages": […]}`, `{"text": …}` or `{"tokens": […]}`.
Frames out: `ready` or `failed`; for `generate` first `open` (`prompt_tokens`), then `piece` (`choices` with `index`, `text`, `finish`,
`logprobs`), …, `end` with counts of tokens; for `answer` one `result`; or `error`.
"""

import argparse
import os
import queue
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import torch

from .frames import Line
from .generation import Generator, Job, JobError, Row, sampling_of
from .loading import LoadError, last_line
from .sampling import Sampler
from .spans import Question, Reader
from .texts import TextStream
from .weights import ANSWERS, GENERATION, Loaded, load, quiet
from .worker import connect, guard, limit_data

DEFAULT_TEMPLATE = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:"
"""For tokenizers without a chat template. Such a model is stopped when it begins to write for the user."""
_DEFAULT_STOPS = ("\nuser:", "\nsystem:")
_MOST_ROWS_OF_JOB = 32
_IDLE = 3600.0
_LEFT = JobError(499, "cancelled", "The client left.")


class Engine:
    """Serves one loaded model from one thread."""

    def __init__(self, loaded: Loaded, line: Line, rows: int, most: int) -> None:
        self._loaded, self._line, self._most, self._rows = loaded, line, most, rows
        self._frames: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._jobs: dict[int, Job] = {}
        self._cancelled: set[int] = set()
        self._own_template = bool(getattr(loaded.tokenizer, "chat_template", None))
        self._generator = Generator(loaded.model, loaded.tokenizer, rows) if loaded.task == GENERATION else None
        self._reader = Reader(loaded.model, loaded.tokenizer, loaded.context) if loaded.task == ANSWERS else None

    def metadata(self) -> dict[str, Any]:
        """Return what the playground and `/v1/models` say of the model."""
        parameters = sum(each.numel() for each in self._loaded.model.parameters())
        kind = next(self._loaded.model.parameters())
        return {
            "task": self._loaded.task,
            "architecture": self._loaded.architecture,
            "parameters": parameters,
            "dtype": str(kind.dtype).removeprefix("torch."),
            "device": str(kind.device.type),
            "context": self._loaded.context,
            "adapter": self._loaded.adapter,
            "chat_template": "tokenizer" if self._own_template else "default",
            "rows": self._rows,
        }

    def warm(self) -> None:
        """Run the model once, so that neither the first request waits nor a later one finds out that it cannot be run. Raises `LoadError`."""
        said: list[dict[str, Any]] = []
        try:
            if self._reader is not None:
                self._reader.answers([Question("a", "a b")])
                return
            assert self._generator is not None
            job = Job(0, said.append, time.monotonic() + _IDLE)
            make = self._loaded.tokenizer
            token = next((each for each in (make.bos_token_id, make.eos_token_id) if each is not None), 0)
            self._generator.add(job, [self._row(job, 0, [token], {"most": 2, "ignore_ends": True})])
            while self._generator.busy:
                self._generator.step()
        except Exception as error:
            raise LoadError("model_unusable", f"The model was loaded but cannot be run: {last_line(error)}") from error
        if said and said[-1]["event"] == "error":
            raise LoadError(said[-1]["code"], said[-1]["message"])

    def listen(self) -> None:
        """Take frames until the server is gone; then nothing is left to do for this process."""
        while (frame := self._line.receive()) is not None:
            header = frame[0]
            if header["op"] == "cancel":
                self._cancelled.add(header["id"])
            else:
                self._frames.put(header)
        os._exit(0)

    def work(self) -> None:
        """Serve for ever."""
        if self._reader is not None:
            while True:
                self._answer(self._reader, self._taken(wait=True))
        assert self._generator is not None
        while True:
            for header in self._taken(wait=not self._generator.busy):
                self._begin(self._generator, header)
            for number in list(self._cancelled):
                if job := self._jobs.get(number):
                    job.over = True
                    self._cancelled.discard(number)
                    self._fail(number, _LEFT)
            self._generator.step()

    def _taken(self, *, wait: bool) -> list[dict[str, Any]]:
        """Return the frames that came, at least one where `wait` is set."""
        found = [self._frames.get()] if wait else []
        while len(found) < _MOST_ROWS_OF_JOB:
            try:
                found.append(self._frames.get_nowait())
            except queue.Empty:
                break
        return found

    def _say(self, number: int, header: dict[str, Any], body: bytes = b"") -> None:
        if header["event"] in ("end", "error", "result"):
            self._jobs.pop(number, None)
        self._line.send(header | {"id": number}, body)

    def _fail(self, number: int, error: Exception) -> None:
        if isinstance(error, JobError):
            status, code, message, param = error.status, error.code, str(error), error.param
        else:
            traceback.print_exception(error)
            status, code, message, param = 500, "model_error", last_line(error), None
        self._say(number, {"event": "error", "status": status, "code": code, "message": message, "param": param})

    def _begin(self, generator: Generator, header: dict[str, Any]) -> None:
        number = header["id"]
        job = Job(number, lambda said: self._say(number, said), time.monotonic() + header["timeout"])
        try:
            if number in self._cancelled:
                self._cancelled.discard(number)
                raise _LEFT
            if header["op"] != "generate":
                raise JobError(400, "task_unfit", "This model writes texts; it does not look for answers.")
            prompts = [self._tokens(prompt) for prompt in header["prompts"]]
            rows = [
                self._row(job, place * header["n"] + copy, tokens, header)
                for place, tokens in enumerate(prompts)
                for copy in range(header["n"])
            ]
            if len(rows) > _MOST_ROWS_OF_JOB:
                raise JobError(400, "value_invalid", f"At most {_MOST_ROWS_OF_JOB} texts can be asked for at once.", "n")
        except Exception as error:
            self._fail(number, error)
            return
        job.prompt_tokens = sum(len(tokens) for tokens in prompts)
        self._jobs[number] = job
        self._say(number, {"event": "open", "prompt_tokens": job.prompt_tokens})
        generator.add(job, rows)

    def _tokens(self, prompt: dict[str, Any]) -> list[int]:
        """Return the tokens of a prompt. Raises `JobError`."""
        tokenizer = self._loaded.tokenizer
        if "messages" in prompt:
            template = None if self._own_template else DEFAULT_TEMPLATE
            try:
                text = tokenizer.apply_chat_template(prompt["messages"], chat_template=template, tokenize=False, add_generation_prompt=True)
            except Exception as error:
                raise JobError(400, "messages_invalid", f"The model's chat template refuses these messages: {error}", "messages") from error
            # A template of the model's own writes the special tokens itself.
            tokens = tokenizer(text, add_special_tokens=not self._own_template)["input_ids"]
        elif "tokens" in prompt:
            tokens = prompt["tokens"]
            size = self._loaded.model.get_input_embeddings().num_embeddings
            if any(token >= size for token in tokens):
                raise JobError(400, "value_invalid", f"The model's vocabulary has {size} tokens.", "prompt")
        else:
            tokens = tokenizer(prompt["text"])["input_ids"]
            # Some tokenizers end every text; this one is to go on.
            tokens = tokens[:-1] if len(tokens) > 1 and tokens[-1] == tokenizer.eos_token_id else tokens
        if not tokens and tokenizer.bos_token_id is not None:
            tokens = [tokenizer.bos_token_id]
        if not tokens:
            raise JobError(400, "prompt_empty", "The prompt is empty.", "prompt")
        return list(tokens)

    def _row(self, job: Job, index: int, tokens: list[int], header: dict[str, Any]) -> Row:
        room = self._loaded.context - len(tokens)
        most = header.get("most")
        if room < 1 or (most is not None and most > room):
            raise JobError(
                400,
                "context_length_exceeded",
                f"This model's maximum context length is {self._loaded.context} tokens. The request needs {len(tokens) + (most or 1)} "
                f"({len(tokens)} in the prompt, {most or 1} in the completion). Shorten the prompt or max_tokens.",
                "messages" if header.get("chat") else "prompt",
            )
        stops = list(header.get("stops", ()))
        if header.get("chat") and not self._own_template:
            stops += _DEFAULT_STOPS
        ends = frozenset[int]() if header.get("ignore_ends") else self._loaded.ends
        sampler = Sampler(sampling_of(header.get("sampling", {"temperature": 0})), index)
        text = TextStream(self._loaded.tokenizer, stops)
        return Row(job, index, tokens, most or min(room, self._most), sampler, text, ends)

    def _answer(self, reader: Reader, headers: list[dict[str, Any]]) -> None:
        """Answer several questions at once; where that fails, one by one, so that only the one at fault does."""
        going = []
        for header in headers:
            if header["id"] in self._cancelled:
                self._cancelled.discard(header["id"])
                self._fail(header["id"], _LEFT)
            elif header["op"] != "answer":
                self._fail(header["id"], JobError(400, "context_missing", "This model answers questions about a text: give both."))
            else:
                going.append(header)
        questions = [Question(**header["question"]) for header in going]
        try:
            found = reader.answers(questions)
        except Exception as error:
            if len(going) > 1:
                for header in going:
                    self._answer(reader, [header])
            elif going:
                self._fail(going[0]["id"], error)
            return
        for header, question, answers in zip(going, questions, found, strict=True):
            self._say(header["id"], {"event": "result", "answers": answers, "prompt_tokens": reader.count(question)})


def main() -> None:
    """Load a model and serve the process that started this one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--base", type=Path)
    parser.add_argument("--task", default="auto")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--context", type=int, default=0)
    parser.add_argument("--most-tokens", type=int, required=True)
    parser.add_argument("--memory", type=int, default=0)
    options = parser.parse_args()
    guard()
    line = connect()
    # One thread more than there are processors for costs up to twenty times the time.
    torch.set_num_threads(options.threads)
    quiet()
    limit_data(options.memory)
    try:
        loaded = load(
            options.model, base=options.base, task=options.task, dtype=options.dtype, memory=options.memory, context=options.context
        )
        engine = Engine(loaded, line, options.rows, options.most_tokens)
        engine.warm()
    except LoadError as error:
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        line.send({"event": "failed", "code": error.code, "message": str(error)})
        sys.exit(1)
    line.send({"event": "ready"} | engine.metadata())
    threading.Thread(target=engine.listen, daemon=True).start()
    engine.work()


if __name__ == "__main__":
    main()
