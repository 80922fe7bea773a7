"""Contents made to exhaust a reader, in the confined process with its 512 MB: each gives its code, and the process lives."""

import gzip
import io
import json
import tarfile

import pytest

from inspection import isolation
from inspection.files import File, in_memory
from inspection.tests.safety_made import cell, hdf5, notebook
from inspection.tests.test_safety_archives import zeros, zip_of_zeros

HERE = "inspection.safety.scan:scan_files"


def sparse(path: str, size: int, **stretches: bytes) -> File:
    """Return a file of zeros with bytes at some places (`at_5=b"…"`), of which only what is read exists."""
    placed = {int(name.removeprefix("at_")): data for name, data in stretches.items()}

    def read(start: int, end: int) -> bytes:
        data = bytearray(min(end, size) - start)
        for at, part in placed.items():
            first, last = max(at, start), min(at + len(part), end)
            if first < last:
                data[first - start : last - start] = part[first - at : last - at]
        return bytes(data)

    return File(path, size, read)


def repeated(path: str, head: bytes, unit: bytes, count: int) -> File:
    """Return a file of a beginning and many times the same, made where it is read."""
    size = len(head) + count * len(unit)

    def read(start: int, end: int) -> bytes:
        if start < len(head):
            return head[start:end] + (read(len(head), end) if end > len(head) else b"")
        skip = (start - len(head)) % len(unit)
        wanted = min(end, size) - start
        return (unit * (-(-(wanted + skip) // len(unit))))[skip : skip + wanted]

    return File(path, size, read)


def million_members() -> File:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return repeated("many.tar", b"", stream.getvalue()[:512], 1_000_000)


CASES = {
    "JSON of 100 MB": (lambda: repeated("config.json", b"[", b"[],", 33_000_000), "too_large"),
    "notebook of 60 MB of lists": (lambda: repeated("n.ipynb", b"[", b"[],", 20_000_000), "out_of_memory"),
    "deep JSON": (lambda: in_memory("config.json", b'{"a":' * 1_000_000), "json_too_deep"),
    "tar of a million members": (million_members, "too_many_members"),
    "zip bomb": (lambda: in_memory("b.zip", zip_of_zeros()), "archive_bomb"),
    "gzip bomb": (lambda: in_memory("b.gz", zeros(gzip.compress)), "archive_bomb"),
    "HDF5 garbage": (lambda: in_memory("m.h5", hdf5(b"model_config", b'{"class_name": ?' * 20_000)), "keras_config_unreadable"),
    "header of safetensors of 2^60 bytes": (lambda: sparse("m.safetensors", 1 << 62, at_7=b"\x10{"), "broken_header"),
    "text of 3 GB": (lambda: repeated("a.csv", b"", b"a,b,c,d\n", 400_000_000), "too_large"),
    "Python of 8 MB": (lambda: repeated("a.py", b"x = [", b"1,", 4_000_000), None),
    "deep Python": (lambda: in_memory("a.py", b"-" * 500_000 + b"1"), None),
    "deep template": (lambda: in_memory("a.jinja", b"{{ " + b"(" * 100_000), "broken_template"),
    "template of 225 kB": (lambda: in_memory("a.jinja", b"{{ x.y }}" * 25_000), None),
    "XML of a million entities": (lambda: repeated("a.xml", b"<!DOCTYPE a [", b'<!ENTITY a "b">', 1_000_000), "xml_entity_bomb"),
    "tar with a header of 2^60 bytes": (lambda: in_memory("a.tar", _pax_of(1 << 60)), "broken_archive"),
    "YAML of 9 MB": (lambda: repeated("a.yaml", b"", b"a: &a [*a]\n", 900_000), "too_large"),
}  # fmt: skip


def _pax_of(size: int) -> bytes:
    head = bytearray(tarfile.TarInfo("a").tobuf(tarfile.USTAR_FORMAT))
    head[156:157], head[124:136] = b"x", b"\x80" + size.to_bytes(11, "big")
    head[148:156] = b"        "
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + bytes(1024)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_hostile_contents_have_a_code_within_the_memory(case):
    made, code = case
    taken = []
    after = in_memory("after.md", b"fine")
    count = isolation.run(
        HERE,
        {"limit": 2 << 30},
        files=[made(), after],
        limits=isolation.Limits(memory=512 << 20, cpu=120, wall=240),
        take=lambda data, facts: taken.append(json.loads(data)),
    )
    assert count == 2
    found = [finding["code"] for finding in taken[0]["findings"]]
    assert found[:1] == ([code] if code else []), taken[0]
    assert taken[1]["verdict"] == "safe"


def test_notebook_with_large_pictures_is_read():
    data = notebook(cell("x", image__png="A" * 20_000_000)).encode()
    taken = []
    isolation.run(
        HERE, {"limit": 2 << 30}, files=[in_memory("n.ipynb", data)], take=lambda data, facts: taken.append(json.loads(data)["verdict"])
    )
    assert taken == ["safe"]
