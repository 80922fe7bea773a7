"""The machine tells what a pickle would build, whom it names and calls, and where it breaks off."""

import io
import pickle
import pickletools
import struct
from collections import Counter, OrderedDict

import numpy
import pytest

from inspection.files import Unreadable, in_memory
from inspection.pickles.machine import Limits, Machine
from inspection.pickles.source import Source
from inspection.pickles.values import Bytes, Call, Dict, Global, Persistent, Pickle, Reference, Set, Text, Unknown
from inspection.tests import benign
from inspection.tests.adversarial import BENIGN, legacy, name, number, pickled, state_dict, text

VALUES = {"on": True, "none": None, "n": [0, -1, 255, 65535, 1 << 40, -(1 << 70)], "x": 2.5, "t": (1, 2, 3, 4), "raw": b"ab"}


def run(data: bytes, **limits: int) -> Pickle:
    return Machine(Source(io.BytesIO(data), size=len(data), seekable=True), limits=Limits(**limits)).run()


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_are_told_as_they_are(protocol):
    made = run(pickle.dumps(VALUES, protocol))
    value = made.value
    plain = [value.get(key) for key in ("on", "none", "n", "x", "t")]
    assert (made.broken, plain) == (None, [True, None, [0, -1, 255, 65535, 1 << 40, -(1 << 70)], 2.5, (1, 2, 3, 4)])


def test_texts_bytes_and_sets_are_bounded():
    made = run(pickle.dumps(["a" * 2000, b"b" * 2000, {1}, frozenset("c")], 4)).value
    assert (made[0], made[1].size, made[1].head) == (Text(2000, "a" * 64), 2000, b"b" * 64)
    assert [sorted(members.members) for members in made[2:]] == [[1], ["c"]]
    assert isinstance(made[2], Set) and isinstance(made[3], Set)


@pytest.mark.parametrize("case", [case for case in BENIGN if not case.walked and case.path.endswith(".pkl")], ids=lambda case: case.name)
def test_names_are_those_that_pickletools_finds(case):
    assert benign.__doc__
    first = pickletools.genops(case.data)
    named = [tuple(argument.split(" ")) for opcode, argument, _ in first if opcode.name in ("GLOBAL", "INST")]
    stacked = sum(opcode.name == "STACK_GLOBAL" for opcode, _, _ in pickletools.genops(case.data))
    made = run(case.data)
    told = [reference for reference in made.references if reference.how == "GLOBAL"]
    assert [(reference.target.module, reference.target.name) for reference in told] == list(OrderedDict.fromkeys(named))
    assert bool(stacked) == any(reference.how == "STACK_GLOBAL" for reference in made.references)


@pytest.mark.parametrize("case", [case for case in BENIGN if not case.walked and case.path.endswith(".pkl")], ids=lambda case: case.name)
def test_opcodes_and_ends_are_those_that_pickletools_finds(case):
    opcodes = list(pickletools.genops(case.data))
    made = run(case.data)
    assert (made.opcodes, made.end) == (len(opcodes), opcodes[-1][2] + 1)


def test_state_dict_tells_names_shapes_and_storages():
    made = run(state_dict())
    (first, weight), (second, bias) = made.value.pairs
    assert made.value.function == Global("collections", "OrderedDict")
    assert (first, weight.function, weight.args[1:5]) == (
        "fc.weight",
        Global("torch._utils", "_rebuild_tensor_v2"),
        (0, (2, 3), (3, 1), False),
    )
    assert isinstance(weight.args[0], Persistent)
    assert weight.args[0].id == ("storage", Global("torch", "FloatStorage"), "0", "cpu", 6)
    assert (second, bias.args[2]) == ("fc.bias", (2,))


def test_legacy_file_is_five_pickles_and_the_storages_behind():
    data = legacy(state_dict())
    machine = Machine(Source(in_memory("", data).open(), size=len(data), seekable=True))
    made = [machine.run() for _ in range(5)]
    assert [pickle.value for pickle in made[:2]] + [made[4].value] == [0x1950A86A20F9469CFC6C, 1001, ["0"]]
    assert made[2].value.get("little_endian") is True
    assert data[made[4].end :] == struct.pack("<q6f", 6, *range(6))


def test_call_carries_its_way_arguments_state_and_contents():
    made = run(pickled(name("m", "C") + b")}\x92" + text("s") + b"b" + b"(K\1K\2e" + text("k") + b"Ns")).value
    assert isinstance(made, Call)
    assert (made.how, made.args, made.kwargs.pairs, made.state, made.appended, made.pairs) == (
        "NEWOBJ_EX",
        (),
        (),
        "s",
        [1, 2],
        [("k", None)],
    )


