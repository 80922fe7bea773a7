"""The architectures that the gallery trains and serves by itself, section 17.2 of the specification, and where a model names its own."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inspection.files import File
from toolchain.validator import positions
from toolchain.validator.findings import Concern, Finding, Notes, shown
from toolchain.validator.positions import Value
from toolchain.validator.texts import KIB, read_text

CONFIG = "config.json"
MAX_CONFIG = 1024 * KIB


@dataclass(frozen=True)
class Architecture:
    """A family of networks: the spellings in `config.json`, and whether it runs on NPUs as well as on GPUs."""

    name: str
    model_types: tuple[str, ...]
    npu: bool = False


ARCHITECTURES = (
    Architecture("Llama", ("llama",), npu=True),
    Architecture("Bloom", ("bloom",)),
    Architecture("Falcon", ("falcon", "refinedweb", "refinedwebmodel")),
    Architecture("BERT", ("bert",)),
    Architecture("MPT", ("mpt",)),
    Architecture("ChatGLM", ("chatglm",), npu=True),
)
_BY_TYPE: Mapping[str, Architecture] = {word: known for known in ARCHITECTURES for word in known.model_types}
# `LlamaForCausalLM`, `BertModel`, `BertLMHeadModel`
_CLASS = re.compile(r"(?P<family>[A-Za-z0-9]+?)(?:For[A-Z]\w*|LMHeadModel|Model|PreTrainedModel)")
# The names under which libraries look for weights.
_WEIGHTS = re.compile(r"(?:model|pytorch_model)(?:-\d{1,9}-of-\d{1,9})?\.(?:safetensors|bin)")
# As peft saves them.
_ADAPTER = frozenset({"adapter_config.json", "adapter_model.safetensors"})


def supported(word: str) -> Architecture | None:
    """Return the architecture that a `model_type` or the name of a class means, None where the gallery has none such."""
    if known := _BY_TYPE.get(word.lower()):
        return known
    found = _CLASS.fullmatch(word)
    return _BY_TYPE.get(found["family"].lower()) if found else None


def has_weights(paths: Iterable[tuple[str, int]]) -> bool:
    """Say whether a listing of paths and sizes has weights at its top under a name that libraries look for."""
    return any(size > 0 and _WEIGHTS.fullmatch(path) for path, size in paths)


def has_adapter(paths: Iterable[tuple[str, int]]) -> bool:
    """Say whether a listing of paths and sizes has an adapter at its top, and not the weights of the model that it belongs to."""
    found = [(path, size) for path, size in paths if size > 0]
    return {path for path, _size in found} >= _ADAPTER and not has_weights(found)


def read_architecture(file: File | None) -> tuple[str, list[Finding]]:
    """Return what `config.json` calls the architecture, "" where it does not, with warnings where it cannot be read."""
    if file is None:
        return "", []
    notes = Notes(CONFIG, "training")
    text = read_text(file, MAX_CONFIG, notes)
    word = ""
    if text is not None:
        try:
            word = _word(positions.read(text.removeprefix("\ufeff")).root)
        except positions.Broken as error:
            notes.error(error.code, error.line, column=error.column, **error.facts)
    concerns: tuple[Concern, ...] = ("training", "inference")
    return word, [Finding(each.code, "warning", each.path, each.line, each.facts, concerns) for each in notes.found]


def _word(root: Value) -> str:
    if root.kind != "object":
        return ""
    kind, classes = root.value.get("model_type"), root.value.get("architectures")
    if kind is not None and kind.kind == "text" and kind.value.strip():
        return shown(kind.value.strip())
    names = [each.value for each in classes.value if each.kind == "text"] if classes is not None and classes.kind == "list" else []
    return next((shown(name) for name in names if supported(name)), shown(names[0]) if names else "")
