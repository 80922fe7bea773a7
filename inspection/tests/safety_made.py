"""Builders of hostile and harmless files for the tests of the safety scan."""

import io
import json
import struct
import tarfile
import zipfile
from typing import Any

from inspection.files import in_memory
from inspection.safety.findings import Scan
from inspection.safety.scan import scan_file


def scanned(path: str, data: bytes | str, **more: Any) -> Scan:
    return scan_file(in_memory(path, data.encode() if isinstance(data, str) else data), **more)


def codes(scan: Scan) -> list[str]:
    return [finding.code for finding in scan.findings]


def zipped(members: dict[str, bytes | str], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name) if method == zipfile.ZIP_STORED else name, data)
    return stream.getvalue()


def zip_link(name: str, target: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.create_system, entry.external_attr = 3, 0o120777 << 16
        archive.writestr(entry, target)
    return stream.getvalue()


def tarred(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for entry, data in members:
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, target
    return found


def number(value: int) -> bytes:
    data = b""
    while value > 0x7F:
        data, value = data + bytes([value & 0x7F | 0x80]), value >> 7
    return data + bytes([value])


def field(kind: int, *parts: bytes | str) -> bytes:
    """Return a protobuf field of bytes."""
    data = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return number(kind << 3 | 2) + number(len(data)) + data


def saved_model(*operations: str, in_function: bool = False) -> bytes:
    nodes = [field(1, "node") + field(2, name) for name in operations]
    graph = field(2, field(1, *(field(3, node) for node in nodes))) if in_function else b"".join(field(1, node) for node in nodes)
    return b"\x08\x01" + field(2, field(2, graph))


def graph(*operations: str) -> bytes:
    return b"".join(field(1, field(1, "node"), field(2, name)) for name in operations)


def onnx(location: str = "", domain: str = "") -> bytes:
    external = field(13, field(1, "location"), field(2, location)) if location else b""
    return b"\x08\x08" + field(8, field(1, domain)) + field(7, field(2, "graph"), field(5, field(8, "weight"), external))


def safetensors(header: dict[str, Any], data: bytes = b"") -> bytes:
    encoded = json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + data


TENSOR = safetensors({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"\0\0\0\0")


def gguf(**strings: str) -> bytes:
    data = b"GGUF" + struct.pack("<IQQ", 3, 0, len(strings) + 1)
    words = [struct.pack("<Q", 1) + b"a"] * 3
    data += struct.pack("<Q", 6) + b"tokens" + struct.pack("<IIQ", 9, 8, 3) + b"".join(words)
    for name, text in strings.items():
        key, value = name.replace("__", ".").encode(), text.encode()
        data += struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, len(value)) + value
    return data


def hdf5(*stretches: bytes) -> bytes:
    """Return what the scan sees of an HDF5 file: its signature, and attributes among other bytes."""
    return b"\x89HDF\r\n\x1a\n" + bytes(5) + b"\x08\x08" + bytes(100) + bytes(50).join(stretches) + bytes(500)


def lambda_layer(function: Any = None, name: str = "Lambda", **more: Any) -> dict[str, Any]:
    return {"class_name": name, "config": {"name": "hop", "function": function, **more}}


def keras(*layers: dict[str, Any]) -> str:
    return json.dumps({"class_name": "Functional", "config": {"name": "m", "layers": list(layers)}})


def notebook(*cells: dict[str, Any]) -> str:
    return json.dumps({"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def cell(source: str = "", kind: str = "code", **data: str) -> dict[str, Any]:
    output = {"output_type": "display_data", "data": {name.replace("__", "/").replace("_", "."): text for name, text in data.items()}}
    return {"cell_type": kind, "source": [source], "outputs": [output] if data else []}


def pe() -> bytes:
    return b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + bytes(200)


def png() -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 1, 1) + bytes(20)


def parquet(footer: bytes = b"schema") -> bytes:
    return b"PAR1" + bytes(20) + footer + struct.pack("<I", len(footer)) + b"PAR1"