def test_references_say_where_and_how():
    made = run(b"\x80\x04" + name("a", "b") + text("c") + text("d") + b"\x93(ie\nf\n.")
    assert made.references == [
        Reference(Global("a", "b"), 6, "GLOBAL"),
        Reference(Global("c", "d"), 13, "STACK_GLOBAL"),
        Reference(Global("e", "f"), 19, "INST"),
    ]
    assert made.called == {Global("e", "f")}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x80\x04", "truncated"),
        (b"\x80\x04X\xff\xff\xff\xff", "truncated"),
        (b"\x80\x04B\xff\xff\xff\xff", "truncated"),
        (b"\x80\x04\x8e" + b"\xff" * 8, "truncated"),
        (b"\x80\x04\x00", "unknown_opcode"),
        (b"\x80\x04t.", "no_mark"),
        (b"\x80\x04h\x05.", "memo_missing"),
        (b"\x80\x04.", "invalid"),
        (b"\x80\x04\x85.", "empty_stack"),
        (b"Iten\n.", "invalid"),
        (b"T\xff\xff\xff\xff.", "negative_length"),
        (b"Np-1\n.", "negative_memo"),
        (b"I" + b"1" * 5000 + b"\n.", "line_too_long"),
        (b"\x80\x04X\1\0\0\0\xff.", "invalid"),
        (b"(K\1o.", None),
        (b"\x80\x04}(K\1u.", "invalid"),
    ],
)
def test_broken_stream_says_why(data, why):
    assert run(data).broken == why


@pytest.mark.parametrize(
    ("data", "limits", "code"),
    [
        (b"N0" * 20_000, {"opcodes": 30_000}, "pickle_opcodes"),
        (b"N" * 40_000, {"stack": 1000}, "pickle_stack"),
        (b"(" * 2000, {"marks": 1000}, "pickle_stack"),
        (b"\x80\x04N" + b"\x94" * 40_000, {"memo": 1000}, "pickle_memo"),
        (b"".join(name("m", f"a{i}") for i in range(11)), {"references": 10}, "pickle_globals"),
    ],
)
def test_stream_beyond_a_bound_is_refused(data, limits, code):
    with pytest.raises(Unreadable) as refused:
        run(data, **limits)
    assert (refused.value.code, refused.value.facts) == (code, {"limit": next(iter(limits.values()))})


def test_what_came_before_the_bound_is_kept():
    machine = Machine(Source(io.BytesIO(name("a", "b") + b"N" * 40_000)), limits=Limits(stack=1000))
    with pytest.raises(Unreadable):
        machine.run()
    assert [str(reference.target) for reference in machine.found.references] == ["a.b"]


def test_more_items_than_are_kept_are_read_and_left_out():
    made = run(pickle.dumps(list(range(100))), kept=10)
    assert (made.value, made.trimmed, made.broken) == (list(range(10)), True, None)


def test_payloads_are_stepped_over_and_not_read():
    size = 1 << 40
    head, asked = b"\x80\x04\x8e" + struct.pack("<Q", size), []

    class Sparse(io.RawIOBase):
        position = 0

        def seekable(self):
            return True

        def tell(self):
            return self.position

        def seek(self, to, whence=0):
            self.position = to
            return to

        def read(self, count=-1):
            asked.append(count)
            data = (head[self.position : self.position + count] if self.position < len(head) else b"\0" * min(count, 4096))[:count]
            data = b"." if self.position >= len(head) + size else data
            self.position += len(data)
            return data

    made = Machine(Source(Sparse(), size=len(head) + size + 1, seekable=True)).run()
    assert (made.value, made.broken, made.end) == (Bytes(size, b"\0" * 64, len(head)), None, len(head) + size + 1)
    assert sum(asked) < 1 << 20


def test_tuples_that_hold_themselves_twice_take_no_time():
    doubled = b"K\1" + b"2\x86" * 200
    made = run(pickled(b"}" + doubled + b"Ns"))
    assert (made.broken, made.opcodes, isinstance(made.value, Dict)) == (None, 406, True)


def test_number_beyond_the_bound_is_unknown():
    assert run(pickled(number(1 << 1000))).value == Unknown("number")


def test_arrays_of_numpy_are_told_by_their_parts():
    made = run(pickle.dumps(numpy.arange(3, dtype="i2"), 2)).value
    assert (str(made.function), made.state[1], made.state[2].args[0]) == ("numpy._core.multiarray._reconstruct", (3,), "i2")


def test_extension_code_names_nobody():
    made = run(b"\x80\x02\x82\x07.")
    assert (made.references, [(odd.code, odd.facts) for odd in made.oddities]) == (
        [Reference(Global(None, None), 3, "EXT")],
        [("extension_code", {"number": 7})],
    )


def test_every_opcode_of_the_standard_library_has_a_handler():
    from inspection.pickles.opcodes import HANDLERS, _unknown

    in_the_loop = {"MEMOIZE", "BINGET", "BINPUT", "BININT1", "MARK", "STOP"}
    missing = {opcode.name for opcode in pickletools.opcodes if HANDLERS[ord(opcode.code)] is _unknown}
    assert (missing, Counter(handler is _unknown for handler in HANDLERS)[False]) == (
        in_the_loop,
        len(pickletools.opcodes) - len(in_the_loop),
    )
