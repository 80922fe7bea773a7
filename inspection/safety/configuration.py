"""Configuration that makes a library run code which the repository, or whoever it names, brings along."""

import re
from collections.abc import Iterator
from typing import Any

from inspection.safety.findings import Finding

MOST_CONFIGURATION = 16 << 20
MOST_NODES = 500_000
_OWN_LIBRARIES = {
    "diffusers", "transformers", "onnxruntime", "onnxruntime.transformers", "peft", "stable_diffusion", "k_diffusion", "flax", "optimum",
}  # fmt: skip
_TARGETS_OF_OTHERS = {
    "builtins",
    "os",
    "subprocess",
    "shutil",
    "sys",
    "posix",
    "nt",
    "socket",
    "importlib",
    "runpy",
    "pty",
    "ctypes",
    "code",
}
_YAML_TAG = re.compile(
    r"!!python/(object/apply|object/new|object|name|module)[:\s]+[\"']?([\w.]*)|!(?:<tag:yaml\.org,2002:python/)(\w+[\w/]*):?([\w.]*)"
)
_YAML_DIRECTIVE = re.compile(r"^%TAG\s+\S+\s+tag:yaml\.org,2002:python", re.MULTILINE)
_ESCAPED = re.compile(r"%([2-7][0-9a-fA-F])")
_YAML_TARGET = re.compile(r"^[\s-]*[\"']?(?:_target_|target)[\"']?\s*:\s*[\"']?([A-Za-z_][\w.]*)", re.MULTILINE)


def configuration(document: Any) -> Iterator[Finding]:
    """Yield what a JSON document of a model asks of the libraries that read it, each with the names it gives."""
    if not isinstance(document, dict):
        return
    if classes := sorted({name for value in _nested(document, "auto_map") for name in _strings(value)}):
        yield Finding("custom_code", "caution", "", {"classes": _few(classes)})
    if pipelines := document.get("custom_pipelines"):
        named = (
            [value.get("impl") for value in pipelines.values() if isinstance(value, dict)] if isinstance(pipelines, dict) else [pipelines]
        )
        yield Finding("custom_pipelines", "caution", "", {"classes": _few([str(name) for name in named if name])})
    if any(value is True or value == "true" for value in _nested(document, "trust_remote_code")):
        yield Finding("trust_remote_code", "caution")
    yield from _pipeline(document)
    if isinstance(mapping := document.get("auto_mapping"), dict) and (library := mapping.get("parent_library")):
        if str(library).partition(".")[0] not in _OWN_LIBRARIES:
            yield Finding("custom_code", "caution", "", {"classes": _few([f"{library}.{mapping.get('base_model_class')}"])})
    for target in [str(value) for value in _nested(document, "_target_") if isinstance(value, str)]:
        yield from _target(target)


def modules(document: Any) -> Iterator[Finding]:
    """Yield the classes that the `modules.json` of a sentence transformer names outside that library."""
    named = [entry.get("type") for entry in document if isinstance(entry, dict)] if isinstance(document, list) else []
    if foreign := [str(name) for name in named if name and not str(name).startswith("sentence_transformers.")]:
        yield Finding("custom_code", "caution", "", {"classes": _few(foreign)})


def yaml(text: str) -> Iterator[Finding]:
    """Yield tags that make an unsafe YAML reader build or call Python objects, and targets that a configured library calls."""
    seen: set[str] = set()
    # Tags are addresses: their letters may be written as %6f, and a directive may shorten them.
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    if match := _YAML_DIRECTIVE.search(text):
        yield Finding("yaml_python_object", "danger", "", {"name": "%TAG", "line": text.count("\n", 0, match.start()) + 1})
    for match in _YAML_TAG.finditer(text):
        action, name = match[1] or match[3], match[2] or match[4]
        if name not in seen:
            seen.add(name)
            grave = action.startswith(("object/apply", "object/new")) or _is_foreign(name)
            facts = {"name": name[:100], "line": text.count("\n", 0, match.start()) + 1}
            yield Finding("yaml_python_object", "danger" if grave else "caution", "", facts)
    for match in _YAML_TARGET.finditer(text):
        if match[1] not in seen:
            seen.add(match[1])
            yield from _target(match[1])


def _target(name: str) -> Iterator[Finding]:
    """Yield a finding for a callable that a configuration names where no configuration has business."""
    if _is_foreign(name):
        yield Finding("config_target", "danger", "", {"name": name[:100]})


def _is_foreign(name: str) -> bool:
    return name.partition(".")[0] in _TARGETS_OF_OTHERS and name.partition(".")[2] not in (
        "list",
        "dict",
        "tuple",
        "set",
        "str",
        "int",
        "float",
        "bool",
    )


def _pipeline(document: dict[str, Any]) -> Iterator[Finding]:
    """Yield the parts of a diffusers pipeline that come from modules of the repository."""
    if "_class_name" not in document:
        return
    foreign = [str(name) for name in _strings(document["_class_name"])] if isinstance(document["_class_name"], list) else []
    for value in document.values():
        if isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value):
            library = value[0].partition(".")[0]
            if library and library not in _OWN_LIBRARIES:
                foreign.append(".".join(value))
    if foreign := [name for name in foreign if name]:
        yield Finding("custom_code", "caution", "", {"classes": _few(sorted(set(foreign)))})


def _nested(document: Any, key: str) -> Iterator[Any]:
    """Yield the values under `key` at any depth, without recursion and within a bound."""
    waiting, count = [document], 0
    while waiting and count < MOST_NODES:
        count += 1
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get(key) is not None:
                yield value[key]
            waiting.extend(part for part in value.values() if isinstance(part, (dict, list)))
        elif isinstance(value, list):
            waiting.extend(part for part in value if isinstance(part, (dict, list)))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part) if not isinstance(part, dict) else ()
    elif isinstance(value, list):
        yield from (part for part in value if isinstance(part, str))


def _few(names: list[str]) -> str:
    return ", ".join(name[:100] for name in names[:5]) + (", …" if len(names) > 5 else "")
