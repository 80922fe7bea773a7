"""Numbers that a program measured itself and left in its output."""

import json
import math
from collections.abc import Iterator
from typing import Any

from toolchain.materials.outputs import Found, Survey, opened

SOURCES = ("training_summary.json", "eval_results.json", "all_results.json")
"""Files at the top: that of the built-in trainings, and the two that `Trainer.save_metrics` of transformers writes."""
MAX_SOURCE = 256 << 10
MAX_MEASURES = 24
MAX_NAME = 48


def measures(survey: Survey) -> dict[str, float]:
    """Return measures by name, such as `eval_loss`; empty where the output has none. What cannot be understood is passed over."""
    files = {file.path: file for file in survey.files}
    found: dict[str, float] = {}
    for name in SOURCES:
        file = files.get(name)
        if file is not None and file.size <= MAX_SOURCE:
            for key, value in _numbers(_content(survey, file)):
                found.setdefault(key, value)
    return dict(list(found.items())[:MAX_MEASURES])


def _content(survey: Survey, file: Found) -> dict[str, Any]:
    try:
        with opened(survey, file) as source:
            content = json.loads(source.read(MAX_SOURCE))
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _numbers(content: dict[str, Any]) -> Iterator[tuple[str, float]]:
    if "evaluation" in content:
        evaluation = content["evaluation"]
        content = {f"eval_{name}": value for name, value in evaluation.items()} if isinstance(evaluation, dict) else {}
    for name, value in content.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and len(name) <= MAX_NAME and name.isprintable():
            number = _finite(value)
            if number is not None:
                yield name, number


def _finite(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
