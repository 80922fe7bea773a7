"""What the headers of weights tell, hostile ones included."""

import io
import json
import struct
from typing import Any

import pytest
from PIL import Image

from repos.previews import Preview, preview

LIMIT = 10_000_000


def show(name: str, data: bytes, **options: Any) -> Preview:
    return preview(name, len(data), lambda start, end: data[start:end], limit=LIMIT, **options)


def picture(kind: str = "PNG", size: tuple[int, int] = (20, 10)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "#0a6852").save(buffer, kind)
    return buffer.getvalue()


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def weights(header: Any, body: bytes = b"") -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + body


# --- Weights -----------------------------------------------------------------------------------------------


def test_safetensors_lists_tensors_types_and_modules() -> None:
    data = weights(
        {
            "__metadata__": {"format": "pt"},
            "lm_head.weight": {"dtype": "F32", "shape": [1], "data_offsets": [16, 20]},
            "model.layers.0.up.weight": {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]},
            "model.layers.1.up.weight": {"dtype": "F16", "shape": [2, 2], "data_offsets": [8, 16]},
        },
        b"\0" * 20,
    )
    header = show("model.safetensors", data).body
    assert [tensor.name for tensor in header.tensors] == ["model.layers.0.up.weight", "model.layers.1.up.weight", "lm_head.weight"]
    assert header.parameters == 9
    assert header.dtypes == [("F16", 2, 8), ("F32", 1, 1)]
    assert header.modules == [("model.layers.*", 2, 8), ("lm_head", 1, 1)]
    assert header.metadata == [("format", "pt")]


ONE = {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\0" * 9, "too_short"),
        (struct.pack("<Q", 2**63) + b"{}", "header_too_long"),
        (struct.pack("<Q", 100_000_001) + b"{}", "header_too_long"),
        (struct.pack("<Q", 1_000) + b"{}", "header_past_end"),
        (weights(b"{not json"), "header_not_json"),
        (weights(b"[]" + b" " * 8), "header_not_json"),
        (weights(b"[" * 50_000), "header_not_json"),
        (weights(b'{"a": {}, "a": {}}'), "header_not_json"),
        (weights({"__metadata__": {"a": 1}}), "bad_metadata"),
        (weights({"a": {"dtype": "F16", "shape": [2]}}), "bad_tensor"),
        (weights({"a": {"dtype": "EVIL", "shape": [2], "data_offsets": [0, 4]}}), "bad_tensor"),
        (weights({"a": {"dtype": "F16", "shape": [-2], "data_offsets": [0, 4]}}, b"\0" * 4), "bad_shape"),
        (weights({"a": {"dtype": "F16", "shape": [2**64], "data_offsets": [0, 4]}}, b"\0" * 4), "bad_shape"),
        (weights({"a": {"dtype": "F16", "shape": [1] * 20, "data_offsets": [0, 2]}}, b"\0" * 4), "bad_shape"),
        (weights({"a": ONE | {"data_offsets": [-4, 0]}}, b"\0" * 4), "offset_out_of_range"),
        (weights({"a": ONE | {"data_offsets": [4, 0]}}, b"\0" * 4), "offset_out_of_range"),
        (weights({"a": ONE}, b"\0" * 3), "offset_out_of_range"),
        (weights({"a": ONE | {"shape": [3]}}, b"\0" * 4), "size_mismatch"),
        (weights({"a": ONE, "b": ONE | {"data_offsets": [2, 6]}}, b"\0" * 6), "overlapping_offsets"),
        (weights({"a": ONE, "b": ONE | {"data_offsets": [6, 10]}}, b"\0" * 10), "gap_in_offsets"),
    ],
)
def test_a_hostile_safetensors_header_is_named(data: bytes, reason: str) -> None:
    shown = show("m.safetensors", data)
    assert shown.kind == "none"
    assert shown.notes == [f"The header of this file is damaged ({reason}), so its tensors cannot be listed. You can still download it."]


