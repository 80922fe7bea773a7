"""Which sandbox this machine can give, found out by using it."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from toolchain.runners.base import Limits, Mount, RunnerError, RunSpec
from toolchain.runners.sandbox.accounts import account
from toolchain.runners.sandbox.bubblewrap import FOLDERS, PROGRAMS, program
from toolchain.runners.sandbox.command import Level, command
from toolchain.runners.sandbox.confine import landlock_version
from toolchain.runners.sandbox.landlock import LEAST_VERSION

_SECONDS = 20
# What the kernel says of a process that is confined.
_CONFINED = ("NoNewPrivs:\t1", "Seccomp:\t2")
_APPARMOR = (
    "AppArmor keeps ordinary users from making namespaces. As root: apt-get install apparmor-profiles, then "
    "apparmor_parser -r -W /usr/share/apparmor/extra-profiles/bwrap-userns-restrict"
)
_CONTAINER = (
    "The container may not make namespaces. Start it with a seccomp profile that allows unshare, mount, umount2, pivot_root and clone, or "
    "with none: docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined; "
    "as root also --cap-add SYS_ADMIN."
)


@dataclass(frozen=True)
class Probe:
    """The best `level` here; `detail` says what it keeps apart, or why nothing can; `missing` what to do for a better one."""

    level: Level
    detail: str
    missing: tuple[str, ...] = ()


def probe(folder: Path) -> Probe:
    """Start a small program in each kind of sandbox, best first, and return the first that holds. `folder` is where run folders lie."""
    uid, held = account()
    try:
        trouble = _try(Level.BUBBLEWRAP, folder, uid)
        if not trouble:
            owner = "an own user account, " if uid is not None else ""
            return Probe(Level.BUBBLEWRAP, f"Each run has {owner}own namespaces, filtered system calls and limits.")
        missing = advice(trouble)
        second = _unfit(uid) or _try(Level.LANDLOCK, folder, uid)
        if not second:
            return Probe(
                Level.LANDLOCK,
                "Each run has an own user account, a list of files it may use, no internet sockets, filtered system calls and limits. "
                "It can see which other processes exist, and cannot install packages or listen on a port.",
                missing,
            )
        return Probe(Level.NONE, f"No sandbox works here. Bubblewrap: {trouble} Landlock: {second}", missing)
    finally:
        if held >= 0:
            os.close(held)


def _try(level: Level, folder: Path, uid: int | None) -> str:
    """Return why the sandbox does not hold, nothing where it does."""
    # Only the probe needs them, and they would make every start of a run wait.
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory(prefix="probe-", dir=folder) as name:
        own = Path(name)
        output = own / "output"
        output.mkdir()
        for path in (own, output):
            path.chmod(0o711)
        spec = RunSpec(
            argv=("/bin/sh", "-c", f"exec cat /proc/self/status > {output}/status"),
            mounts=(Mount(str(output), str(output), writable=True),),
            limits=Limits(memory=256 << 20, processes=16),
        )
        try:
            with command(spec, folder=own, level=level, uid=uid) as made:
                done = subprocess.run(
                    made.argv,
                    env={},
                    pass_fds=made.descriptors,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=_SECONDS,
                    check=False,
                )
        except RunnerError as error:
            return error.detail
        except (OSError, subprocess.SubprocessError) as error:
            return f"{error}."
        if done.returncode:
            return done.stderr.decode(errors="replace").strip().rpartition("\n")[2] or f"It ended with {done.returncode}."
        with suppress(OSError):
            said = (output / "status").read_text().splitlines()
            return "" if all(line in said for line in _CONFINED) else "The kernel does not filter system calls."
        return "What it writes does not arrive."


def _unfit(uid: int | None) -> str:
    """Return why Landlock is out of the question."""
    if uid is None:
        return "It needs an own user account for each run, which only root can give."
    if landlock_version() < LEAST_VERSION:
        return f"This kernel has version {landlock_version()} of Landlock, {LEAST_VERSION} is needed (Linux 6.7)."
    return ""


def advice(trouble: str, *, settings: Path = Path("/proc/sys"), folders: str = FOLDERS) -> tuple[str, ...]:
    """Return what a person can do about bubblewrap's complaint, in view of the kernel's settings and the installed programs."""

    def setting(name: str) -> str:
        with suppress(OSError):
            return (settings / name).read_text().strip()
        return ""

    packages = []
    for name, package in PROGRAMS.items():
        try:
            program(name, folders)
        except RunnerError:
            packages.append(package)
    if packages:
        return (f"Install what is missing, as root: apt-get install {' '.join(dict.fromkeys(packages))}",)
    if "Unknown option" in trouble:
        return ("Install bubblewrap 0.8 or newer.",)
    if setting("kernel/unprivileged_userns_clone") == "0":
        return ("Allow user namespaces, as root: sysctl -w kernel.unprivileged_userns_clone=1",)
    if setting("user/max_user_namespaces") == "0":
        return ("Allow user namespaces, as root: sysctl -w user.max_user_namespaces=10000",)
    if setting("kernel/apparmor_restrict_unprivileged_userns") == "1" and os.geteuid() != 0:
        return (_APPARMOR,)
    if _in_container():
        return (_CONTAINER,)
    return ("Allow the gallery's user to make namespaces (unshare, mount, pivot_root).",)


def _in_container(marks: Sequence[str] = ("/.dockerenv", "/run/.containerenv")) -> bool:
    return any(Path(mark).exists() for mark in marks) or "container" in os.environ
