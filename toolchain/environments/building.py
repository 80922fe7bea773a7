"""The build of an environment: the run that makes it, how far it is, and what became of it."""

import fcntl
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from uv import find_uv_bin

from toolchain.environments import ready, sealing
from toolchain.environments.bases import BASES
from toolchain.environments.identity import identify, interpreter, interpreter_mounts
from toolchain.environments.index import Index
from toolchain.runners.base import Exit, Limits, Mount, Reason, RunSpec

INSIDE = Path(__file__).resolve().parent / "inside"
LIMITS = Limits(cpus=2, memory=4 << 30, processes=256, files=4096, disk=20 << 30, wall=2 * 3600, grace=5, log=4 << 20)
REASONS = {
    Reason.DISK: "disk_full",
    Reason.TIME: "build_too_slow",
    Reason.MEMORY: "build_too_large",
    Reason.PROCESSES: "build_too_large",
    Reason.STOPPED: "build_stopped",
    Reason.REFUSED: "build_refused",
}
LAST_LINES = 20

_STEP = re.compile(rb"^step (\d+) of (\d+): ([a-z]+)$", re.MULTILINE)
_OUTCOME = re.compile(rb"^outcome: (\{.*\})$", re.MULTILINE)


class BaseMissing(Exception):
    """The base has to be built first; `id` is its environment."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id


@dataclass(frozen=True)
class Progress:
    """How far a build is: step `step` of `of`, a key of `wording.STEP_NAMES`, and the last line that uv wrote in it."""

    step: int
    of: int
    name: str
    line: str = ""


@dataclass(frozen=True)
class Result:
    """What became of a build; without `ok`, `code` and `detail` are for `wording.sentence`. `size` is in bytes on disk."""

    ok: bool
    code: str = ""
    detail: dict[str, object] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    size: int = 0


def build_spec(root: Path, base: str, requirements: Sequence[str], index: Index, limits: Limits = LIMITS) -> RunSpec:
    """Return the run that builds what `requirements`, as `parse` gives them, make over `base`; its writable folder is made.

    Raises `BaseMissing` where the base is not ready. Not while another run builds the same environment.
    """
    root = root.absolute()
    id, below = identify(base, requirements), identify(base)
    folder, work = root / id, root / id / ".build"
    if requirements and not ready.is_ready(root, below):
        raise BaseMissing(below)
    work.mkdir(parents=True, exist_ok=True)
    (work / "requirements.txt").write_text("\n".join(requirements or BASES[base].requirements) + "\n")
    (work / "offers.txt").write_text("\n".join(BASES[base].offers) + "\n")
    own = ["--base", str(root / below)] if requirements else ["--imports", ",".join(BASES[base].imports)]
    mounts = [
        Mount(str(INSIDE), "/gallery/environments"),
        Mount(find_uv_bin(), "/gallery/bin/uv"),
        *interpreter_mounts(),
        *index.mounts,
        *([Mount(str(root / below), str(root / below))] if requirements else []),
        # At its own path: an environment cannot be moved.
        Mount(str(folder), str(folder), writable=True),
    ]
    script = ["/gallery/environments/build.py", "--uv", "/gallery/bin/uv", "--folder", str(folder), *own]
    return RunSpec(
        argv=(interpreter(), "-I", "-S", *script, "--workers", str(max(1, int(limits.cpus)))),
        environment={
            **index.environment,
            "HOME": str(work / "tmp"),
            "TMPDIR": str(work / "tmp"),
            "UV_CACHE_DIR": str(work / "cache"),
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
            "NO_COLOR": "1",
        },
        mounts=tuple(mounts),
        limits=limits,
        network="index" if index.remote else "none",
    )


def progress(log: bytes) -> Progress | None:
    """Return how far the build is that wrote `log`, of which the end is enough; None before its first step."""
    steps = list(_STEP.finditer(log))
    if not steps:
        return None
    after = log[steps[-1].end() :].decode(errors="replace").split("\n")
    said = [line.strip() for line in after[:-1] if line.startswith("  ")]
    return Progress(int(steps[-1][1]), int(steps[-1][2]), steps[-1][3].decode(), said[-1][:200] if said else "")


def inspect_result(root: Path, base: str, requirements: Sequence[str], exit: Exit, log: bytes) -> Result:
    """Return what became of a build that is over, `log` being all that it wrote.

    What is complete is sealed and ready from then on; anything else is removed. Called again it says the same.
    """
    root, id = root.absolute(), identify(base, requirements)
    with _alone(root):
        if ready.is_ready(root, id):
            made = ready.describe(root, id)
            return Result(True, packages=made.packages, size=made.size)
        said = _outcome(log)
        if exit.code == 0 and exit.reason is None and said.get("code") == "":
            packages = tuple(str(each) for each in said.get("packages", ()))
            shutil.rmtree(root / id / ".build", ignore_errors=True)
            size = sealing.seal(root / id, ready.bases(root) if not requirements else ())
            ready.keep(root, ready.Made(id, base, identify(base) if requirements else "", packages, size))
            return Result(True, packages=packages, size=size)
        ready.remove(root, id)
        return _failure(exit, said, log)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Let one process at a time seal or remove: two may have seen the same build end."""
    with (root / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _outcome(log: bytes) -> dict[str, list[str] | str]:
    written = _OUTCOME.findall(log)
    try:
        said = json.loads(written[-1]) if written else {}
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _failure(exit: Exit, said: dict[str, list[str] | str], log: bytes) -> Result:
    if exit.reason is not None:
        return Result(False, REASONS[exit.reason], {"said": exit.detail})
    if code := said.get("code"):
        return Result(False, str(code), {"said": str(said.get("detail", ""))})
    last = log.decode(errors="replace").strip().splitlines()[-LAST_LINES:]
    return Result(False, "build_failed", {"said": "\n".join(last)})
