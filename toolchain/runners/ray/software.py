"""Our own code where every machine of a cluster finds it: below the folder that all share, once for each version of it."""

import dataclasses
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from toolchain.runners import folders
from toolchain.runners.base import Mount, RunSpec

OURS = Path(__file__).resolve().parents[3]
"""The folder of the portal's code."""
RUNNERS = "toolchain/runners"
_LEFT_OUT = ("tests", "__pycache__")


def runners(place: Path) -> Path:
    """Return a folder to look for Python modules in that holds what runs on a cluster; it is made below `place` where it is missing."""
    return _copied(place, RUNNERS, only=".py")


def carried(place: Path, spec: RunSpec) -> RunSpec:
    """Return `spec` with what it mounts of the portal's own code taken from a copy below `place`."""
    return dataclasses.replace(spec, mounts=tuple(_carried(place, mount) for mount in spec.mounts))


def _carried(place: Path, mount: Mount) -> Mount:
    source = Path(mount.source).resolve()
    if mount.writable or not source.is_dir() or not source.is_relative_to(OURS) or place.is_relative_to(source):
        return mount
    relative = str(source.relative_to(OURS))
    return dataclasses.replace(mount, source=str(_copied(place, relative) / relative))


def _copied(place: Path, relative: str, *, only: str = "") -> Path:
    """Return a folder below `place` that holds, at `relative`, the files that end in `only` as they are in the portal's code."""
    files = sorted(_files(relative, only))
    digest = hashlib.sha256()
    for name in files:
        data = (OURS / name).read_bytes()
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    folder = place / digest.hexdigest()[:16]
    if folder.is_dir():
        return folder
    folders.make_passable(place)
    draft = place / f".{folder.name}.{os.getpid()}.{os.urandom(4).hex()}"
    for name in files:
        target = draft / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(OURS / name, target)
        target.chmod(0o644)
    for path in (draft, *draft.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    try:
        draft.rename(folder)
    except OSError:
        # Somebody else was faster.
        shutil.rmtree(draft)
    return folder


def _files(relative: str, only: str) -> Iterator[str]:
    parts = Path(relative).parts
    # Packages need the files that make them such, from the top.
    yield from (str(path) for end in range(1, len(parts)) if (OURS / (path := Path(*parts[:end], "__init__.py"))).is_file())
    for above, below, names in os.walk(OURS / relative):
        below[:] = [name for name in below if name not in _LEFT_OUT]
        yield from (str((Path(above) / name).relative_to(OURS)) for name in names if name.endswith(only))
