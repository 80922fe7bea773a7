"""Rows of questions about a text, in the form of SQuAD: https://rajpurkar.github.io/SQuAD-explorer/.

Nested files hold `data`, articles with `paragraphs`, each with its `context` and `qas`. Flat rows hold `context`, `question` and either
`answers` (`text` and `answer_start` side by side, or a list of such pairs) or one `answer`, with `answer_start` where it is known.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolchain.trainer.builtin.conversations import BadRow, text, unpacked

NESTED, PARAGRAPHS, FLAT, SINGLE = "squad", "squad_paragraphs", "squad_flat", "squad_single"
FORMS: Mapping[str, tuple[str, ...]] = {
    FLAT: ("context", "question", "answers"),
    SINGLE: ("context", "question", "answer"),
    NESTED: ("data",),
    PARAGRAPHS: ("paragraphs",),
}
"""The forms, the first that fits counts, and the columns without which a row has not this form."""


@dataclass(frozen=True)
class Answer:
    """A stretch of the text, and the character of the text at which it begins."""

    text: str
    start: int


@dataclass(frozen=True)
class Question:
    """A question about `context`; without answers the text does not answer it."""

    key: str
    question: str
    context: str
    answers: tuple[Answer, ...]


def questions(form: str, values: Mapping[str, Any], *, cut: bool = False) -> Iterator[Question | BadRow]:
    """Yield the questions of a row, and in their place why one is left out. Raises `BadRow` where the row has another form.

    `cut` says that only the beginning of long texts is there, so that answers need not stand in them.
    """
    if form in (FLAT, SINGLE):
        yield _question(values, text(values, "context"), cut)
        return
    articles = _objects(values.get("data"), "data") if form == NESTED else [values]
    for article in articles:
        for paragraph in _objects(article.get("paragraphs"), "paragraphs"):
            context = text(paragraph, "context")
            for each in _objects(paragraph.get("qas"), "qas"):
                yield _question(each, context, cut)


def _question(values: Mapping[str, Any], context: str, cut: bool) -> Question | BadRow:
    question = text(values, "question")
    if not question.strip():
        return BadRow("question_missing", skipped=True)
    if not context.strip():
        return BadRow("context_missing", skipped=True)
    found: list[Answer] = []
    for answer, start in _answers(values):
        if not answer.strip():
            continue
        place = _place(context, answer, start)
        if place is None and not cut:
            return BadRow("answer_not_found", skipped=True)
        found.append(Answer(answer, place or 0))
    return Question(str(values.get("id") or ""), question, context, tuple(found))


def _place(context: str, answer: str, start: int | None) -> int | None:
    """Return where the answer stands: at `start`, or else at the place nearest to it."""
    if start is not None and start >= 0 and context.startswith(answer, start):
        return start
    places: list[int] = []
    at = context.find(answer)
    while at >= 0 and len(places) < 1000:
        places.append(at)
        at = context.find(answer, at + 1)
    return min(places, key=lambda place: abs(place - (start or 0))) if places else None


def _answers(values: Mapping[str, Any]) -> list[tuple[str, int | None]]:
    if values.get("is_impossible") is True:
        return []
    if "answers" not in values:
        return [(text(values, "answer"), _number(values.get("answer_start")))]
    given = unpacked(values["answers"])
    if given is None or given == "":
        return []
    if isinstance(given, Mapping):
        texts, starts = unpacked(given.get("text")), unpacked(given.get("answer_start"))
        if isinstance(texts, str):
            texts, starts = [texts], [starts]
        if texts is None:
            return []
        if not isinstance(texts, Sequence) or not all(isinstance(each, str) for each in texts):
            raise BadRow("answers_shape")
        if not isinstance(starts, Sequence) or len(starts) != len(texts):
            starts = [None] * len(texts)
        return [(each, _number(start)) for each, start in zip(texts, starts, strict=True)]
    if not isinstance(given, list | tuple):
        raise BadRow("answers_shape")
    found: list[tuple[str, int | None]] = []
    for each in given:
        if isinstance(each, str):
            found.append((each, None))
        elif isinstance(each, Mapping) and isinstance(each.get("text"), str):
            found.append((each["text"], _number(each.get("answer_start"))))
        else:
            raise BadRow("answers_shape")
    return found


def _number(value: Any) -> int | None:
    try:
        return None if value is None or isinstance(value, bool) else int(value)
    except (TypeError, ValueError):
        return None


def _objects(value: Any, column: str) -> list[Mapping[str, Any]]:
    found = unpacked(value)
    if not isinstance(found, list | tuple):
        raise BadRow("not_a_list", column=column)
    if not all(isinstance(each, Mapping) for each in found):
        raise BadRow("not_an_object", column=column)
    return list(found)
