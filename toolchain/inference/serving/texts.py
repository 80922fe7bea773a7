"""Tokens as text while they come: no half characters, and nothing of a stop sequence."""

from collections.abc import Sequence
from typing import Any

_UNFINISHED = "\N{REPLACEMENT CHARACTER}"


class TextStream:
    """Takes tokens one by one and gives out the text that is certain. `finished` once a stop sequence was found."""

    def __init__(self, tokenizer: Any, stops: Sequence[str]) -> None:
        self._tokenizer, self._stops = tokenizer, [stop for stop in stops if stop]
        self._tokens: list[int] = []
        # Decoding from `_start` gives the context that some tokenizers need to place blanks; what stands before `_read` is given out.
        self._start = self._read = 0
        self._held = ""
        self.finished = False

    def take(self, token: int) -> str:
        """Return the text that a further token makes certain."""
        self._tokens.append(token)
        before, after = self._decoded(self._tokens[self._start : self._read]), self._decoded(self._tokens[self._start :])
        if len(after) <= len(before) or after.endswith(_UNFINISHED):
            return ""
        self._start, self._read = self._read, len(self._tokens)
        return self._release(after[len(before) :])

    def end(self) -> str:
        """Return what was held back, at the end of the tokens."""
        before, after = self._decoded(self._tokens[self._start : self._read]), self._decoded(self._tokens[self._start :])
        text = self._release(after[len(before) :]) if not self.finished else ""
        held, self._held = self._held, ""
        return text if self.finished else text + held

    def _decoded(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)) if tokens else ""

    def _release(self, text: str) -> str:
        if not self._stops:
            return text
        text = self._held + text
        places = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if places:
            self.finished, self._held = True, ""
            return text[: min(places)]
        held = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]


def _overlap(text: str, stop: str) -> int:
    """Return how many characters at the end of a text may be the beginning of `stop`."""
    return next((length for length in range(min(len(text), len(stop) - 1), 0, -1) if stop.startswith(text[-length:])), 0)
