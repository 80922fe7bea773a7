"""Examples as numbers of tokens, packed so that a hundred million of them take half a gigabyte."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import torch

from toolchain.trainer.builtin.conversations import Message
from toolchain.trainer.builtin.text_generation.gallery_train.prompts import Stretch, Template

BATCH = 256
IGNORED = -100


class Tokens(torch.utils.data.Dataset):  # type: ignore[misc]
    """Examples in order. `cut` counts those that were too long, `lost` those of them of which nothing to learn remained."""

    def __init__(self) -> None:
        self._tokens, self._learned, self._ends = array("i"), array("b"), array("q", [0])
        self.cut = self.lost = 0

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> dict[str, Any]:
        part = slice(self._ends[index], self._ends[index + 1])
        tokens = torch.frombuffer(self._tokens[part], dtype=torch.int32).long()
        learned = torch.frombuffer(self._learned[part], dtype=torch.int8).bool()
        return {"input_ids": tokens, "labels": tokens.masked_fill(~learned, IGNORED)}

    def add(self, tokens: Sequence[int], learned: Sequence[bool], length: int) -> None:
        """Add an example, cut to `length` tokens."""
        self.cut += len(tokens) > length
        # The first token of all is never predicted.
        if not any(learned[1:length]):
            self.lost += 1
            return
        self._append(tokens[:length], learned[:length])

    def add_text(self, tokens: Sequence[int], length: int) -> None:
        """Add a text of which all is learned, in as many examples as it takes."""
        for start in range(0, len(tokens), length):
            piece = tokens[start : start + length]
            if len(piece) > 1:
                self._append(piece, [True] * len(piece))

    def _append(self, tokens: Sequence[int], learned: Sequence[bool]) -> None:
        self._tokens.extend(tokens)
        self._learned.extend(learned)
        self._ends.append(len(self._tokens))


def collated(pad: int) -> Any:
    """Return the function that makes one batch of examples, `pad` at the end of the shorter ones."""

    def batch(examples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        def padded(name: str, value: int) -> Any:
            return torch.nn.utils.rnn.pad_sequence([example[name] for example in examples], batch_first=True, padding_value=value)

        lengths = torch.tensor([len(example["input_ids"]) for example in examples])
        tokens = padded("input_ids", pad)
        mask = (torch.arange(tokens.shape[1])[None, :] < lengths[:, None]).long()
        return {"input_ids": tokens, "attention_mask": mask, "labels": padded("labels", IGNORED)}

    return batch


def add_conversations(target: Tokens, messages: Iterable[Sequence[Message]], template: Template, length: int) -> None:
    """Add conversations of which the answers are learned."""
    for batch in _batches(messages):
        rendered = [template.render(each) for each in batch]
        encoded = template.tokenizer([text for text, _answers in rendered], add_special_tokens=False, return_offsets_mapping=True)
        for tokens, offsets, (_text, answers) in zip(encoded["input_ids"], encoded["offset_mapping"], rendered, strict=True):
            target.add(tokens, _learned(offsets, answers), length)


def add_texts(target: Tokens, texts: Iterable[str], tokenizer: Any, length: int) -> None:
    """Add texts of which all is learned, each with the end token behind it."""
    end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    for batch in _batches(texts):
        for tokens in tokenizer(list(batch))["input_ids"]:
            target.add_text(tokens if tokens[-1:] == end else tokens + end, length)


def _learned(offsets: Sequence[Stretch], answers: Sequence[Stretch]) -> list[bool]:
    """Return which tokens stand in an answer; tokens and answers come in the order of the text."""
    found, at = [], 0
    for start, end in offsets:
        while at < len(answers) and start >= answers[at][1]:
            at += 1
        found.append(at < len(answers) and start >= answers[at][0] and end > start)
    return found


def _batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch
