"""Streams that break off, and pickles among other bytes; see `adversarial`."""

import struct

from inspection.tests.adversarial import EVIL, call, evil, kind, legacy, name, pickled, state_dict, text


@kind("dangerous_global")
def cut_off_behind_the_call() -> bytes:
    return evil()[:-1]


@kind("dangerous_global")
def cut_off_inside_an_argument() -> bytes:
    return evil()[:-1] + b"X\xff\xff\xff\x7f"


@kind("dangerous_global")
def unknown_opcode_behind_the_call() -> bytes:
    return evil()[:-1] + b"\xff\xff."


@kind("dangerous_global")
def stack_empty_behind_the_call() -> bytes:
    return evil()[:-1] + b"00000."


@kind("dangerous_global")
def memo_missing_behind_the_call() -> bytes:
    return evil()[:-1] + b"h\x63."


@kind("dangerous_global")
def number_that_is_none_behind_the_call() -> bytes:
    return evil()[:-1] + b"Iabc\n."


@kind("dangerous_global")
def length_of_two_to_the_sixty() -> bytes:
    return evil()[:-1] + b"\x8e" + struct.pack("<Q", 1 << 60)


@kind("dangerous_global")
def unknown_protocol() -> bytes:
    return b"\x80\x09" + evil()[2:]


@kind("dangerous_global")
def frame_longer_than_the_file() -> bytes:
    return b"\x80\x04\x95" + struct.pack("<Q", 1 << 40) + evil()[2:]


@kind("dangerous_global")
def second_of_stacked_pickles() -> bytes:
    return state_dict() + evil()


@kind("dangerous_global")
def first_of_stacked_pickles() -> bytes:
    return evil() + state_dict()


@kind("dangerous_global")
def behind_bytes_that_are_no_pickle() -> bytes:
    return b"\0\1\2\3" * 100 + evil()


@kind("dangerous_global")
def between_bytes_that_are_no_pickle() -> bytes:
    return state_dict() + b"\0" * 64 + evil() + b"\0" * 64


@kind("dangerous_global", "model.bin")
def behind_a_header_like_that_of_safetensors() -> bytes:
    return struct.pack("<Q", 2) + b"{}" + evil()


@kind("broken_pickle", verdict="unscanned")
def harmless_and_cut_off() -> bytes:
    return state_dict()[:-20]


@kind("trailing_data", verdict="caution")
def harmless_with_bytes_behind_it() -> bytes:
    return state_dict() + b"\0" * 64


@kind("not_a_pickle", "pytorch_model.bin", verdict="unscanned")
def numbers_named_as_a_pickle() -> bytes:
    return struct.pack("<64f", *(number * 0.37 for number in range(64)))


@kind("pickle_stack", verdict="unscanned")
def marks_without_end() -> bytes:
    return b"\x80\x04" + b"(" * 60_000


@kind("pickle_globals", verdict="unscanned")
def names_without_end() -> bytes:
    return pickled(b"".join(name("m", f"a{i}") for i in range(20_100)))


@kind("dangerous_global", "model.pt")
def legacy_object() -> bytes:
    return legacy(evil())


@kind("dangerous_global", "model.pt")
def legacy_magic_number_computed() -> bytes:
    return legacy(state_dict(), magic=pickled(call(name("builtins", "eval"), text("0x1950a86a20f9469cfc6c")), 2))


@kind("dangerous_global", "model.pt")
def legacy_system_facts() -> bytes:
    return legacy(state_dict(), system=evil())


@kind("dangerous_global", "model.pt")
def legacy_keys_of_storages() -> bytes:
    return legacy(state_dict(), keys=call(name(*EVIL), text("HOME")))


@kind("dangerous_global", "model.pt")
def legacy_pickle_in_the_place_of_storages() -> bytes:
    return legacy(state_dict())[:-32] + evil()


@kind("broken_pickle", "model.pt", verdict="unscanned")
def legacy_cut_off() -> bytes:
    return legacy(state_dict())[:30]
