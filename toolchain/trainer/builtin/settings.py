"""Hyperparameters of a run: texts by name, as the contract hands them over, into values of the types `train_params.json` states."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from toolchain.trainer.builtin.checking import Finding

METHODS = "training_methods"
LORA, FULL = "LoRA", "Full"
BOUNDS: Mapping[str, tuple[float, float]] = {
    "learning_rate": (1e-9, 1.0),
    "num_train_epochs": (0.001, 10_000),
    "max_steps": (0, 10**9),
    "per_device_train_batch_size": (1, 4096),
    "gradient_accumulation_steps": (1, 4096),
    "max_length": (0, 1_000_000),
    "doc_stride": (1, 1_000_000),
    "max_answer_length": (1, 10_000),
    "validation_share": (0.0, 0.9),
    "eval_steps": (0, 10**9),
    "early_stopping_patience": (0, 1000),
    "logging_steps": (1, 10**6),
    "warmup_ratio": (0.0, 1.0),
    "weight_decay": (0.0, 10.0),
    "max_grad_norm": (0.0, 1e6),
    "seed": (0, 2**32 - 1),
    "lora_rank": (1, 1024),
    "lora_alpha": (1, 100_000),
    "lora_dropout": (0.0, 0.99),
    "save_total_limit": (1, 100),
}
CHOICES: Mapping[str, Sequence[str]] = {
    "lr_scheduler_type": ("linear", "cosine", "constant", "constant_with_warmup", "polynomial", "inverse_sqrt"),
    "precision": ("auto", "float32", "bfloat16", "float16"),
}
_TRUE, _FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off"}


def method(given: Mapping[str, Any]) -> str:
    """Return the training method: the contract does not name it, but LoRA alone requires `lora_rank`."""
    return LORA if "lora_rank" in given else FULL


def read(params: str | bytes, given: str) -> tuple[dict[str, Any], list[Finding]]:
    """Return the settings of a run and what is wrong with them.

    `params` is the text of `train_params.json`, `given` that of `ENV_AG_USER_PARAMS`. What is not given, or empty, has its default where
    it was not removed, and else the neutral value of its type: "", 0 and false.
    """
    try:
        texts = json.loads(given or "{}")
    except ValueError:
        return {}, [Finding("settings_unreadable", "error")]
    if not isinstance(texts, dict):
        return {}, [Finding("settings_unreadable", "error")]
    name = method(texts)
    described = next(each for each in json.loads(params)[METHODS] if each["name"] == name)["hyperparameters"]
    values: dict[str, Any] = {}
    found = [
        Finding("setting_unknown", "warning", {"name": key[:80]}) for key in sorted(texts.keys() - {each["name"] for each in described})
    ]
    for each in described:
        value = texts.get(each["name"], "")
        text = str(value).strip() if not isinstance(value, bool) else str(value).lower()
        if not text:
            if each["required"]:
                found.append(Finding("setting_missing", "error", {"name": each["name"]}))
            values[each["name"]] = each["default"] if each["default"] != "" else {"str": "", "bool": False}.get(each["type"], 0)
            continue
        parsed, problem = _value(each["name"], each["type"], text)
        values[each["name"]] = parsed
        found += [problem] if problem else []
    return values, found


def _value(name: str, kind: str, text: str) -> tuple[Any, Finding | None]:
    facts = {"name": name, "value": text[:80]}
    if kind == "str":
        wanted = CHOICES.get(name)
        if wanted is None or text in wanted:
            return text, None
        return text, Finding("setting_choice", "error", facts | {"choices": ", ".join(wanted)})
    if kind == "bool":
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE, None
        return False, Finding("setting_not_bool", "error", facts)
    try:
        # Python alone reads "1_000", and digits of other scripts.
        if not text.isascii() or "_" in text:
            raise ValueError
        number: float = int(text) if kind == "int" else float(text)
    except ValueError:
        return 0, Finding(f"setting_not_{kind}", "error", facts)
    least, most = BOUNDS.get(name, (-1e308, 1e308))
    # Written so that NaN is out of range too.
    if not least <= number <= most:
        return number, Finding("setting_range", "error", {"name": name, "value": text[:80], "least": f"{least:g}", "most": f"{most:g}"})
    return number, None
