"""Level B, where namespaces are forbidden, and off: the order for `confine`, and a folder of links in place of mounts."""

import os
import stat
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolchain.runners.base import Mount, RunnerError
from toolchain.runners.sandbox import seccomp
from toolchain.runners.sandbox.plan import BRIDGE, PORT_SOCKET, SYSTEM, SYSTEM_FILES, Plan, interpreter, limits

CONFINE = Path(__file__).with_name("confine.py")
LEAST_VERSION = 4
"""Of Landlock: the first one that knows TCP ports, besides truncating and moving files."""

_PROC = ("cpuinfo", "meminfo", "stat", "loadavg", "uptime", "version", "filesystems", "sys/kernel", "sys/vm/overcommit_memory")
_NODES = ("null", "zero", "full", "random", "urandom", "shm")


def order(plan: Plan, uid: int | None, status: int, *, confined: bool) -> dict[str, Any]:
    """Return what `confine` has to do. Makes the folders `view` and `tmp` below the run's, the latter in place of /tmp.

    Raises `RunnerError` where the level cannot keep what was asked for, or where the account may not pass to a mount.
    """
    spec = plan.spec
    if confined and (spec.network != "none" or plan.port):
        raise RunnerError(
            "level_without_network",
            "Without namespaces a run cannot have a network of its own, so it can neither reach package indexes nor listen on a port.",
        )
    temporary, view = plan.folder / "tmp", plan.folder / "view"
    temporary.mkdir(mode=0o700, exist_ok=True)
    mounts = [*plan.mounts]
    if not any(mount.target == "/tmp" for mount in mounts):
        mounts.append(Mount(str(temporary), "/tmp", writable=True))
        if uid is not None:
            os.chown(temporary, uid, uid)
    if uid is not None:
        for mount in mounts:
            _require_way(mount.source, uid)
    _link(view, mounts)
    translate = _Translation(str(view), {mount.target: mount.source != mount.target for mount in mounts})
    variables = {name: translate(value) for name, value in plan.variables.items()}
    variables.setdefault("TMPDIR", translate("/tmp"))
    command = [translate(part) for part in spec.argv]
    if plan.port:
        command = [*interpreter(), str(BRIDGE), f"{plan.folder / PORT_SOCKET}={spec.listen}", "--", *command]
    proc = [f"/proc/{name}" for name in _PROC]
    return {
        "argv": command,
        "environment": variables,
        "folder": translate(spec.folder),
        "limits": limits(spec),
        "uid": uid,
        "groups": plan.devices.groups,
        "parent": os.getpid(),
        "status": status,
        "confined": confined,
        "filter": b64encode(seccomp.program(seccomp.SHARED_FAMILIES)).decode() if confined else "",
        "readable": [*SYSTEM, *SYSTEM_FILES, *proc, *plan.devices.paths, str(view), *(m.source for m in mounts if not m.writable)],
        "writable": [*(f"/dev/{name}" for name in _NODES), *plan.devices.nodes, *(m.source for m in mounts if m.writable)],
    }


class _Translation:
    """Turns a path as a run is told it into the one it has here: below the folder of links. Lists of paths joined by “:” too."""

    def __init__(self, view: str, targets: Mapping[str, bool]) -> None:
        self.view, self.targets = view, targets

    def __call__(self, text: str) -> str:
        return ":".join(
            f"{self.view}{part}" if part.startswith("/") and self._moved(part.rstrip("/")) else part for part in text.split(":")
        )

    def _moved(self, path: str) -> bool:
        """Whether the innermost target around the path is elsewhere, or a folder on the way to one is meant. The top folder never is."""
        around = [target for target in self.targets if f"{path}/".startswith(f"{target}/")]
        if around:
            return self.targets[max(around, key=len)]
        return bool(path) and any(moved and target.startswith(f"{path}/") for target, moved in self.targets.items())


def _link(view: Path, mounts: list[Mount]) -> None:
    """Make the folder of links, of those mounts that have another name than their source."""
    view.mkdir(exist_ok=True)
    for mount in sorted(mounts, key=lambda mount: mount.target.count("/")):
        place = view / mount.target.lstrip("/")
        if mount.source == mount.target or place.is_symlink():
            continue
        if any(parent.is_symlink() for parent in place.parents):
            raise RunnerError("level_without_mounts", f"Without namespaces nothing can be mounted inside another mount: {mount.target}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(mount.source)
    for folder, _, _ in os.walk(view):
        os.chmod(folder, 0o755)  # noqa: S103 - links only


def _require_way(path: str, uid: int) -> None:
    for folder in reversed(Path(os.path.realpath(path)).parents):
        found = folder.stat()
        if not found.st_mode & (stat.S_IXUSR if found.st_uid == uid else stat.S_IXOTH):
            raise RunnerError("mount_unreachable", f"The accounts of runs may not pass through {folder}: chmod o+x {folder}")
