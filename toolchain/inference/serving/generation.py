"""Text generation for many at once: rows join and leave a running batch between two tokens.

All rows share one key-value cache of the shape that `transformers` keeps, `[rows, heads, tokens, width]` for each layer, padded on the
left. New prompts are read in one pass of their own and their cache is appended; finished rows are cut out.
"""

import inspect
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from .sampling import Sampler, Sampling, likelihoods
from .texts import TextStream

# A long prompt is read in pieces, between which the others get their tokens.
_CHUNK = 512
_MOST_PREFILL = 4096


class JobError(Exception):
    """A request that cannot be served; `param` is the part of it that is at fault."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.param = status, code, param


@dataclass
class Job:
    """One request: its rows, and how its pieces are told. `until` is the monotonic time of its end."""

    number: int
    tell: Callable[[dict[str, Any]], None]
    until: float
    prompt_tokens: int = 0
    completion_tokens: int = 0
    open_rows: int = 0
    over: bool = False


@dataclass
class Row:
    """One text that is being written."""

    job: Job
    index: int
    prompt: list[int]
    most: int
    sampler: Sampler
    text: TextStream
    ends: frozenset[int]
    written: list[int] = field(default_factory=list)
    last: int = 0


class Generator:
    """Writes the texts of jobs, up to `most_rows` at a time. Not for more than one thread."""

    def __init__(self, model: Any, tokenizer: Any, most_rows: int) -> None:
        self._model, self._tokenizer, self._most = model, tokenizer, most_rows
        self._device = next(model.parameters()).device
        takes = inspect.signature(model.forward).parameters
        self._takes_positions = "position_ids" in takes
        self._takes_keep = "logits_to_keep" in takes
        self._waiting: deque[Row] = deque()
        self._rows: list[Row] = []
        self._cache: Any = None
        self._mask: Any = None

    @property
    def busy(self) -> bool:
        return bool(self._rows or self._waiting)

    def add(self, job: Job, rows: list[Row]) -> None:
        """Let the rows of a job wait for their place."""
        job.open_rows = len(rows)
        self._waiting.extend(rows)

    def step(self) -> None:
        """Read prompts that wait, or write one token of each row. What runs out of memory fails its jobs, and the next go on."""
        self._sweep()
        try:
            with torch.inference_mode():
                if self._waiting and len(self._rows) < self._most:
                    self._admit()
                if self._rows:
                    self._write()
        except (RuntimeError, MemoryError) as error:
            short = isinstance(error, MemoryError) or "memory" in str(error)
            self._fail_all("out_of_memory" if short else "model_error", f"{type(error).__name__}: {str(error).splitlines()[0][:500]}")
            if not short:
                raise

    def _fail_all(self, code: str, message: str) -> None:
        for row in self._rows:
            self._fail(row.job, 500, code, message)
        self._rows, self._cache, self._mask = [], None, None
        self._waiting = deque(row for row in self._waiting if not row.job.over)

    def _fail(self, job: Job, status: int, code: str, message: str) -> None:
        if not job.over:
            job.over = True
            job.tell({"event": "error", "status": status, "code": code, "message": message})

    def _sweep(self) -> None:
        """Take out the rows of jobs that are over or have had their time."""
        now = time.monotonic()
        for row in (*self._rows, *self._waiting):
            if not row.job.over and now > row.job.until:
                self._fail(row.job, 504, "timeout", "The text was not finished in the time for one request.")
        if any(row.job.over for row in self._waiting):
            self._waiting = deque(row for row in self._waiting if not row.job.over)
        self._keep([number for number, row in enumerate(self._rows) if not row.job.over])

    def _admit(self) -> None:
        """Read the prompts of the next rows, write their first tokens and append them to the batch."""
        group = [self._waiting.popleft()]
        while self._waiting and len(self._rows) + len(group) < self._most and len(group[0].prompt) <= _CHUNK:
            longest = max(len(self._waiting[0].prompt), *(len(row.prompt) for row in group))
            if longest > _CHUNK or longest * (len(group) + 1) > _MOST_PREFILL:
                break
            group.append(self._waiting.popleft())
        length = max(len(row.prompt) for row in group)
        ids, mask = torch.zeros((len(group), length), dtype=torch.long), torch.zeros((len(group), length), dtype=torch.long)
        for number, row in enumerate(group):
            ids[number, length - len(row.prompt) :] = torch.tensor(row.prompt)
            mask[number, length - len(row.prompt) :] = 1
        try:
            cache: Any = DynamicCache()
            for start in range(0, length, _CHUNK):
                if start and self._rows:
                    self._write()
                end = min(length, start + _CHUNK)
                logits, cache = self._forward(ids[:, start:end], mask[:, :end], cache)
        except BaseException:
            # They are in no list now, and must not be left without an answer.
            self._rows += group
            raise
        if not all(type(layer) is DynamicLayer for layer in cache.layers):
            raise RuntimeError("the cache of this architecture cannot be shared by several texts")
        mask = mask.to(self._device)
        going = self._advance(group, logits)
        if going:
            if len(going) < len(group):
                _select(cache, torch.tensor(going, device=self._device))
                mask = mask[going]
            self._append([group[number] for number in going], cache, mask)

    def _forward(self, ids: Any, mask: Any, cache: Any) -> tuple[Any, Any]:
        """Return the logits of the last tokens, `[rows, vocabulary]`, and the cache with these tokens in it."""
        mask = mask.to(self._device)
        more: dict[str, Any] = {}
        if self._takes_positions:
            more["position_ids"] = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        if self._takes_keep:
            more["logits_to_keep"] = 1
        out = self._model(
            input_ids=ids.to(self._device), attention_mask=mask, past_key_values=cache, use_cache=True, return_dict=True, **more
        )
        return out.logits[:, -1], out.past_key_values

    def _append(self, rows: list[Row], cache: Any, mask: Any) -> None:
        if not self._rows:
            self._rows, self._cache, self._mask = rows, cache, mask
            return
        here, there = self._mask.shape[1], mask.shape[1]
        longest = max(here, there)
        for mine, new in zip(self._cache.layers, cache.layers, strict=True):
            mine.keys = torch.cat((_padded(mine.keys, longest - here), _padded(new.keys, longest - there)))
            mine.values = torch.cat((_padded(mine.values, longest - here), _padded(new.values, longest - there)))
        pad = torch.nn.functional.pad
        self._mask = torch.cat((pad(self._mask, (longest - here, 0)), pad(mask, (longest - there, 0))))
        self._rows = self._rows + rows

    def _write(self) -> None:
        """Write one token of each row."""
        ids = torch.tensor([[row.last] for row in self._rows])
        self._mask = torch.nn.functional.pad(self._mask, (0, 1), value=1)
        logits, self._cache = self._forward(ids, self._mask, self._cache)
        self._keep(self._advance(self._rows, logits))

    def _keep(self, going: list[int]) -> None:
        """Cut all other rows out of the batch, and the padding that nobody needs any more."""
        if len(going) == len(self._rows):
            return
        self._rows = [self._rows[number] for number in going]
        if not going:
            self._cache = self._mask = None
            return
        index = torch.tensor(going, device=self._device)
        mask = self._mask[index]
        spare = int(mask.argmax(1).min())
        _select(self._cache, index, spare)
        self._mask = mask[:, spare:]

    def _advance(self, rows: list[Row], logits: Any) -> list[int]:
        """Choose the next token of each row and tell the texts; return the numbers of the rows that go on."""
        greedy = logits.argmax(-1).tolist()
        plain = all(row.sampler.sampling.plain for row in rows)
        vectors = None if plain else logits.float().cpu()
        told: dict[int, tuple[Job, list[dict[str, Any]]]] = {}
        going = []
        for number, row in enumerate(rows):
            sampling = row.sampler.sampling
            about: dict[str, Any] = {}
            if sampling.plain:
                token = greedy[number]
            else:
                assert vectors is not None
                original = vectors[number].clone() if sampling.logprobs is not None and sampling.adjusted else vectors[number]
                token = row.sampler.choose(vectors[number])
                if sampling.logprobs is not None and token not in row.ends:
                    value, top = likelihoods(original, token, sampling.logprobs)
                    about["logprobs"] = [self._told(token, value, top)]
            piece, finish = self._take(row, token)
            if finish is None:
                going.append(number)
            if piece or finish or about:
                choice = {"index": row.index, "text": piece} | ({"finish": finish} if finish else {}) | about
                told.setdefault(row.job.number, (row.job, []))[1].append(choice)
        for job, choices in told.values():
            if not job.over:
                self._tell(job, choices)
        return going

    def _take(self, row: Row, token: int) -> tuple[str, str | None]:
        """Return the text that a token of a row makes certain, and why the row ends with it."""
        if token in row.ends:
            return row.text.end(), "stop"
        row.last = token
        row.written.append(token)
        row.job.completion_tokens += 1
        piece = row.text.take(token)
        if row.text.finished:
            return piece, "stop"
        if len(row.written) >= row.most:
            piece += row.text.end()
            return piece, "stop" if row.text.finished else "length"
        return piece, None

    def _tell(self, job: Job, choices: list[dict[str, Any]]) -> None:
        job.open_rows -= sum("finish" in choice for choice in choices)
        job.tell({"event": "piece", "choices": choices})
        if not job.open_rows:
            job.over = True
            job.tell({"event": "end", "prompt_tokens": job.prompt_tokens, "completion_tokens": job.completion_tokens})

    def _told(self, token: int, value: float, top: list[tuple[int, float]]) -> dict[str, Any]:
        text = self._tokenizer.decode([token])
        return {"token": text, "logprob": value, "top": [[self._tokenizer.decode([each]), log] for each, log in top]}


def sampling_of(given: dict[str, Any]) -> Sampling:
    """Return the sampling that a frame asks for; numbers of tokens are text in JSON."""
    known = {name: given[name] for name in Sampling.__dataclass_fields__ if name in given}
    return Sampling(**(known | {"bias": {int(token): float(bias) for token, bias in given.get("bias", {}).items()}}))


def _padded(tensor: Any, count: int) -> Any:
    return torch.nn.functional.pad(tensor, (0, 0, count, 0)) if count else tensor


def _select(cache: Any, index: Any, spare: int = 0) -> None:
    for layer in cache.layers:
        layer.keys = layer.keys[index][:, :, spare:]
        layer.values = layer.values[index][:, :, spare:]
