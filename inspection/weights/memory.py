"""How much memory a model wants on an accelerator, every term named, from what `measure` tells of it.

Sources of the formulas:

- cache of keys and values, with fewer heads for them: "GQA: Training Generalized Multi-Query Transformer Models from Multi-Head
  Checkpoints" (Ainslie et al., 2023); compressed to one vector a token: "DeepSeek-V2" (DeepSeek-AI, 2024), multi-head latent
  attention; bounded by a window: "Mistral 7B" (Jiang et al., 2023);
- 16 bytes a parameter for training with Adam in mixed precision: "ZeRO: Memory Optimizations Toward Training Trillion Parameter
  Models" (Rajbhandari et al., 2020), section 3.1;
- activations with every layer recomputed: "Reducing Activation Recomputation in Large Transformer Models" (Korthikanti et al., 2022),
  sections 4 and 5, without the attention scores, which kernels as in "FlashAttention" (Dao et al., 2022) do not keep;
- adapters of low rank: "LoRA: Low-Rank Adaptation of Large Language Models" (Hu et al., 2021), section 4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GIGABYTE = 10**9
CARDS = (8, 12, 16, 24, 32, 40, 48, 64, 80, 96, 141)
# What the driver's context, the kernels and their workspaces take before a model is there.
RUNTIME = 800_000_000
# Long prompts are worked through in pieces of this many tokens.
PIECE = 2_048
DEFAULT_RANK = 16
LONGEST = 2**24
_ADAM, _ACTIVATION = 16, 34


@dataclass(frozen=True)
class Term:
    """One summand: `value` in bytes, worked out by `formula` from `factors`, by the names the formula uses."""

    code: str
    value: int
    formula: str
    factors: dict[str, int]


@dataclass(frozen=True)
class Estimate:
    """The terms and their sum in bytes. `missing` maps terms that could not be told to a stable reason; the sum is then too low.

    Reasons: `no_config` (figures are missing), `recurrent`, `hybrid`, `encoder_decoder`, `pipeline` (another kind of memory than a
    cache), `not_generative` (nothing to keep: the term is zero), `unknown_size`, `packed`, `quantised` (cannot be trained as it is).
    """

    terms: tuple[Term, ...]
    missing: dict[str, str]

    @property
    def total(self) -> int:
        return sum(term.value for term in self.terms)

    @property
    def complete(self) -> bool:
        """Whether every term that counts could be told."""
        return all(reason == "not_generative" for reason in self.missing.values())

    def term(self, code: str) -> Term | None:
        """Return the term of this name."""
        return next((term for term in self.terms if term.code == code), None)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        terms = [{"code": term.code, "value": term.value, "formula": term.formula, "factors": term.factors} for term in self.terms]
        return {"total": self.total, "complete": self.complete, "terms": terms, "missing": self.missing}


def estimate(facts: Mapping[str, Any], *, context: int, batch: int = 1, cache_bits: int = 16) -> Estimate:
    """Return what inference wants with `context` tokens in each of `batch` sequences; `cache_bits` is the precision of the cache."""
    terms, missing = _weights(facts)
    figures = _figures(facts)
    reason = cacheless(facts)
    if reason:
        missing["cache"] = reason
    else:
        terms.append(_cache(figures, context, batch, cache_bits))
    if hidden := figures.get("hidden"):
        piece, inner = min(context, PIECE), figures.get("intermediate", 4 * hidden)
        factors = {"batch": batch, "tokens": piece, "hidden": hidden, "intermediate": inner, "vocabulary": figures.get("vocabulary", 0)}
        value = batch * piece * (4 * hidden + 2 * inner) * 2 + batch * factors["vocabulary"] * 4
        formula = "batch × tokens × (4 × hidden + 2 × intermediate) × 2 + batch × vocabulary × 4"
        terms.append(Term("activations", value, formula, factors))
    else:
        missing["activations"] = "pipeline" if facts.get("pipeline") else "no_config"
    return Estimate((*terms, _runtime()), missing)


def training(facts: Mapping[str, Any], *, context: int, batch: int = 1) -> Estimate:
    """Return what training all parameters wants: Adam in mixed precision, every layer recomputed in the backward pass."""
    count, missing = facts.get("parameters"), _untrainable(facts)
    terms = []
    if count and "weights" not in missing:
        factors = {"parameters": count}
        terms = [
            Term("weights", 2 * count, "2 × parameters", factors),
            Term("gradients", 2 * count, "2 × parameters", factors),
            Term("optimizer", (_ADAM - 4) * count, "(4 + 4 + 4) × parameters", factors),
        ]
    activations, absent = _kept_activations(facts, context, batch)
    return Estimate((*terms, *activations, _runtime()), missing | absent)


def adapting(facts: Mapping[str, Any], *, context: int, batch: int = 1, rank: int = DEFAULT_RANK) -> Estimate:
    """Return what training an adapter of `rank` beside the frozen weights wants, on every matrix of attention and mlp but experts."""
    terms, missing = _weights(facts)
    if sides := _sides(facts):
        factors = {"rank": rank, "sides": sides}
        terms.append(Term("adapter", rank * sides * _ADAM, "rank × sides × (2 + 2 + 4 + 4 + 4)", factors))
    else:
        missing["adapter"] = "pipeline" if facts.get("pipeline") else "no_config"
    activations, absent = _kept_activations(facts, context, batch)
    return Estimate((*terms, *activations, _runtime()), missing | absent)


def fits(found: Estimate, cards: Sequence[int] = CARDS) -> int | None:
    """Return the smallest card (in GB of 10⁹ bytes, which real ones exceed a little) that holds the estimate; None where none does,
    or where it is not complete."""
    return next((card for card in sorted(cards) if found.total <= card * GIGABYTE), None) if found.complete else None


def longest_context(facts: Mapping[str, Any], memory: int, *, batch: int = 1, cache_bits: int = 16) -> int | None:
    """Return the longest context, in tokens, that `memory` bytes hold and the model was made for; 0 where not even one token fits.

    None where the cache cannot be told.
    """
    if cacheless(facts) or not estimate(facts, context=1).complete:
        return None
    low, high = 0, _figures(facts).get("context", LONGEST)
    while low < high:
        middle = (low + high + 1) // 2
        if estimate(facts, context=middle, batch=batch, cache_bits=cache_bits).total <= memory:
            low = middle
        else:
            high = middle - 1
    return low


def cacheless(facts: Mapping[str, Any]) -> str:
    """Return why no cache of keys and values can be told for a model, nothing where it can."""
    figures = _figures(facts)
    if facts.get("pipeline"):
        return "pipeline"
    if figures.get("encoder_decoder"):
        return "encoder_decoder"
    if figures.get("generative") is False:
        return "not_generative"
    if figures.get("recurrent"):
        return "hybrid" if figures.get("heads") else "recurrent"
    wide = figures.get("kv_rank") or figures.get("kv_width") or (figures.get("kv_heads") and figures.get("head_dimension"))
    return "" if wide and figures.get("layers") else "no_config"


def _figures(facts: Mapping[str, Any]) -> dict[str, Any]:
    found = facts.get("config")
    return found if isinstance(found, dict) else {}


def _weights(facts: Mapping[str, Any]) -> tuple[list[Term], dict[str, str]]:
    size = facts.get("bytes")
    if not size or facts.get("complete") is False:
        return [], {"weights": "unknown_size"}
    return [Term("weights", size, "bytes", {"bytes": size})], {}


def _cache(figures: dict[str, Any], context: int, batch: int, bits: int) -> Term:
    """Return the cache of keys and values: of all layers that attend, those with a window up to its length."""
    attending = figures.get("attention_layers", figures["layers"])
    shared = {"context": context, "batch": batch, "bits": bits}
    if rank := figures.get("kv_rank"):
        factors = {"layers": attending, "rank": rank, "rope": figures.get("rope_dimension", 0)} | shared
        value = attending * (rank + factors["rope"]) * context * batch * bits // 8
        return Term("cache", value, "layers × (rank + rope) × context × batch × bits / 8", factors)
    window = min(figures.get("sliding_window", context), context)
    sliding = min(figures.get("sliding_layers", 0), attending)
    by_layer = figures.get("kv_heads_by_layer")
    if by_layer and not sliding:
        head = figures["head_dimension"]
        heads, width = sum(by_layer), head + figures.get("value_dimension", head)
        value = heads * width * context * batch * bits // 8
        return Term("cache", value, "heads × width × context × batch × bits / 8", {"heads": heads, "width": width} | shared)
    if "kv_width" in figures:
        named, width, factors = "kv_width", figures["kv_width"], {"kv_width": figures["kv_width"]}
    else:
        named, width = "kv_heads × head_dimension", figures["kv_heads"] * figures["head_dimension"]
        factors = {"kv_heads": figures["kv_heads"], "head_dimension": figures["head_dimension"]}
    factors = {"layers": attending - sliding} | factors | shared
    if not sliding:
        value = 2 * attending * width * context * batch * bits // 8
        return Term("cache", value, f"2 × layers × {named} × context × batch × bits / 8", factors)
    value = 2 * ((attending - sliding) * context + sliding * window) * width * batch * bits // 8
    formula = f"2 × (layers × context + sliding_layers × window) × {named} × batch × bits / 8"
    return Term("cache", value, formula, factors | {"sliding_layers": sliding, "window": window})


def _kept_activations(facts: Mapping[str, Any], context: int, batch: int) -> tuple[list[Term], dict[str, str]]:
    """Return what the backward pass needs: the input of every layer, one layer in full, the scores of all words and their gradient."""
    figures = _figures(facts)
    if not figures.get("hidden") or not figures.get("layers"):
        return [], {"activations": "pipeline" if facts.get("pipeline") else "no_config"}
    tokens, hidden, layers = context * batch, figures["hidden"], figures["layers"]
    factors = {"context": context, "batch": batch, "hidden": hidden, "layers": layers}
    terms = [Term("activations", tokens * hidden * (2 * layers + _ACTIVATION), "context × batch × hidden × (2 × layers + 34)", factors)]
    if (vocabulary := figures.get("vocabulary")) and figures.get("generative", True):
        factors = {"context": context, "batch": batch, "vocabulary": vocabulary}
        terms.append(Term("scores", tokens * vocabulary * 8, "context × batch × vocabulary × (4 + 4)", factors))
    return terms, {}


def _untrainable(facts: Mapping[str, Any]) -> dict[str, str]:
    quantised = facts.get("quantisation") or {}
    if quantised.get("packed"):
        return {"weights": "packed"}
    # Numbers of eight bits and fewer are no start for a gradient.
    if quantised:
        return {"weights": "quantised"}
    return {} if facts.get("parameters") else {"weights": "unknown_size"}


def _sides(facts: Mapping[str, Any]) -> int:
    """Return the lengths of both sides of the matrices that get an adapter, summed: as measured, else as the configuration says."""
    measured: dict[str, int] = facts.get("linear") or {}
    if measured:
        return sum(measured.values())
    figures = _figures(facts)
    keys = ("layers", "hidden", "heads", "kv_heads", "head_dimension", "intermediate")
    if facts.get("pipeline") or any(not figures.get(key) for key in keys):
        return 0
    layers, hidden, heads, kv_heads, head, inner = (figures[key] for key in keys)
    attention = 2 * (hidden + heads * head) + 2 * (hidden + kv_heads * head)
    return int(layers * (attention + (0 if figures.get("experts") else 3 * (hidden + inner))))


def _runtime() -> Term:
    return Term("runtime", RUNTIME, "runtime", {"runtime": RUNTIME})
