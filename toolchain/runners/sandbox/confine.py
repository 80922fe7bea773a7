"""Starts one program under limits of its own process: Landlock, a filter for system calls, rlimits, another user. For levels B and off.

    python -I -S confine.py DESCRIPTOR

The descriptor holds the order as JSON, see `landlock.order`. This process stays beside the program, as bubblewrap does: it says on the
descriptor `status` that the program runs and how it ended, passes the exit code on, and ends everything the program left behind, also
when it gets SIGTERM or its own parent dies. It imports the standard library only: sandboxes are made by few lines that can be read.
"""

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from base64 import b64decode
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

# linux/prctl.h, linux/seccomp.h, linux/landlock.h; the numbers of Landlock's calls are the same on all processors.
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 22, 36, 38
SECCOMP_MODE_FILTER = 2
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
PATH_BENEATH = 1
ACCESS_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many kinds of access to files each version of Landlock knows; newer ones know those of the last."""
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE, IOCTL = 1, 2, 4, 8, 1 << 14, 1 << 15
DEVICES = 1 << 6 | 1 << 11
"""Making character and block devices, which nobody may."""
READ = EXECUTE | READ_FILE | READ_DIR
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> int:
    """Return the result of a call into the C library. Raises OSError where that failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def landlock_version() -> int:
    """Return the version of Landlock this kernel has, 0 for none."""
    return max(0, int(libc.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))))


def ruleset(readable: list[str], writable: list[str]) -> int:
    """Return a descriptor of rules that leave these files and folders, and no TCP port; paths that are not there are left out."""
    version = landlock_version()
    handled = (1 << ACCESS_BITS[min(version, 5)]) - 1
    # Ports from version 4, signals and abstract sockets of others from version 6.
    fields = (handled, 3, 3)[: 1 if version < 4 else 2 if version < 6 else 3]
    attributes = ctypes.create_string_buffer(struct.pack(f"={len(fields)}Q", *fields))
    rules = check(
        libc.syscall(LANDLOCK_CREATE, attributes, ctypes.c_size_t(8 * len(fields)), ctypes.c_uint32(0)), "landlock_create_ruleset"
    )
    for paths, access in ((readable, READ), (writable, handled & ~DEVICES)):
        for path in paths:
            with suppress(FileNotFoundError):
                beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
                allowed = access & handled & (-1 if os.path.isdir(path) else OF_FILES)
                rule = ctypes.create_string_buffer(struct.pack("=Qi", allowed, beneath))
                check(libc.syscall(LANDLOCK_ADD, rules, PATH_BENEATH, rule, ctypes.c_uint32(0)), f"landlock_add_rule {path}")
                os.close(beneath)
    return rules


def load_filter(program: bytes) -> None:
    """Put the filter for system calls in force, for this process and all it starts."""
    code = ctypes.create_string_buffer(program, len(program))
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code)))
    check(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, head, 0, 0), "seccomp")


def become(order: dict[str, Any]) -> NoReturn:
    """Turn this process into the program."""
    os.setsid()
    # Python leaves both ignored, and programs expect otherwise.
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    rules = ruleset([*order["readable"], f"/proc/{os.getpid()}"], order["writable"]) if order["confined"] else -1
    for name, value in order["limits"].items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), (value, value))
    if order["uid"] is not None:
        os.setgroups(order["groups"])
        os.setgid(order["uid"])
        os.setuid(order["uid"])
    # Forgotten when the user changes, hence not before.
    check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    os.umask(0o022)
    os.chdir(order["folder"])
    if order["confined"]:
        check(libc.syscall(LANDLOCK_RESTRICT, rules, ctypes.c_uint32(0)), "landlock_restrict_self")
        os.close(rules)
        load_filter(b64decode(order["filter"]))
    try:
        os.execvpe(order["argv"][0], order["argv"], order["environment"])  # noqa: S606 - no shell is meant
    except OSError as error:
        os.write(2, f"{order['argv'][0]}: {error.strerror}\n".encode(errors="replace"))
        os._exit(127)


def start(order: dict[str, Any]) -> tuple[int, bool]:
    """Start the program and return its process, and whether it came to run; why not is printed."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.close(order["status"])
        try:
            become(order)
        except BaseException as error:
            os.write(2, f"The program could not be started: {error}\n".encode(errors="replace"))
            os.write(writer, b"!")
        finally:
            os._exit(1)
    os.close(writer)
    failed = os.read(reader, 1)
    os.close(reader)
    return child, not failed


def descendants() -> list[int]:
    """Return the processes below this one."""
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        with suppress(OSError):
            for task in Path(f"/proc/{waiting.pop()}/task").iterdir():
                below = [int(each) for each in (task / "children").read_text().split()]
                found += below
                waiting += below
    return found


def end_account(uid: int) -> None:
    """Kill all processes of an account at one stroke, so that a fork bomb cannot outrun it; for root."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            # Reaches all that this process may signal, which are those of its user.
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    # Another thread that waits for everybody may have buried it.
    with suppress(ChildProcessError):
        os.waitpid(child, 0)


def end_all(uid: int | None) -> None:
    """Kill what is left, until nothing is: what has an account of its own at one stroke, else one after the other."""
    while True:
        if uid is not None:
            end_account(uid)
        for process in descendants():
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
        try:
            # Orphans come to us, so there are none once nobody is ours.
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def main(descriptor: int) -> int:
    """Run the order, and return the exit code of its program, or 128 and the number of the signal that ended it."""
    with os.fdopen(descriptor) as file:
        order: dict[str, Any] = json.load(file)

    def ended(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ended)
    check(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")
    check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0), "prctl")
    if os.getppid() != order["parent"]:
        return 128 + signal.SIGTERM
    try:
        child, started = start(order)
        os.write(order["status"], json.dumps({"child-pid": child}).encode() + b"\n")
        found, status = -1, 0
        while found != child:
            found, status = os.waitpid(-1, 0)
        code = os.waitstatus_to_exitcode(status)
        code = 128 - code if code < 0 else code
        if started:
            os.write(order["status"], json.dumps({"exit-code": code}).encode() + b"\n")
        return code
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        end_all(order["uid"])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
