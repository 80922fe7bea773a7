"""The system calls a run may not make, as a filter for the kernel (classic BPF, see linux/filter.h and linux/seccomp.h)."""

import errno
import platform
import struct

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""AUDIT_ARCH_* of linux/audit.h by the name `uname -m` gives."""

DENIED: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "setns": (308, 268),
    "unshare": (272, 97),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "personality": (135, 92),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "settimeofday": (164, 170),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42),
    # Memory that belongs to no process, so that nobody sees whose it is.
    "shmget": (29, 194),
    "msgget": (68, 186),
    "mknod": (133, None),
    "uselib": (134, None),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
}
"""Calls that answer EPERM, with their numbers on x86_64 (asm/unistd_64.h) and aarch64 (asm-generic/unistd.h)."""

CLONE, CLONE3, IOCTL, SOCKET = (56, 220), (435, 435), (16, 29), (41, 198)
NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET of linux/sched.h."""

TERMINAL = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX, which put characters into the terminal of whoever started us."""

UNIX, INET, INET6, NETLINK = 1, 2, 10, 16
ISOLATED_FAMILIES = (UNIX, INET, INET6, NETLINK)
"""Kinds of socket where the run has a network namespace of its own: what they reach is inside it."""
SHARED_FAMILIES = (UNIX,)
"""The same where it shares the machine's."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_OF, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_X32 = 0x40000000


def program(families: tuple[int, ...] = ISOLATED_FAMILIES, *, machine: str = "") -> bytes:
    """Return the filter that denies what is above, and sockets of other kinds than `families`.

    Raises `KeyError` where the calls of the machine's processor are not known.
    """
    machine = machine or platform.machine()
    column = list(ARCHITECTURES).index(machine) if machine in ARCHITECTURES else None
    if column is None:
        raise KeyError(machine)
    refuse = _ERRNO | errno.EPERM
    code = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
    ]
    if machine == "x86_64":
        # The x32 calls have numbers of their own, and would be a way around every line below.
        code += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    for numbers in DENIED.values():
        if (number := numbers[column]) is not None:
            code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, refuse)]
    # Its flags lie in memory, where a filter cannot look: the C library falls back to clone.
    code += [(_EQUAL, 0, 1, CLONE3[column]), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    code += [
        (_EQUAL, 0, 4, CLONE[column]),
        (_LOAD, 0, 0, 16),
        (_ANY_OF, 0, 1, NAMESPACES),
        (_RETURN, 0, 0, refuse),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code += _among(IOCTL[column], 24, TERMINAL, hit=refuse, miss=_ALLOW)
    code += _among(SOCKET[column], 16, families, hit=_ALLOW, miss=_ERRNO | errno.EAFNOSUPPORT)
    code += [(_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _among(number: int, argument: int, values: tuple[int, ...], *, hit: int, miss: int) -> list[tuple[int, int, int, int]]:
    """Of the call `number`: `hit` where the low half of the argument at this offset is one of `values`, else `miss`."""
    tests = [step for value in values for step in ((_EQUAL, 0, 1, value), (_RETURN, 0, 0, hit))]
    body = [(_LOAD, 0, 0, argument), *tests, (_RETURN, 0, 0, miss)]
    return [(_EQUAL, 0, len(body), number), *body]
