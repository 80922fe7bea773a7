"""The choice of the next token from its logits."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch

# A nucleus is nearly always within so many tokens, and finding these is much cheaper than sorting all.
_NUCLEUS = 256


@dataclass(frozen=True)
class Sampling:
    """How a text is to be sampled, with the meanings of OpenAI's API. `logprobs` None: none, else how many alternatives are told.

    `top_k` 0, `min_p` 0 and `repetition` 1 mean nothing. Penalties count what was written, not what was given.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    presence: float = 0.0
    frequency: float = 0.0
    repetition: float = 1.0
    bias: dict[int, float] = field(default_factory=dict)
    seed: int | None = None
    logprobs: int | None = None

    @property
    def plain(self) -> bool:
        """Say whether the most probable token is taken, as the model gives it."""
        return self.temperature == 0 and not self.adjusted and self.logprobs is None

    @property
    def adjusted(self) -> bool:
        return bool(self.presence or self.frequency or self.bias) or self.repetition != 1.0


class Sampler:
    """Chooses the tokens of one text. The same seed gives the same text, as far as sums of floating-point numbers allow."""

    def __init__(self, sampling: Sampling, index: int) -> None:
        self.sampling = sampling
        self._written: Counter[int] = Counter()
        self._generator: Any = None
        if sampling.seed is not None:
            self._generator = torch.Generator().manual_seed((sampling.seed + index) % (1 << 63))

    def choose(self, logits: Any) -> int:
        """Return the next token; `logits` is a vector of float32 on the CPU, which is changed."""
        wanted = self.sampling
        if wanted.adjusted:
            self._adjust(logits)
        token = int(logits.argmax()) if wanted.temperature == 0 else self._draw(logits / max(wanted.temperature, 1e-3))
        self._written[token] += 1
        return token

    def _adjust(self, logits: Any) -> None:
        wanted = self.sampling
        if self._written:
            tokens = torch.tensor(list(self._written), dtype=torch.long)
            counts = torch.tensor(list(self._written.values()), dtype=logits.dtype)
            there = logits[tokens]
            if wanted.repetition != 1.0:
                there = torch.where(there > 0, there / wanted.repetition, there * wanted.repetition)
            logits[tokens] = there - wanted.presence - wanted.frequency * counts
        for token, bias in wanted.bias.items():
            if token < len(logits):
                logits[token] += bias

    def _draw(self, logits: Any) -> int:
        wanted = self.sampling
        if wanted.top_k:
            values, tokens = logits.topk(min(wanted.top_k, len(logits)))
            probabilities = values.softmax(-1)
        elif wanted.top_p < 1 or wanted.min_p:
            probabilities, tokens = logits.softmax(-1).topk(min(_NUCLEUS, len(logits)))
            if float(probabilities.sum()) < wanted.top_p or wanted.min_p:
                probabilities, tokens = logits.softmax(-1).sort(descending=True)
        else:
            return int(torch.multinomial(logits.softmax(-1), 1, generator=self._generator))
        if wanted.top_p < 1:
            # The token that crosses the line still belongs to the nucleus.
            probabilities = probabilities.masked_fill(probabilities.cumsum(-1) - probabilities >= wanted.top_p, 0.0)
        if wanted.min_p:
            probabilities = probabilities.masked_fill(probabilities < wanted.min_p * probabilities[0], 0.0)
        return int(tokens[torch.multinomial(probabilities, 1, generator=self._generator)])


def likelihoods(logits: Any, token: int, count: int) -> tuple[float, list[tuple[int, float]]]:
    """Return the log probability of a token as the model gives it, and of the `count` most probable ones."""
    logs = logits.log_softmax(-1)
    values, tokens = logs.topk(min(count, len(logs))) if count else (logs[:0], logs[:0])
    top = [(int(each), finite(float(value))) for each, value in zip(tokens, values, strict=True)]
    return finite(float(logs[token])), top


def finite(value: float) -> float:
    """Return a log probability as JSON can say it."""
    return value if math.isfinite(value) else -9999.0
