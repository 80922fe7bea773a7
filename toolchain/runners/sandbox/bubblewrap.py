"""Level A: the command line of bubblewrap (bwrap(1), 0.8 or newer)."""

import os
import shutil
from collections.abc import Callable
from pathlib import PurePath

from toolchain.runners.base import RunnerError
from toolchain.runners.sandbox import seccomp
from toolchain.runners.sandbox.plan import BRIDGE, HOME, INDEX_SOCKET, PORT_SOCKET, SYSTEM, SYSTEM_FILES, Plan, limits, shared_memory

PROGRAMS = {"bwrap": "bubblewrap", "setpriv": "util-linux", "prlimit": "util-linux", "choom": "util-linux"}
"""What has to be installed, with the packages that bring it."""
FOLDERS = "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin"
"""Where programs of the system lie."""

_NOBODY = 65534
_TMP = 256 << 20


def program(name: str, folders: str = FOLDERS) -> str:
    """Return the path of a system program. Raises `RunnerError` where it is not installed."""
    found = shutil.which(name, path=folders)
    if not found:
        raise RunnerError("program_missing", f"{name} is not installed: apt-get install {PROGRAMS[name]}")
    return found


def arguments(plan: Plan, uid: int | None, status: int, hold: Callable[[bytes], int]) -> list[str]:
    """Return the command line. `hold` keeps bytes and returns the descriptor they can be read from, `status` is one to write to.

    What bubblewrap is told goes through such a descriptor: its command line can be read by everybody on the machine and in the run.
    """
    inside = [*_account(uid), *_namespaces(uid), "--hostname", "run", "--die-with-parent", "--new-session", "--clearenv"]
    inside += ["--seccomp", str(hold(seccomp.program())), "--json-status-fd", str(status)]
    inside += [*_system(uid, hold), *_devices(plan), *_mounts(plan), *_own(plan)]
    for name, value in plan.variables.items():
        inside += ["--setenv", name, value]
    # In a user namespace the top folder and /dev belong to the run, and neither has a size.
    inside += ["--chdir", plan.spec.folder, "--remount-ro", "/dev", "--remount-ro", "/"]
    packed = b"".join(argument.encode("utf-8", "surrogateescape") + b"\0" for argument in inside)
    return [program("bwrap"), "--args", str(hold(packed)), "--", *_privileges(uid, plan.devices.groups), *_limits(plan), *plan.argv()]


def _account(uid: int | None) -> list[str]:
    """As root bubblewrap keeps just what is needed to become another user; else a user namespace makes us nobody."""
    if uid is None:
        return ["--unshare-user", "--uid", str(_NOBODY), "--gid", str(_NOBODY), "--disable-userns", "--cap-drop", "ALL"]
    return ["--cap-drop", "ALL", *(part for name in ("SETUID", "SETGID", "SETPCAP") for part in ("--cap-add", f"CAP_{name}"))]


def _namespaces(uid: int | None) -> list[str]:
    # Never --unshare-all: that takes a user namespace too, in which no other account exists.
    return ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]


def _privileges(uid: int | None, groups: tuple[int, ...]) -> list[str]:
    if uid is None:
        return []
    grouped = f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups"
    nothing = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]
    return [program("setpriv"), f"--reuid={uid}", f"--regid={uid}", grouped, *nothing, "--"]


def _limits(plan: Plan) -> list[str]:
    parts = [f"--{name}={value}" for name, value in limits(plan.spec).items()]
    # Where memory runs out, the kernel shall take a run and not the gallery.
    return [program("choom"), "-n", "1000", "--", program("prlimit"), *parts, "--"]


def _system(uid: int | None, hold: Callable[[bytes], int]) -> list[str]:
    """Return programs and libraries, and an /etc that tells nothing about this machine."""
    parts = []
    for path in SYSTEM:
        if os.path.islink(path):
            parts += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            parts += ["--ro-bind", path, path]
    for path in SYSTEM_FILES:
        parts += [*_folders(path, set()), "--ro-bind-try", path, path]
    number = _NOBODY if uid is None else uid
    files = {
        "passwd": f"user:x:{number}:{number}::/tmp:/bin/sh\n",
        "group": f"user:x:{number}:\n",
        "hosts": "127.0.0.1 localhost run\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    }
    for name, text in files.items():
        parts += ["--perms", "0644", "--ro-bind-data", str(hold(text.encode())), f"/etc/{name}"]
    return [*parts, "--proc", "/proc", "--dev", "/dev"]


def _devices(plan: Plan) -> list[str]:
    parts = ["--perms", "1777", "--size", str(shared_memory(plan.spec.limits)), "--tmpfs", "/dev/shm"]
    if not any(mount.target == "/tmp" for mount in plan.mounts):
        parts += ["--perms", "1777", "--size", str(_TMP), "--tmpfs", "/tmp"]
    for node in plan.devices.nodes:
        parts += ["--dev-bind", node, node]
    for path in plan.devices.paths:
        parts += ["--ro-bind", path, path]
    return parts


def _mounts(plan: Plan) -> list[str]:
    parts: list[str] = []
    made: set[str] = set()
    for mount in plan.mounts:
        parts += [*_folders(mount.target, made), "--bind" if mount.writable else "--ro-bind", mount.source, mount.target]
        made.add(mount.target)
    return parts


def _folders(path: str, made: set[str]) -> list[str]:
    """Return what makes the folders above `path` passable, but for those in one of `made`: by itself bubblewrap closes them to others."""
    parts: list[str] = []
    for parent in map(str, reversed(PurePath(path).parents)):
        if parent != "/" and not any(parent == top or parent.startswith(f"{top}/") for top in made):
            parts += ["--perms", "0755", "--dir", parent]
    return parts


def _own(plan: Plan) -> list[str]:
    """Return the bridge and what it joins."""
    if not plan.joins:
        return []
    parts = [*_folders(f"{HOME}/bridge.py", set()), "--ro-bind", str(BRIDGE), f"{HOME}/bridge.py"]
    if plan.spec.network == "index":
        parts += ["--ro-bind", str(plan.folder / INDEX_SOCKET), f"{HOME}/index.sock"]
    if plan.port:
        parts += ["--bind", str((plan.folder / PORT_SOCKET).parent), f"{HOME}/port"]
    return parts
