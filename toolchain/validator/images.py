"""The image keys at the head of `README.md`, section 15 of the specification."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assets import card
from assets.card import Card
from assets.card.matter import Entry
from inspection.files import File
from toolchain.validator.findings import Concern, Finding, Notes, Report, Use, shown
from toolchain.validator.scripts import MAX_SCRIPT, parsed
from toolchain.validator.texts import decoded, read_bytes, read_script

README = "README.md"
MAX_README = 5_000_000
MAX_REFERENCE = 512
MAX_COMMAND = 500
SCRIPTS = (".sh", ".bash", ".py")


@dataclass(frozen=True)
class Keys:
    """The two keys of one purpose."""

    image: str
    command: str
    concern: Concern


TRAINING = Keys("Train_image_url", "Train_command_path", "image_training")
INFERENCE = Keys("Infer_image_url", "Infer_command_path", "image_inference")

# Names of images as registries take them: https://github.com/distribution/reference, with the host required.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    r"(?P<host>(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[0-9]{1,5})?)"
    rf"/(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?"
)
_BAD_PATH = re.compile(r"[\\\x00-\x1f\x7f\s~$`\"'|&;<>*?]")


def read_head(file: File | None) -> tuple[Card | None, list[Finding]]:
    """Return the card in `README.md`; None, and the warnings why, where its head cannot be read and hence has no effect."""
    if file is None or file.size == 0:
        return None, []
    notes = Notes(README, "image_training")
    data = read_bytes(file, MAX_README, notes, blank=True)
    text = None if data is None else decoded(data, notes)
    if text is None:
        return None, [_for_both(finding, "warning") for finding in notes.found]
    found = card.parse(text, spelled=lambda vocabulary, word: None)
    if found.readable:
        return found, []
    error = found.errors[0]
    facts = {"error": error.code, "params": dict(error.params)}
    return None, [Finding("front_matter_unreadable", "warning", README, error.line, facts, ("image_training", "image_inference"))]


def _for_both(finding: Finding, severity: Any) -> Finding:
    return Finding(finding.code, severity, finding.path, finding.line, finding.facts, ("image_training", "image_inference"))


def check(head: Card | None, keys: Keys, files: Mapping[str, File]) -> tuple[Use, list[Finding]]:
    """Return which image `keys` name, with the findings about them; the registries are judged by `judged`."""
    notes = Notes(README, keys.concern)
    given: dict[str, Entry] = {}
    for entry in head.entries if head else ():
        given.setdefault(entry.key.lower().replace("-", "_"), entry)
    values: dict[str, tuple[str, int]] = {}
    for key in (keys.image, keys.command):
        named = given.get(key.lower())
        if named is None or named.node.value in (None, ""):
            continue
        line = (head.line if head else 0) + named.line + 1
        if isinstance(named.node.value, str):
            values[key] = (named.node.value.strip(), line)
        else:
            notes.error("image_key_not_text", line, key=key)
            values[key] = ("", line)
    for key, other in ((keys.image, keys.command), (keys.command, keys.image)):
        if key in values and other not in values:
            notes.error("image_key_missing", values[key][1], key=other, other=key)
    image, line = values.get(keys.image, ("", 0))
    if image:
        _image(image, line, keys.image, notes)
    command, command_line = values.get(keys.command, ("", 0))
    if command:
        _command(command, command_line, keys.command, files, notes)
    # A command alone changes nothing: the address of the image is what makes it a custom one.
    return Use("image" if keys.image in values else "", image, line, command), notes.found


def _image(image: str, line: int, key: str, notes: Notes) -> None:
    if "://" in image:
        notes.error("image_scheme", line, key=key, image=shown(image))
    elif not (parts := _parts(image)):
        notes.error("image_reference", line, key=key, image=shown(image))
    elif not parts["tag"] and not parts["digest"]:
        notes.warn("image_without_tag", line, image=shown(image))


def _parts(image: str) -> dict[str, str]:
    """Return host, path, tag and digest of a reference, nothing where it is none. A host has a dot or a port, or is `localhost`."""
    found = _REFERENCE.fullmatch(image) if len(image) <= MAX_REFERENCE else None
    if found is None or not ("." in found["host"] or ":" in found["host"] or found["host"] == "localhost"):
        return {}
    return {name: value or "" for name, value in found.groupdict().items()}


def _command(command: str, line: int, key: str, files: Mapping[str, File], notes: Notes) -> None:
    if len(command) > MAX_COMMAND or _BAD_PATH.search(command):
        notes.error("command_path", line, key=key, command=shown(command))
        return
    if ".." in command.split("/"):
        notes.error("command_outside", line, key=key, command=shown(command))
        return
    if not command.lower().endswith(SCRIPTS):
        notes.error("command_kind", line, key=key, command=shown(command))
        return
    if command.startswith("/"):
        return
    path = "/".join(part for part in command.split("/") if part not in ("", "."))
    file = files.get(path)
    if file is None:
        notes.error("command_missing", line, key=key, command=shown(command))
        return
    about = notes.about(path)
    if not path.lower().endswith(".py"):
        if file.size == 0:
            about.error("file_empty")
        return
    text = read_script(file, MAX_SCRIPT, about)
    if text is not None:
        parsed(text, about)


def judged(report: Report, registries: Sequence[str]) -> tuple[Finding, ...]:
    """Return the findings about where the images of `report` come from.

    A registry is a host, or a host and the beginning of a path, such as `registry.example.com:5000/team`. Without any, every registry
    is taken, with a warning.
    """
    found: list[Finding] = []
    for use, keys in ((report.training, TRAINING), (report.inference, INFERENCE)):
        parts = _parts(use.image)
        if not parts:
            continue
        notes = Notes(README, keys.concern)
        if not registries:
            notes.warn("registry_open", use.image_line, host=shown(parts["host"]))
        elif not any(_within(f"{parts['host'].lower()}/{parts['path']}", registry) for registry in registries):
            allowed = shown(", ".join(registries))
            notes.error("registry_refused", use.image_line, host=shown(parts["host"]), allowed=allowed)
        found += notes.found
    return tuple(found)


def _within(name: str, registry: str) -> bool:
    host, slash, path = registry.strip().strip("/").partition("/")
    prefix = f"{host.lower()}{slash}{path}"
    return bool(host) and name.startswith(f"{prefix}/")