def test_a_claim_of_gigabytes_reads_almost_nothing() -> None:
    asked = []

    def read(start: int, end: int) -> bytes:
        asked.append(end - start)
        return (struct.pack("<Q", 90_000_000) + b"{" * 100_000)[start:end]

    shown = preview("m.safetensors", 1_000_000_000, read, limit=LIMIT)
    assert shown.notes == ["The list of tensors is too long to be shown here. Download the file to use it."]
    assert sum(asked) == 8192 + 65_536


def gguf(metadata: bytes = b"", tensors: bytes = b"", *, version: int = 3, pairs: int = 0, total: int = 0) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, total, pairs) + metadata + tensors


def test_gguf_lists_metadata_and_tensors() -> None:
    metadata = text("general.architecture") + struct.pack("<I", 8) + text("llama")
    metadata += text("context") + struct.pack("<II", 4, 4096)
    metadata += text("flag") + struct.pack("<IB", 7, 1)
    metadata += text("tokens") + struct.pack("<IIQ", 9, 8, 20) + b"".join(text(f"t{n}") for n in range(20))
    metadata += text("scores") + struct.pack("<IIQ", 9, 6, 3) + struct.pack("<3f", 0.5, 1, 2)
    tensors = text("blk.0.attn.weight") + struct.pack("<IQQIQ", 2, 256, 2, 12, 0)
    header = show("m.gguf", gguf(metadata, tensors, pairs=5, total=1) + b"\0" * 320).body
    assert header.metadata == [
        ("GGUF", "3"),
        ("general.architecture", "llama"),
        ("context", "4096"),
        ("flag", "true"),
        ("tokens", "[20] t0, t1, t2, t3, t4, t5, t6, t7, …"),
        ("scores", "[3] 0.5, 1, 2"),
    ]
    assert [(tensor.name, tensor.dtype, tensor.shape, tensor.size) for tensor in header.tensors] == [
        ("blk.0.attn.weight", "Q4_K", (256, 2), 288)
    ]
    assert header.parameters == 512


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GGUF", "header_past_end"),
        (gguf(version=1), "unknown_version"),
        (gguf(version=50331648), "unknown_version"),
        (gguf(total=2**60), "too_many_entries"),
        (gguf(pairs=2**60), "too_many_entries"),
        (gguf(struct.pack("<Q", 2**40), pairs=1), "string_too_long"),
        (gguf(text("a") + struct.pack("<I", 99), pairs=1), "bad_metadata"),
        (gguf(text("a") + struct.pack("<IIQ", 9, 9, 1), pairs=1), "bad_metadata"),
        (gguf(text("a") + struct.pack("<IIQ", 9, 8, 2**50), pairs=1), "too_many_entries"),
        (gguf(text("a") + struct.pack("<IIQ", 9, 4, 2**50) + b"\0" * 64, pairs=1), "header_past_end"),
        (gguf(text("t") + struct.pack("<I", 200), total=1), "bad_shape"),
        (gguf(text("t") + struct.pack("<IQIQ", 1, 2**60, 0, 0), total=1), "bad_shape"),
        (gguf(text("t") + struct.pack("<IQIQ", 1, 2, 0, 2**60), total=1), "offset_out_of_range"),
        (gguf(text("t") + struct.pack("<IQIQ", 1, 64, 0, 0), total=1) + b"\0" * 64, "offset_out_of_range"),
        (gguf(text("t") + struct.pack("<IQIQ", 1, 16, 12, 0), total=1) + b"\0" * 64, "size_mismatch"),
        (gguf(text("t") + struct.pack("<IQIQ", 1, 4, 0, 3), total=1) + b"\0" * 64, "bad_alignment"),
        (gguf((text("t") + struct.pack("<IQIQ", 1, 16, 0, 0)) * 2, total=2) + b"\0" * 128, "overlapping_offsets"),
        (gguf(text("general.alignment") + struct.pack("<II", 4, 0), pairs=1), "bad_metadata"),
    ],
)
def test_a_hostile_gguf_header_is_named(data: bytes, reason: str) -> None:
    shown = show("m.gguf", data)
    assert shown.kind == "none"
    assert f"({reason})" in shown.notes[0]
