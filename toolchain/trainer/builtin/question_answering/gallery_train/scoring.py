"""Answers out of a model's numbers, and how good they are: exact match and F1 as SQuAD measures them."""

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from toolchain.trainer.builtin.question_answering.gallery_train.features import Piece
from toolchain.trainer.builtin.squad import Question

BEST = 20
_ARTICLES = re.compile(r"\b(a|an|the)\b")
# Written without spaces between words.
_IDEOGRAPH = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\uf97f])")
_MARKS = frozenset(string.punctuation) | frozenset("，。、；：？！“”‘’（）《》〈〉【】「」『』—…·")


def answers(questions: Sequence[Question], pieces: Sequence[Piece], starts: Any, ends: Any, longest: int) -> list[str]:
    """Return the best stretch of its text for each question, of at most `longest` tokens.

    `starts` and `ends` are the scores of the tokens of each piece. Where some question has no answer, the first token stands for none, and
    the answer is empty where it scores higher in every piece.
    """
    found = [("", -np.inf)] * len(questions)
    none = np.full(len(questions), np.inf)
    for piece, start, end in zip(pieces, starts, ends, strict=True):
        text, score = _best(questions[piece.question].context, piece, start, end, longest)
        none[piece.question] = min(none[piece.question], float(start[0] + end[0]))
        if score > found[piece.question][1]:
            found[piece.question] = (text, score)
    may_be_none = any(not question.answers for question in questions)
    return ["" if may_be_none and none[index] > score else text for index, (text, score) in enumerate(found)]


def _best(context: str, piece: Piece, start: Any, end: Any, longest: int) -> tuple[str, float]:
    inside = np.flatnonzero((piece.offsets[:, 0] >= 0) & (piece.offsets[:, 1] > piece.offsets[:, 0]))
    if not len(inside):
        return "", -np.inf
    first = inside[np.argsort(start[inside])[::-1][:BEST]]
    last = inside[np.argsort(end[inside])[::-1][:BEST]]
    scores = start[first][:, None] + end[last][None, :]
    distance = last[None, :] - first[:, None]
    scores = np.where((distance >= 0) & (distance < longest), scores, -np.inf)
    row, column = np.unravel_index(np.argmax(scores), scores.shape)
    return context[piece.offsets[first[row], 0] : piece.offsets[last[column], 1]].strip(), float(scores[row, column])


def measured(questions: Sequence[Question], given: Sequence[str]) -> dict[str, float]:
    """Return `exact_match` and `f1`, both from 0 to 1; of several right answers the nearest one counts."""
    exact = matching = 0.0
    for question, answer in zip(questions, given, strict=True):
        right = [each.text for each in question.answers] or [""]
        exact += max(normalised(answer) == normalised(each) for each in right)
        matching += max(f1(answer, each) for each in right)
    count = max(len(questions), 1)
    return {"exact_match": exact / count, "f1": matching / count}


def f1(given: str, right: str) -> float:
    """Return the harmonic mean of precision and recall over words, or over characters of scripts without spaces."""
    one, other = normalised(given).split(), normalised(right).split()
    if not one or not other:
        return float(one == other)
    common = sum((Counter(one) & Counter(other)).values())
    return 2 * common / (len(one) + len(other))


def normalised(text: str) -> str:
    """Return a text in lower case without punctuation, articles and idle blanks."""
    plain = "".join(character for character in text.lower() if character not in _MARKS)
    return " ".join(_IDEOGRAPH.sub(r" \1 ", _ARTICLES.sub(" ", plain)).split())
