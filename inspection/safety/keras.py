"""Keras architectures as JSON: layers that carry code, and classes that loading looks up.

Source of the forms: the serialisation of Keras 2 (class_name, config) and 3 (module, class_name, config, registered_name), and the
advisories on what `load_model` could be made to do (CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-12058, CVE-2025-49655).
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

from inspection.files import Unreadable
from inspection.safety.findings import Finding

MOST_NODES = 1_000_000
_LIBRARIES = {"keras", "tf_keras", "tensorflow", "keras_hub", "keras_nlp", "keras_cv", "builtins", None, ""}
_CALLED = re.compile(
    r"^(?:keras|tf_keras|tensorflow)(?:\.[\w.]+)?\.(?:get_file|load_model|load_img|load_data|enable_unsafe_deserialization|load_weights|"
    r"deserialize_keras_object|extract_archive|unzip|run|system|load_library|load_op_library|read_file|write_file|py_function|numpy_function)$"
)
_HARMLESS = {"builtins": {"int", "float", "str", "bool", "tuple", "list", "dict", "set", "slice", "bytes", "complex", "function"}}


def is_architecture(document: Any) -> bool:
    """Whether a JSON document describes a Keras model or a piece of one."""
    return isinstance(document, dict) and "class_name" in document and "config" in document


def architecture(document: Any) -> Iterator[Finding]:
    """Yield what loading this architecture runs or looks up. Raises `Unreadable` (`too_many_entries`)."""
    waiting: list[Any] = [document]
    custom: set[str] = set()
    for _count in range(MOST_NODES):
        if not waiting:
            break
        value = waiting.pop()
        if isinstance(value, dict):
            yield from _object(value, custom)
            waiting.extend(part for part in value.values() if isinstance(part, (dict, list)))
        elif isinstance(value, list):
            waiting.extend(part for part in value if isinstance(part, (dict, list)))
    else:
        raise Unreadable("too_many_entries")
    if custom:
        yield Finding("keras_custom_object", "caution", "", {"classes": ", ".join(sorted(custom)[:5])})


def _object(value: dict[str, Any], custom: set[str]) -> Iterator[Finding]:
    name, module, config = value.get("class_name"), value.get("module"), value.get("config")
    if not isinstance(name, str):
        return
    layer = str(config.get("name", ""))[:100] if isinstance(config, dict) else ""
    if name == "__lambda__":
        yield Finding("keras_lambda", "danger", "", {"layer": layer})
    elif name.rpartition(">")[2] == "Lambda" and isinstance(config, dict):
        marshalled = any(isinstance(config.get(key), list) or config.get(f"{key}_type") == "lambda" for key in ("function", "output_shape"))
        # A named function is the reader's own; code that travels in the file is the writer's.
        if marshalled and (isinstance(config.get("function"), list) or config.get("function_type") == "lambda"):
            yield Finding("keras_lambda", "danger", "", {"layer": layer})
        elif not isinstance(config.get("function"), dict):
            yield Finding("keras_lambda_named", "caution", "", {"layer": layer})
    elif name == "TorchModuleWrapper":
        yield Finding("keras_torch_module", "danger", "", {"layer": layer})
    if isinstance(config, dict) and isinstance(config.get("vocabulary"), str) and config["vocabulary"]:
        yield Finding("keras_reads_file", "caution", "", {"path": config["vocabulary"][:200]})
    yield from _reference(name, module if isinstance(module, str) else None, value.get("registered_name"), config, custom)


def _reference(name: str, module: str | None, registered: Any, config: Any, custom: set[str]) -> Iterator[Finding]:
    target = f"{module}.{config}" if name == "function" and isinstance(config, str) else f"{module}.{name}"
    root = (module or "").partition(".")[0]
    if (module and root in sys.stdlib_module_names and (root != "builtins" or target.rpartition(".")[2] not in _HARMLESS["builtins"])) or (
        module and _CALLED.match(target)
    ):
        yield Finding("keras_foreign_module", "danger", "", {"name": target[:100]})
    elif (module and root not in _LIBRARIES) or name.count(">"):
        custom.add((target if module else name)[:100])
    elif isinstance(registered, str) and ">" in registered and not registered.startswith(("keras", "tf_keras")):
        custom.add(registered[:100])
