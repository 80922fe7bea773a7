"""Whether a model can be trained with given settings, as far as its `config.json` and the names of its files tell: both sides ask here."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from toolchain.trainer.builtin.checking import ANSWERING, GENERATION, Finding

CONFIG = "config.json"
ARCHITECTURES: Mapping[str, Mapping[str, str]] = {
    GENERATION: {"llama": "Llama", "bloom": "Bloom", "falcon": "Falcon", "mpt": "MPT"},
    ANSWERING: {"bert": "BERT", "llama": "Llama", "bloom": "Bloom", "falcon": "Falcon", "mpt": "MPT"},
}
"""What `model_type` may be, by task, and what people call it: those of the gallery's architectures that transformers 5.23 has classes for."""
FOREIGN: Mapping[str, str] = {"chatglm": "ChatGLM", "refinedweb": "Falcon (RefinedWeb)", "refinedwebmodel": "Falcon (RefinedWebModel)"}
"""Architectures whose models bring code of their own, which is written for older versions of the library."""
TOKENIZERS = frozenset(
    {"tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "sentencepiece.bpe.model", "tokenizer.tiktoken"}
)
_POSITIONS = ("max_position_embeddings", "max_seq_len", "n_positions", "seq_length")
# Positions of these are distances, so that nothing in them ends.
_ENDLESS = frozenset({"bloom"})
_WEIGHTS = re.compile(r"(?:model|pytorch_model)(?:-\d{1,9}-of-\d{1,9})?\.(?:safetensors|bin)")
USUAL_LENGTH: Mapping[str, int] = {GENERATION: 2048, ANSWERING: 384}


def check(task: str, names: Iterable[str], config: str | bytes | None, settings: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return what stands against the training of a model: `names` are its files at the first level, `config` the text of its `config.json`.

    `settings` are those of `toolchain.trainer.builtin.settings`; only `max_length` counts here, 0 or nothing for as long as usual.
    """
    there, found = set(names), []
    if not any(_WEIGHTS.fullmatch(name) for name in there):
        found.append(Finding("weights_missing", "error"))
    if there.isdisjoint(TOKENIZERS):
        found.append(Finding("tokenizer_missing", "error"))
    if config is None:
        return (*found, Finding("config_missing", "error"))
    known = parsed(config)
    if known is None:
        return (*found, Finding("config_unreadable", "error"))
    kind = architecture(known)
    if kind.lower() in FOREIGN:
        found.append(Finding("architecture_code", "error", {"architecture": FOREIGN[kind.lower()]}))
    elif kind.lower() not in ARCHITECTURES[task]:
        facts = {"architecture": kind[:80] or "–", "known": ", ".join(ARCHITECTURES[task].values())}
        found.append(Finding("architecture_other", "error", facts))
    limit, wanted = positions(known), settings.get("max_length") or 0
    if limit and wanted > limit:
        found.append(Finding("longer_than_model", "error", {"value": wanted, "limit": limit}))
    return tuple(found)


def parsed(config: str | bytes) -> Mapping[str, Any] | None:
    """Return what a `config.json` holds, None where that is no object."""
    try:
        found = json.loads(config)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def architecture(config: Mapping[str, Any]) -> str:
    """Return the `model_type`, or else the family that the first class in `architectures` names, in lower case; "" for neither."""
    kind = config.get("model_type")
    if isinstance(kind, str) and kind.strip():
        return kind.strip().lower()
    classes = config.get("architectures")
    first = classes[0] if isinstance(classes, list) and classes and isinstance(classes[0], str) else ""
    return re.sub(r"(For[A-Z]\w*|LMHeadModel|Model|PreTrainedModel)$", "", first).lower()


def positions(config: Mapping[str, Any]) -> int:
    """Return how many tokens the model reads at most, 0 where there is no limit or it is not said."""
    kind = architecture(config)
    if kind in _ENDLESS or (kind == "falcon" and config.get("alibi") is True):
        return 0
    found = [value for name in _POSITIONS if isinstance(value := config.get(name), int) and not isinstance(value, bool) and value > 0]
    return found[0] if found else 0


def length(task: str, config: Mapping[str, Any], wanted: int) -> int:
    """Return how many tokens an example may have: what is wanted, else the usual number as far as the model reads."""
    limit = positions(config)
    usual = USUAL_LENGTH[task]
    return wanted or (min(limit, usual) if limit else usual)
