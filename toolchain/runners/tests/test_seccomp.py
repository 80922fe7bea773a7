"""The filter for system calls, run here as the kernel would run it, for both processors."""

import ctypes
import ctypes.util
import errno
import struct

import pytest

from toolchain.runners.sandbox import seccomp

ALLOW, KILL = 0x7FFF0000, 0x80000000


def answer(machine, number, *arguments, architecture=None, families=seccomp.ISOLATED_FAMILIES):
    """What the filter says to a call: 0 for allowed, a number of an error, or KILL."""
    code = list(struct.iter_unpack("=HBBI", seccomp.program(families, machine=machine)))
    given = struct.pack("=iIQ6Q", number, architecture or seccomp.ARCHITECTURES[machine], 0, *arguments, *[0] * (6 - len(arguments)))
    at = value = 0
    while True:
        operation, hit, miss, constant = code[at]
        at += 1
        if operation == 0x20:
            value = struct.unpack_from("=I", given, constant)[0]
        elif operation == 0x06:
            return 0 if constant == ALLOW else KILL if constant == KILL else constant & 0xFFFF
        else:
            found = {0x15: value == constant, 0x35: value >= constant, 0x45: value & constant != 0}[operation]
            at += hit if found else miss


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
class TestFilter:
    def column(self, machine):
        return list(seccomp.ARCHITECTURES).index(machine)

    def test_denied_calls_answer_eperm(self, machine):
        for name, numbers in seccomp.DENIED.items():
            if (number := numbers[self.column(machine)]) is not None:
                assert answer(machine, number) == errno.EPERM, name

    def test_all_other_calls_are_made(self, machine):
        denied = {numbers[self.column(machine)] for numbers in seccomp.DENIED.values()}
        special = {pair[self.column(machine)] for pair in (seccomp.CLONE3, seccomp.SOCKET)}
        assert all(answer(machine, number) == 0 for number in range(480) if number not in denied | special)

    def test_a_process_may_be_cloned_but_no_namespace(self, machine):
        clone = seccomp.CLONE[self.column(machine)]
        assert answer(machine, clone, 0x1200011) == 0
        assert answer(machine, clone, 0x3D0F00) == 0
        for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
            assert answer(machine, clone, flag | 17) == errno.EPERM

    def test_the_new_clone_is_said_not_to_exist(self, machine):
        assert answer(machine, seccomp.CLONE3[self.column(machine)]) == errno.ENOSYS

    def test_nothing_is_typed_into_terminals(self, machine):
        ioctl = seccomp.IOCTL[self.column(machine)]
        assert answer(machine, ioctl, 0, 0x5412) == errno.EPERM
        assert answer(machine, ioctl, 0, 0xFFFFFFFF00005412) == errno.EPERM
        assert answer(machine, ioctl, 0, 0x541C) == errno.EPERM
        assert answer(machine, ioctl, 0, 0x5413) == 0

    def test_kinds_of_socket_are_a_list(self, machine):
        socket = seccomp.SOCKET[self.column(machine)]
        allowed = {family for family in range(64) if answer(machine, socket, family) == 0}
        assert allowed == {1, 2, 10, 16}
        shared = {family for family in range(64) if answer(machine, socket, family, families=seccomp.SHARED_FAMILIES) == 0}
        assert shared == {1}
        assert answer(machine, socket, 17) == errno.EAFNOSUPPORT

    def test_calls_of_another_processor_end_the_process(self, machine):
        assert answer(machine, 39, architecture=0x40000003) == KILL

    def test_numbers_are_those_of_the_kernel(self, machine):
        """Against libseccomp, where it is installed; it knows -1 and less as “not on this processor”."""
        if not (name := ctypes.util.find_library("seccomp")):
            pytest.skip("libseccomp is not installed")
        resolve = ctypes.CDLL(name).seccomp_syscall_resolve_name_arch
        calls = {**seccomp.DENIED, "clone": seccomp.CLONE, "clone3": seccomp.CLONE3, "ioctl": seccomp.IOCTL, "socket": seccomp.SOCKET}
        for call, numbers in calls.items():
            known = resolve(seccomp.ARCHITECTURES[machine], call.encode())
            # Newer than the library.
            if call != "open_tree_attr" or known > 0:
                assert known == numbers[self.column(machine)] or (known < 0 and numbers[self.column(machine)] is None), call


def test_the_numbers_of_x32_are_no_way_around():
    assert answer("x86_64", 0x40000000 | 101) == errno.ENOSYS
    assert answer("x86_64", 0x40000000) == errno.ENOSYS


def test_an_unknown_processor_has_no_filter():
    with pytest.raises(KeyError):
        seccomp.program(machine="riscv64")
