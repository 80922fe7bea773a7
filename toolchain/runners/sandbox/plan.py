"""What every level makes of a run: its mounts checked, its variables, its limits, and the bridges that have to stand beside it."""

import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

from toolchain.runners.base import Limits, Mount, RunnerError, RunSpec
from toolchain.runners.network import Indexes
from toolchain.runners.sandbox.accelerators import Devices, devices

HOME = "/run/gallery"
"""Where our own files lie inside."""
BRIDGE = Path(__file__).parents[1] / "network" / "bridge.py"
PROXY_PORT = 3128
INDEX_SOCKET, PORT_SOCKET = "network/index.sock", "bridge/port.sock"
"""Below the folder of the run: the proxy to the package indexes, and where a program that listens on a port can be called."""

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES = (
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/ca-certificates/extracted",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
)
_RESERVED = (*SYSTEM, "/proc", "/dev", "/sys", "/etc", HOME)
_VARIABLES = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "USER": "user", "LOGNAME": "user", "LANG": "C.UTF-8"}


@dataclass(frozen=True)
class Plan:
    """A run as asked for, checked. `joins` are what the bridge has to join, as the paths and ports are seen inside."""

    spec: RunSpec
    folder: Path
    mounts: tuple[Mount, ...]
    variables: dict[str, str]
    devices: Devices
    joins: tuple[str, ...] = ()

    @property
    def port(self) -> bool:
        """Whether the program is called through a port."""
        return isinstance(self.spec.listen, int)

    def argv(self) -> list[str]:
        """Return the program's command line, behind the bridge where there is something to join."""
        if not self.joins:
            return list(self.spec.argv)
        return [*interpreter(), f"{HOME}/bridge.py", *self.joins, "--", *self.spec.argv]


def interpreter() -> list[str]:
    """Return the command line of our own Python, which outside /usr has to be mounted to be used inside."""
    return [os.path.realpath(sys.executable), "-I", "-S"]


def plan(spec: RunSpec, folder: Path, indexes: Indexes | None, *, joined: bool) -> Plan:
    """Return the plan for `spec`, whose own files lie in `folder`; `joined` where the run has a network of its own, which bridges leave."""
    if spec.image:
        raise RunnerError("no_images", "This runner cannot run container images. Choose a runner that can.")
    if any(_within(str(folder), top) for top in SYSTEM):
        raise RunnerError("bad_folder", f"{folder} lies where every run can look. Choose another DATA_DIR.")
    if not spec.argv:
        raise RunnerError("no_program", "There is no program to run.")
    for text in (*spec.argv, *spec.environment, *spec.environment.values(), spec.folder):
        if "\0" in text:
            raise RunnerError("bad_text", "Arguments and variables cannot contain NUL.")
    if any(not name or "=" in name for name in spec.environment):
        raise RunnerError("bad_text", "Names of variables cannot be empty or contain “=”.")
    if spec.network == "index" and indexes is None:
        raise RunnerError("no_index", "This runner has no package index to reach.")
    needed = devices(spec.accelerators)
    mounts = list(spec.mounts)
    variables = {**_VARIABLES, **needed.environment, **spec.environment}
    joins = []
    if joined and spec.network == "index" and indexes:
        mounts += indexes.mounts()
        joins.append(f"{PROXY_PORT}={HOME}/index.sock")
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            variables[name] = variables[name.lower()] = f"http://127.0.0.1:{PROXY_PORT}"
    if joined and isinstance(spec.listen, int):
        joins.append(f"{HOME}/port/port.sock={spec.listen}")
    if joins and not any(_within(sys.base_prefix, mount.target) for mount in mounts):
        mounts.append(Mount(sys.base_prefix, sys.base_prefix))
    return Plan(spec, folder, _checked(mounts), variables, needed, tuple(joins))


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _checked(mounts: list[Mount]) -> tuple[Mount, ...]:
    """Return the mounts without repetition and without what is visible anyway, folders before what lies in them."""
    found: dict[str, Mount] = {}
    for mount in mounts:
        if not (_absolute(mount.source) and _absolute(mount.target)) or mount.target == "/":
            raise RunnerError("bad_mount", f"“{mount.source}” cannot be mounted at “{mount.target}”: both have to be plain absolute paths.")
        if not os.path.exists(mount.source):
            raise RunnerError("mount_missing", f"There is no {mount.source} to mount.")
        if mount.writable and os.path.islink(mount.source):
            raise RunnerError("bad_mount", f"{mount.source} is a link, and links are not mounted to be written.")
        if not mount.writable and mount.source == mount.target and any(_within(mount.target, top) for top in SYSTEM):
            continue
        if any(_within(mount.target, top) or _within(top, mount.target) for top in _RESERVED):
            raise RunnerError("bad_mount", f"Nothing can be mounted at “{mount.target}”, which belongs to the system.")
        if found.setdefault(mount.target, mount) != mount:
            raise RunnerError("bad_mount", f"Two things cannot be mounted at “{mount.target}”.")
    return tuple(sorted(found.values(), key=lambda mount: mount.target.count("/")))


def _absolute(path: str) -> bool:
    return path.startswith("/") and not path.startswith("//") and os.path.normpath(path) == path and "\0" not in path


def limits(spec: RunSpec) -> dict[str, int]:
    """Return the kernel's limits for one process, by the names prlimit(1) uses, none above what we have ourselves.

    They stand a little behind the supervisor's own, which can say what was exceeded. The kernel counts no sum of memory: data is a
    second line against what grows faster than the supervisor looks, and it is left out where drivers map more than they use.
    """
    wanted = {
        # Not 0: that does not keep the kernel from starting a machine's own program for cores, see core(5) and fs/coredump.c.
        "core": 1,
        "nofile": spec.limits.files,
        "nproc": spec.limits.processes + 1024,
        "fsize": spec.limits.disk + (64 << 20),
    }
    if not spec.accelerators.count:
        wanted["data"] = 2 * spec.limits.memory + (2 << 30)
    most = {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))[1] for name in wanted}
    return {name: value if most[name] == resource.RLIM_INFINITY else min(value, most[name]) for name, value in wanted.items()}


def shared_memory(limits: Limits) -> int:
    """Return the bytes of /dev/shm."""
    return max(64 << 20, limits.memory // 2)
