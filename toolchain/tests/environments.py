"""The real base environments for tests, built once on a machine and kept outside the repository."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from toolchain.environments import following, ready
from toolchain.environments.bases import BASES
from toolchain.environments.identity import identify
from toolchain.environments.index import as_pip
from toolchain.runners.local import LocalRunner

Bases = Callable[[str], tuple[Path, str]]


@pytest.fixture(scope="session")
def bases() -> Bases:
    """Return a function that gives the folder of environments and in it the id of a base, which is ready.

    The first call on a machine downloads and compiles for half a minute or more; bases with other pins are removed then.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gallery-tests"
    root = cache / "environments"

    def base(code: str) -> tuple[Path, str]:
        root.mkdir(parents=True, exist_ok=True)
        with (root / ".building").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not ready.is_ready(root, identify(code)):
                wanted = {identify(each) for each in BASES}
                for made in ready.everything(root):
                    if made.id not in wanted:
                        ready.remove(root, made.id)
                index = as_pip()
                result = following.build(LocalRunner(cache / "runs", index=index.indexes()), root, code, (), index)
                assert result.ok, result
        return root, identify(code)

    return base


def lend(bases: Bases, code: str, root: Path) -> str:
    """Make a base ready in another folder of environments too, at no cost, and return its id.

    Its programs other than Python still name the folder in which it was built.
    """
    made, id = bases(code)
    root.mkdir(parents=True, exist_ok=True)
    (root / id).symlink_to(made / id)
    shutil.copyfile(made / f"{id}.json", root / f"{id}.json")
    return id
