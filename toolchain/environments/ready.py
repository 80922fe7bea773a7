"""Environments that are ready: what they hold, how a run sees them, and how they go."""

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from toolchain.environments import sealing
from toolchain.environments.identity import identify, interpreter_mounts
from toolchain.runners.base import Mount


@dataclass(frozen=True)
class Made:
    """An environment that is ready: `below` is the environment it is layered over, or empty.

    `packages` are all that can be imported, as `name==version`; `size` are its own bytes on disk.
    """

    id: str
    base: str
    below: str
    packages: tuple[str, ...]
    size: int


def is_ready(root: Path, id: str) -> bool:
    """Say whether the environment, and what it is layered over, can be used."""
    try:
        made = describe(root, id)
    except (OSError, ValueError, TypeError):
        return False
    return (root / id).is_dir() and (not made.below or is_ready(root, made.below))


def describe(root: Path, id: str) -> Made:
    """Return what a ready environment is; raises OSError where there is none."""
    made = Made(**json.loads((root / f"{id}.json").read_text(encoding="utf-8")))
    return Made(**(asdict(made) | {"packages": tuple(made.packages)}))


def keep(root: Path, made: Made) -> None:
    """Declare an environment ready, durably: its folder is complete."""
    new = root / f"{made.id}.json.new"
    with new.open("w", encoding="utf-8") as file:
        json.dump(asdict(made), file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(root / f"{made.id}.json")


def covered(root: Path, base: str, requirements: Sequence[str]) -> bool:
    """Say whether the base, which is ready, satisfies all requirements itself, so that nothing has to be built."""
    pins = (package.partition("==") for package in describe(root, identify(base)).packages)
    had = {canonicalize_name(name): version for name, _equals, version in pins}
    for wanted in map(Requirement, requirements):
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        version = had.get(canonicalize_name(wanted.name))
        if version is None or wanted.extras or not wanted.specifier.contains(version, prereleases=True):
            return False
    return True


def python_of(root: Path, id: str) -> str:
    """Return the path of an environment's interpreter, for a run with `mounts_of`."""
    return str(root / id / "bin" / "python")


def mounts_of(root: Path, id: str) -> tuple[Mount, ...]:
    """Return all that a run must see to use a ready environment: its folder, the base below, the interpreter."""
    below = describe(root, id).below
    folders = [str(root / each) for each in (below, id) if each]
    return (*interpreter_mounts(), *(Mount(folder, folder) for folder in folders))


def everything(root: Path) -> Iterator[Made]:
    """Yield the environments that are ready, bases first."""
    ids = sorted(file.stem for file in root.glob("*.json"))
    made = [describe(root, id) for id in ids if is_ready(root, id)]
    yield from sorted(made, key=lambda each: (each.below != "", each.base, each.id))


def bases(root: Path) -> tuple[Path, ...]:
    """Return the folders of the base environments that are ready."""
    return tuple(root / made.id for made in everything(root) if not made.below)


def remove(root: Path, id: str) -> None:
    """Remove an environment, ready or half built; what is layered over it must be built again. One that is gone is fine."""
    (root / f"{id}.json").unlink(missing_ok=True)
    if (root / id).is_symlink():
        (root / id).unlink()
    elif (root / id).is_dir():
        # Away at once: a removal that is cut off must not look like something to build on.
        sealing.open_folder(root / id)
        (root / id).rename(root / f".gone-{id}-{uuid.uuid4().hex}")
    for folder in root.glob(".gone-*"):
        for path, folders, _files in os.walk(folder):
            for name in folders:
                # A sealed folder does not let go of its files, whosoever they are.
                sealing.open_folder(os.path.join(path, name))
        shutil.rmtree(folder, ignore_errors=True)
