"""Questions answered by a part of a text (extractive question answering)."""

from dataclasses import dataclass
from typing import Any

import torch

_STRIDE = 128
_MOST_TOKENS = 384
_MOST_ROWS = 16


@dataclass(frozen=True)
class Question:
    """A question and the text that holds its answer. `longest` is the most tokens of an answer."""

    question: str
    context: str
    top_k: int = 1
    longest: int = 30
    may_be_empty: bool = False


class Reader:
    """Finds answers with a model that gives each token a score as the beginning and as the end of one."""

    def __init__(self, model: Any, tokenizer: Any, context: int) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._device = next(model.parameters()).device
        self._most = min(_MOST_TOKENS, context)

    def answers(self, questions: list[Question]) -> list[list[dict[str, Any]]]:
        """Return for each question its best answers: `answer`, `score` (0 to 1), `start` and `end` (characters of the text).

        Long texts are read in windows that overlap; a question that leaves no room for the text has no answer. All windows of all questions
        go through the model together, up to 16 at a time.
        """
        rows = [(number, window) for number, question in enumerate(questions) for window in self._windows(question)]
        found: list[list[tuple[float, int, int]]] = [[] for _ in questions]
        for first in range(0, len(rows), _MOST_ROWS):
            part = rows[first : first + _MOST_ROWS]
            for (number, window), starts, ends in zip(part, *self._scores([window for _, window in part]), strict=True):
                found[number] += _spans(window, starts, ends, questions[number])
        return [_best(question, spans) for question, spans in zip(questions, found, strict=True)]

    def count(self, question: Question) -> int:
        """Return how many tokens a question and its text have."""
        return len(self._tokenizer(question.question, question.context)["input_ids"])

    def _windows(self, question: Question) -> list[dict[str, Any]]:
        asked = len(self._tokenizer(question.question)["input_ids"])
        room = self._most - asked - 2
        if room < 1:
            return []
        encoded = self._tokenizer(
            question.question,
            question.context,
            truncation="only_second",
            max_length=self._most,
            stride=min(_STRIDE, room // 2),
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        windows = []
        for number in range(len(encoded["input_ids"])):
            window = {name: encoded[name][number] for name in encoded if name != "overflow_to_sample_mapping"}
            window["inside"] = [part == 1 for part in encoded.sequence_ids(number)]
            windows.append(window)
        return windows

    def _scores(self, windows: list[dict[str, Any]]) -> tuple[list[Any], list[Any]]:
        names = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in windows[0]]
        padded = self._tokenizer.pad([{name: window[name] for name in names} for window in windows], return_tensors="pt")
        with torch.inference_mode():
            out = self._model(**{name: padded[name].to(self._device) for name in names})
        return list(out.start_logits.float().cpu()), list(out.end_logits.float().cpu())


def _spans(window: dict[str, Any], starts: Any, ends: Any, question: Question) -> list[tuple[float, int, int]]:
    """Return the best spans of a window: score, first and last character."""
    length = len(window["input_ids"])
    outside = ~torch.tensor(window["inside"])
    starts, ends = starts[:length].clone(), ends[:length].clone()
    # The first token stands for “there is no answer”.
    outside[0] = False
    starts[outside], ends[outside] = float("-inf"), float("-inf")
    begin, finish = starts.softmax(-1), ends.softmax(-1)
    empty = float(begin[0] * finish[0])
    begin[0] = finish[0] = 0.0
    scores = (begin[:, None] * finish[None, :]).triu().tril(question.longest - 1)
    values, places = scores.flatten().topk(min(question.top_k * 4, scores.numel()))
    offsets, found = window["offset_mapping"], []
    for value, place in zip(values.tolist(), places.tolist(), strict=True):
        if value > 0:
            found.append((value, int(offsets[place // length][0]), int(offsets[place % length][1])))
    return [*found, (empty, 0, 0)] if question.may_be_empty else found


def _best(question: Question, spans: list[tuple[float, int, int]]) -> list[dict[str, Any]]:
    found: dict[tuple[int, int], float] = {}
    for score, start, end in spans:
        # The same place is seen in several windows; that there is no answer must hold in all of them.
        worse = (start, end) == (0, 0) and (0, 0) in found
        found[start, end] = min(found[start, end], score) if worse else max(found.get((start, end), 0.0), score)
    ranked = sorted(found.items(), key=lambda each: (-each[1], each[0]))[: question.top_k]
    return [{"answer": question.context[start:end], "score": score, "start": start, "end": end} for (start, end), score in ranked]
