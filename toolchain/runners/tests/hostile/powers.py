"""Attempts on other processes, on accounts and on the kernel."""

import ctypes
import errno
import fcntl
import os
import signal
import stat
import struct
import subprocess
from pathlib import Path

from common import GIVEN, NEEDLE, attempt, call, libc


@attempt
def read_environment_of_the_gallery():
    return Path(f"/proc/{GIVEN['gallery']}/environ").read_text()


@attempt
def read_environment_of_the_first_process():
    if not (found := Path("/proc/1/environ").read_text()):
        raise FileNotFoundError(errno.ENODATA, "it has none")
    return found


@attempt
def find_secrets_in_any_process():
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            for name in ("environ", "cmdline"):
                try:
                    text = (entry / name).read_bytes()
                except OSError:
                    continue
                if NEEDLE in text:
                    found.append(f"{entry}/{name}")
    if not found:
        raise FileNotFoundError(errno.ENOENT, "nowhere")
    return found


@attempt
def walk_out_through_proc():
    for pid in (1, os.getppid(), GIVEN["gallery"]):
        try:
            return Path(f"/proc/{pid}/root{GIVEN['secret']}").read_text()
        except OSError as error:
            last = error
    raise last


@attempt
def open_descriptors_left_behind():
    left = []
    for number in range(3, 256):
        try:
            os.fstat(number)
            left.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue
    if not left:
        raise OSError(errno.EBADF, "none")
    return left


@attempt
def signal_the_supervisor():
    os.kill(GIVEN["supervisor"], 0)


@attempt
def signal_the_gallery():
    os.kill(GIVEN["gallery"], 0)


@attempt
def signal_another_run():
    os.kill(GIVEN["victim"], 0)


@attempt
def see_another_run():
    return Path(f"/proc/{GIVEN['victim']}/cmdline").read_bytes().decode()


@attempt
def trace_another_process():
    call(101 if os.uname().machine == "x86_64" else 117, 16, GIVEN["victim"], 0, 0)  # PTRACE_ATTACH


@attempt
def become_root():
    os.setuid(0)
    return os.geteuid()


@attempt
def become_root_by_a_setuid_program():
    said = subprocess.run([GIVEN["setuid"], "-u"], capture_output=True, text=True)
    if said.stdout.strip() != "0":
        raise PermissionError(errno.EPERM, said.stdout.strip() or said.stderr)
    return "root"


@attempt
def take_the_account_of_another_run():
    os.setresuid(GIVEN["victim_uid"], GIVEN["victim_uid"], GIVEN["victim_uid"])


@attempt
def keep_a_capability():
    head, data = ctypes.create_string_buffer(struct.pack("=Ii", 0x20080522, 0)), ctypes.create_string_buffer(24)
    if libc.capget(head, data) < 0 or not any(data.raw):
        raise PermissionError(errno.EPERM, "no capabilities")
    return data.raw.hex()


@attempt
def give_a_file_away():
    path = Path(GIVEN["output"], "gift")
    path.touch()
    os.chown(path, 0, 0)


@attempt
def make_a_device():
    os.mknod(Path(GIVEN["output"], "memory"), stat.S_IFCHR | 0o666, os.makedev(1, 1))


@attempt
def open_the_disk():
    for name in ("vda", "sda", "nvme0n1", "mem", "kmem", "kmsg", "port", "fuse", "kvm"):
        try:
            return os.open(f"/dev/{name}", os.O_RDONLY)
        except OSError as error:
            last = error
    raise last


@attempt
def change_the_kernels_settings():
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))


@attempt
def press_the_kernels_keys():
    os.close(os.open("/proc/sysrq-trigger", os.O_WRONLY))


@attempt
def read_the_kernels_memory():
    os.close(os.open("/proc/kcore", os.O_RDONLY))


@attempt
def write_to_a_control_group():
    for path in ("/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs", "/sys/fs/cgroup/pids/cgroup.procs"):
        try:
            os.close(os.open(path, os.O_WRONLY))
            return path
        except OSError as error:
            last = error
    raise last


@attempt
def type_into_the_terminal():
    fcntl.ioctl(0, 0x5412, b"x")


@attempt
def make_a_user_namespace():
    call(GIVEN["calls"]["unshare"], 0x10000000)


@attempt
def clone_into_a_user_namespace():
    child = call(56 if os.uname().machine == "x86_64" else 220, 0x10000000 | signal.SIGCHLD)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


@attempt
def clone_by_the_new_call():
    arguments = ctypes.create_string_buffer(struct.pack("=8Q", 0x10000000, 0, 0, 0, signal.SIGCHLD, 0, 0, 0))
    child = call(435, ctypes.addressof(arguments), 64)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


@attempt
def mount_memory_over_the_output():
    target = os.fsencode(GIVEN["output"])
    call(GIVEN["calls"]["mount"], *(ctypes.c_char_p(each) for each in (b"tmpfs", target, b"tmpfs")), 0, 0)
    call(GIVEN["calls"]["umount2"], ctypes.c_char_p(target), 0)


@attempt
def raise_a_limit():
    import resource

    resource.setrlimit(resource.RLIMIT_NPROC, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@attempt
def call_by_the_numbers_of_x32():
    if os.uname().machine != "x86_64":
        raise OSError(errno.ENOSYS, "no x32 here")
    call(0x40000000 | 101, 0, 0, 0, 0)
