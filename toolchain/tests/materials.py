"""What the tests of inputs and outputs share: a model with files of every kind, and a process that dies at a given line."""

import hashlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection

from assets.models import Asset
from assets.services import commit_files
from assets.tests.factories import make_asset
from repos.models import LargeObject
from repos.operations import PutBytes
from repos.reading import Revision, resolve

WEIGHTS = bytes(range(256)) * 4096
FILES = {
    "config.json": b'{"model_type": "tiny"}',
    "model.safetensors": WEIGHTS,
    "train/cat/1.png": b"cat one",
    "train/cat/2.png": b"cat two",
    "train/dog/1.png": b"cat one",
    "数据/说明.txt": "一二三".encode(),
    "empty.txt": b"",
}
MATERIALS = str(Path(__file__).parents[1] / "materials")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def model_of(actor: Any, files: dict[str, bytes] | None = None, **options: Any) -> Asset:
    """Return a model of `actor` that holds `files`, not published."""
    asset = make_asset(actor, visibility="private", **options)
    put = [PutBytes(path, data, executable=path.endswith(".sh")) for path, data in (FILES if files is None else files).items()]
    if put:
        commit_files(asset=asset, actor=actor, operations=put, message="Add files")
    return asset


def head_of(asset: Asset) -> Revision:
    return resolve(asset.open_repository())


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder, but for what a new repository starts with."""
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    found = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
    return {path: data for path, data in found.items() if path not in (".gitattributes", "README.md")}


def blob(store: Path, data: bytes) -> Path:
    """Return the file of the store that holds `data`."""
    return store / LargeObject.objects.get(pk=sha(data)).location


def killed(work: Callable[[], Any], line: int, *folders: str) -> bool:
    """Do `work` in a process of its own that gets SIGKILL at the n-th line it runs in `folders`; say whether it came that far."""
    connection.close()
    connection.close_pool()
    child = os.fork()
    if not child:
        _work_and_exit(work, line, folders)
    _pid, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "the process failed before its line"
    return False


def _work_and_exit(work: Callable[[], Any], line: int, folders: tuple[str, ...]) -> None:
    left = line

    def each_line(_frame: Any, event: str, _argument: Any) -> Any:
        nonlocal left
        left -= event == "line"
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return each_line

    def each_call(frame: Any, _event: str, _argument: Any) -> Any:
        return each_line if frame.f_code.co_filename.startswith(folders) else None

    try:
        sys.settrace(each_call)
        work()
        sys.settrace(None)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
