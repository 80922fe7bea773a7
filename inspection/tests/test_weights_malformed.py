"""Weights that are not what they claim: each gives its code, in the confined process and within its memory."""

import io
import json
import struct
import zipfile
from typing import Any

import pytest

from inspection import isolation
from inspection.files import File
from inspection.pickles.values import Call, Global, Persistent
from inspection.tests.weights_made import (
    archive,
    block,
    codes,
    gguf,
    initializer,
    legacy,
    measured,
    named,
    number,
    onnx,
    pickled,
    plain,
    port,
    prefixed,
    safetensors,
    tensor,
    text,
    varint,
)  # fmt: skip

GIGABYTE = 1 << 30
GOOD = safetensors({"a": (4,), "b": (4,)})


def header(entries: dict[str, Any], body: int = 64) -> bytes:
    return prefixed(json.dumps(entries).encode()) + bytes(body)


def entry(shape: list[Any], start: int, end: int, dtype: Any = "F16") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


SAFETENSORS = [
    (b"\0", "too_short"), (GOOD[:40], "header_past_end"), (GOOD[:-1], "offset_out_of_range"), (struct.pack("<Q", 2**60) + b"{}" * 9, "header_too_long"),
    (struct.pack("<Q", 2**64 - 1) + b"{}" * 9, "header_too_long"), (prefixed(b"{" * 5000), "header_not_json"), (prefixed(b"\xff\xfe{}"), "header_not_json"),
    (prefixed(b'{"a":1,"a":1}'), "header_not_json"), (prefixed(b"[" * 200_000), "header_not_json"), (prefixed(b'{"a":' + b"9" * 9000 + b"}"), "header_not_json"),
    (header({"a": entry([2**62, 4], 0, 8)}), "size_mismatch"), (header({"a": entry([2**63], 0, 8)}), "bad_shape"),
    (header({"a": entry([-1], 0, 8)}), "bad_shape"), (header({"a": entry([1.5], 0, 8)}), "bad_shape"), (header({"a": entry([True] * 4, 0, 8)}), "bad_shape"),
    (header({"a": entry([1] * 99, 0, 2)}), "bad_shape"), (header({"a": entry([4], 0, 8), "b": entry([4], 4, 12)}), "overlapping_offsets"),
    (header({"a": entry([4], 0, 8), "b": entry([4], 16, 24)}), "gap_in_offsets"), (header({"a": entry([4], 0, 2**70)}), "offset_out_of_range"),
    (header({"a": entry([4], 8, 0)}), "offset_out_of_range"), (header({"a": entry([4], 0, 8, "X")}), "bad_tensor"), (header({"a": [1]}), "bad_tensor"),
    (header({"a": entry([4], 0, 8, ["F16"])}), "bad_tensor"), (header({"a" * 2000: entry([4], 0, 8)}), "name_too_long"), (header({"__metadata__": 7}), "bad_metadata"),
]  # fmt: skip
GGUF = [
    (b"GGUF", "header_past_end"), (b"GGML" + bytes(64), "not_gguf"), (b"GGUF" + struct.pack("<IQQ", 9, 0, 0), "unknown_version"),
    (b"GGUF" + struct.pack("<IQQ", 3, 2**63, 0), "too_many_entries"), (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**63), "too_many_entries"),
    (b"GGUF" + struct.pack("<IQQ", 3, 99_999, 0), "header_past_end"), (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**62), "string_too_long"),
    (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<IIQ", 9, 8, 2**62), "too_many_entries"),
    (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<IIQ", 9, 10, 2**62), "header_past_end"),
    (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<IIQ", 9, 9, 2), "bad_metadata"),
    (gguf({"general.alignment": 0}, []), "bad_metadata"), (gguf({}, [("t", (2**40,), 0, 0)]), "offset_out_of_range"),
    (gguf({}, [("t", (2**60,), 0, 0)]), "bad_shape"), (gguf({}, [("t", (1,) * 9, 0, 0)]), "bad_shape"), (gguf({}, [("t", (2**40, 2**40), 99, 0)]), "bad_shape"),
    (gguf({}, [("t", (33,), 2, 64)]), "size_mismatch"), (gguf({}, [("t", (64,), 0, 256)])[:-1], "offset_out_of_range"),
]  # fmt: skip
FLOAT = Persistent(("storage", Global("torch", "FloatStorage"), "0", "cpu", 4))


def rebuilt(*args: Any) -> bytes:
    return archive(plain({"w": Call(Global("torch._utils", "_rebuild_tensor_v2"), args)}), {"0": 16})


def renamed(data: bytes, old: bytes, new: bytes) -> bytes:
    return data.replace(old, new)


TORCH = [
    (b"\0" * 64, "not_pytorch"), (b"PK\3\4" + bytes(60), "bad_archive"), (archive({}.get("x"), {})[:-30], "bad_archive"), (pickled(7), "not_pytorch"),
    (archive(plain({"a": 1}), {}), "no_tensors"), (rebuilt(FLOAT, 0, (2**30, 2**30), (2**30, 1)), "size_mismatch"),
    (rebuilt(FLOAT, 0, (-4,), (1,)), "bad_shape"), (rebuilt(FLOAT, 0, (1,) * 40, (1,) * 40), "bad_shape"), (rebuilt(FLOAT, 0, (2,), (1, 1)), "bad_shape"),
    (rebuilt(FLOAT, 3, (4,), (1,)), "size_mismatch"), (rebuilt(FLOAT, 0, ("x",), (1,)), "bad_shape"), (rebuilt(Persistent("0"), 0, (2,), (1,)), "bad_storage"),
    (archive(plain({"w": tensor("0", (4,))}), {"0": 15}), "size_mismatch"), (archive(plain({"w": tensor("1", (4,))}), {"0": 16}), "storage_missing"),
    (archive(plain({"w": tensor("0", (4,))}), {}), "storage_missing"), (legacy(plain({"w": tensor("0", (2**30,), legacy=True)}), ["0"], 64), "truncated"),
    (legacy(plain({"w": tensor("0", (4,))}), ["0"], 64)[:150], "bad_pickle"), (pickled(0x1950A86A20F9469CFC6C) + pickled(7), "unknown_version"),
    (renamed(archive(plain({"w": tensor("0", (4,))}), {"0": 16}), b"data.pkl", b"data.pkx"), "not_pytorch"),
]  # fmt: skip
DEEP = b""
for _depth in range(40):
    DEEP = block(1, block(5, block(6, DEEP)))
ONNX = [
    (b"", "not_onnx"), (number(1, 8), "not_onnx"), (b"\xff" * 30, "bad_varint"), (number(1, 8) + b"\x3a" + b"\xff" * 9 + b"\x01", "length_past_end"),
    (onnx(b"")[:-1], "length_past_end"), (onnx(b"\x2a\x7f\x08\x01"), "length_past_end"), (onnx(block(5, b"\x4a\xff\xff\xff\xff\x0f")), "length_past_end"),
    (onnx(b"\x2b"), "bad_wire_type"), (onnx(b"\x00\x00"), "bad_field"), (onnx(number(5, 1)), "bad_wire_type"), (onnx(block(5, number(1, 2**63))), "bad_shape"),
    (onnx(initializer("w", [2**20, 2**20, 2**20])), "bad_shape"), (onnx(initializer("w", [1] * 40)), "bad_shape"), (onnx(initializer("w", [4], raw=15)), "size_mismatch"),
    (onnx(initializer("w", [2**40])), "size_mismatch"), (onnx(block(5, block(1, b"\x80" * 20))), "bad_varint"), (onnx(DEEP), "nested_too_deep"),
    (onnx(initializer("w", [4], extra=block(13, block(1, "location") + block(2, "/etc/passwd")))), "external_outside"),
    (onnx(initializer("w", [4], extra=block(13, block(1, "location") + block(2, "a")) + block(13, block(1, "offset") + block(2, "x")))), "bad_external"),
    (onnx(port(11, "x", 1, [1] * 99)), "bad_shape"), (varint(7 << 3 | 2) + varint(3) + b"\x08", "length_past_end"),
]  # fmt: skip
ALL = [
    (name, *case)
    for name, cases in (("m__safetensors", SAFETENSORS), ("m__gguf", GGUF), ("pytorch_model__bin", TORCH), ("m__onnx", ONNX))
    for case in cases
]


@pytest.mark.parametrize(("name", "data", "code"), ALL)
def test_what_is_damaged_gives_its_code(name: str, data: bytes, code: str) -> None:
    found = measured(**{name: data})
    assert (codes(found), found["parameters"], found["complete"]) == ([code], None, False)


def test_all_of_them_pass_through_the_confined_process() -> None:
    files = [named(f"{place}.{name.partition('__')[2]}", data) for place, (name, data, _code) in enumerate(ALL)]
    read = isolation.run("inspection.weights:read_each", {}, files=files)
    assert [report["error"] for report in read.values()] == [code for _name, _data, code in ALL]


def sparse(path: str, size: int, head: bytes) -> File:
    """Return a file of `size` bytes, zeros after its head."""
    return File(path, size, lambda start, end: head[start:end] + bytes(max(0, min(end, size) - max(start, len(head)))))


def nested_lists(size: int) -> bytes:
    return b"[" + b"[]," * (size // 3) + b"[]]"


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (sparse("m.safetensors", 2 * GIGABYTE, struct.pack("<Q", 100_000_000) + b"{"), "header_too_long_to_show"),
        (sparse("m.safetensors", 2 * GIGABYTE, struct.pack("<Q", 2**60)), "header_too_long"),
        (named("m.safetensors", prefixed(b'{"a":"' + b"x" * 11_999_000 + b'"}')), "bad_tensor"),
        (named("m.safetensors", prefixed(nested_lists(11_900_000))), "header_not_json"),
        (sparse("m.gguf", 2 * GIGABYTE, b"GGUF" + struct.pack("<IQQ", 3, 100_000, 10_000)), "overlapping_offsets"),
        (sparse("m.gguf", 2 * GIGABYTE, b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<IIQ", 9, 8, 4_000_000)), ""),
        (sparse("m.onnx", 2 * GIGABYTE, number(1, 8) + block(7, b"")[:1] + varint(GIGABYTE)), "bad_field"),
        (named("m.onnx", onnx(block(1, b"") * 2_100_000)), "too_many_fields"),
        (named("m.pt", archive(plain({"w": 1}), {str(key): 0 for key in range(3_000)})), "no_tensors"),
        (named("m.pt", pickled(0x1950A86A20F9469CFC6C) + b"\x80\x02" + b"](" * 2_000_000), "pickle_stack"),
    ],
)  # fmt: skip
def test_memory_and_time_stay_bounded(file: File, code: str) -> None:
    found = isolation.run("inspection.weights:measure", {}, files=[file])
    assert codes(found) == ([code] if code else [])


def test_a_packed_pickle_that_swells_is_cut() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/data.pkl", b"\x80\x02" + b"N" * (64 << 20))
    assert codes(isolation.run("inspection.weights:measure", {}, files=[named("m.pt", out.getvalue())])) == ["pickle_too_long"]


def test_a_directory_of_a_zip_that_claims_gigabytes_is_not_read() -> None:
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 9, 9, 2**31, 0, 0)
    file = File(
        "m.pt", 4 * GIGABYTE, lambda start, stop: (b"PK\3\4" + bytes(60))[start:stop] if start < 64 else (bytes(stop - start - 22) + end)
    )
    assert codes(isolation.run("inspection.weights:measure", {}, files=[file])) == ["directory_too_long"]
