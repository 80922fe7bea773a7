"""Contents made to exhaust a reader, each with the function of the steps that reads it; one is read by `python -m inspection.tests.hostile N`."""

import json
import resource
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from inspection import isolation
from inspection.files import File, Unreadable, in_memory
from inspection.isolation import Limits
from inspection.tests.copying_made import parquet
from inspection.tests.test_safety_archives import zip_of_zeros
from inspection.tests.test_safety_malformed import repeated, sparse

MIB = 1 << 20
ENOUGH = Limits(cpu=300, wall=600.0)


class Case(NamedTuple):
    """What is read, by which function, and what is said of it: a code, or how many rows there are."""

    name: str
    read: Callable[[File], Any]
    file: Callable[[], File]
    said: Any


def scan(file: File) -> Any:
    """Return the code of the first finding of the safety scan."""
    taken: list[Any] = []
    isolation.run(
        "inspection.safety.scan:scan_files", {"limit": 2 << 30}, files=[file], limits=ENOUGH,
        take=lambda data, facts: taken.append(json.loads(data)),
    )  # fmt: skip
    return next((finding["code"] for finding in taken[0]["findings"]), "")


def weigh(file: File) -> Any:
    """Return the code of what is wrong with a file of weights."""
    return isolation.run("inspection.weights:read_each", {}, files=[file], limits=ENOUGH)[file.path]["error"]


def copied(form: str, limit: int = 64 * MIB) -> Callable[[File], Any]:
    """Return a function that says how many rows there are in the copy of a file, of which `limit` bytes are read."""

    def copy(file: File) -> Any:
        arguments = {"form": form, "options": {}, "limit": limit, "seconds": 250.0}
        return isolation.run("inspection.tables.copying:copy_split", arguments, files=[file], limits=ENOUGH, take=lambda data, facts: None)[
            "rows"
        ]

    return copy


def _footer() -> bytes:
    import pyarrow

    whole = parquet(pyarrow.table({"a": list(range(1000))}))
    return whole[:-8] + struct.pack("<I", 0x7FFFFFFF) + b"PAR1"


def _utf16() -> File:
    return repeated("a.csv", "\ufeffa,b\n".encode("utf-16-le"), "数,据\n".encode("utf-16-le") * 1000, 15_000)


CASES = [
    Case("header cut off", weigh, lambda: in_memory("m.safetensors", struct.pack("<Q", 1000) + b'{"a"'), "header_past_end"),
    Case("header of 2^60 bytes", weigh, lambda: sparse("m.safetensors", 1 << 62, at_7=b"\x10{"), "header_too_long"),
    Case("header of 2^60 bytes, scanned", scan, lambda: sparse("m.safetensors", 1 << 62, at_7=b"\x10{"), "broken_header"),
    # Above 8 MiB a row is taken apart character by character, the same way to its end.
    Case(
        "JSON of 100 MB", copied("json", 16 * MIB), lambda: repeated("a.json", b'[{"a": [', b"[[[[]]]],", 11_000_000), "too_large_to_read"
    ),
    Case("JSON of 100 MB, scanned", scan, lambda: repeated("config.json", b"[", b"[],", 33_000_000), "too_large"),
    Case("JSON of 100 MB in a line", copied("json"), lambda: repeated("a.jsonl", b'{"a": "', b"x" * 1000, 100_000), "no_rows"),
    Case("Parquet with a wrong footer", copied("parquet"), lambda: in_memory("a.parquet", _footer()), "wrong_footer"),
    Case("zip bomb", scan, lambda: in_memory("b.zip", zip_of_zeros()), "archive_bomb"),
    Case("CSV of NULs", copied("csv", 40 * MIB), lambda: repeated("a.csv", b"a,b\n", b"\0,\0\n", 20_000_000), 10_747_902),
    Case("CSV in UTF-16", copied("csv", 40 * MIB), _utf16, 5_242_878),
    Case(
        "CSV in gb18030",
        copied("csv", 40 * MIB),
        lambda: repeated("a.csv", b"a,b\n", "数,据\n".encode("gb18030") * 1000, 20_000),
        6_990_506,
    ),
]


def main(name: str) -> None:
    """Read one case, and print what was said and the largest memory of the confined process and of this one, in KiB."""
    case = next(case for case in CASES if case.name == name)
    try:
        said = case.read(case.file())
    except Unreadable as error:
        said = error.code
    isolation.leave()
    confined = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    # What getrusage says of this process counts the one that it was forked from as well.
    own = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    sys.stdout.write(json.dumps([said, confined, own]))


if __name__ == "__main__":
    main(sys.argv[1])
