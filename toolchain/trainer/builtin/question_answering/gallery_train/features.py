"""Questions and their texts as pieces that a model can read: long texts in pieces that overlap, each with the question before it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import torch

from toolchain.trainer.builtin.squad import Question

BATCH = 64
TEXT = 1
_NONE = np.empty((0, 2), dtype=np.int32)


@dataclass(frozen=True)
class Piece:
    """One input: `offsets` (tokens x 2) are characters of the text, -1 for tokens outside of it; `start` and `end` the tokens of the answer.

    Both are 0, the first token of all, where the answer is not in the piece.
    """

    question: int
    tokens: np.ndarray[Any, np.dtype[np.int32]]
    types: np.ndarray[Any, np.dtype[np.int8]] | None
    offsets: np.ndarray[Any, np.dtype[np.int32]]
    start: int
    end: int


class Pieces(torch.utils.data.Dataset):  # type: ignore[misc]
    """Pieces in order."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces

    def __len__(self) -> int:
        return len(self.pieces)

    def __getitem__(self, index: int) -> dict[str, Any]:
        piece = self.pieces[index]
        types = {} if piece.types is None else {"token_type_ids": torch.from_numpy(piece.types).long()}
        tokens = torch.from_numpy(piece.tokens).long()
        return {"input_ids": tokens, "start_positions": piece.start, "end_positions": piece.end, **types}


def pieces(questions: Iterable[Question], tokenizer: Any, length: int, overlap: int, *, with_offsets: bool) -> Iterator[Piece]:
    """Yield the pieces of questions in their order; `length` tokens at most, `overlap` of them shared with the next one.

    `Piece.question` counts from 0; offsets take half of the memory, and only answering needs them. Of a question that would leave too little room for the text only the beginning is read.
    """
    rest, number = iter(questions), 0
    while batch := list(islice(rest, BATCH)):
        asked = [_shortened(each.question.strip(), tokenizer, length // 2) for each in batch]
        encoded = tokenizer(
            asked,
            [each.context for each in batch],
            truncation="only_second",
            max_length=length,
            stride=min(overlap, length // 4),
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        for index, source in enumerate(encoded["overflow_to_sample_mapping"]):
            piece = _piece(encoded, index, number + source, batch[source])
            yield piece if with_offsets else replace(piece, offsets=_NONE)
        number += len(batch)


def collated(pad: int) -> Any:
    """Return the function that makes one batch of pieces, `pad` at the end of the shorter ones."""

    def batch(examples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        def padded(name: str, value: int) -> Any:
            return torch.nn.utils.rnn.pad_sequence([example[name] for example in examples], batch_first=True, padding_value=value)

        lengths = torch.tensor([len(example["input_ids"]) for example in examples])
        found = {"input_ids": padded("input_ids", pad)}
        found["attention_mask"] = (torch.arange(found["input_ids"].shape[1])[None, :] < lengths[:, None]).long()
        if "token_type_ids" in examples[0]:
            found["token_type_ids"] = padded("token_type_ids", 0)
        places = {name: torch.tensor([example[name] for example in examples]) for name in ("start_positions", "end_positions")}
        return found | places

    return batch


def _shortened(question: str, tokenizer: Any, most: int) -> str:
    # Characters are at least as many as tokens, nearly always.
    if len(question) <= most:
        return question
    offsets = tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return question if len(offsets) <= most else question[: offsets[most - 1][1]]


def _piece(encoded: Any, index: int, number: int, question: Question) -> Piece:
    of_text = np.array([part == TEXT for part in encoded.sequence_ids(index)])
    offsets = np.array(encoded["offset_mapping"][index], dtype=np.int32)
    offsets[~of_text] = -1
    start, end = _span(offsets, question)
    types = np.array(encoded["token_type_ids"][index], dtype=np.int8) if "token_type_ids" in encoded else None
    return Piece(number, np.array(encoded["input_ids"][index], dtype=np.int32), types, offsets, start, end)


def _span(offsets: np.ndarray[Any, np.dtype[np.int32]], question: Question) -> tuple[int, int]:
    """Return the tokens of the first answer, (0, 0) where it is not whole in the piece."""
    if not question.answers:
        return 0, 0
    first = question.answers[0]
    last = first.start + len(first.text)
    inside = np.flatnonzero((offsets[:, 0] >= 0) & (offsets[:, 1] > first.start) & (offsets[:, 0] < last))
    if not len(inside) or offsets[inside[0], 0] > first.start or offsets[inside[-1], 1] < last:
        return 0, 0
    return int(inside[0]), int(inside[-1])
