"""Archives that lie about what they hold, and bounds on those that hold too much."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from array import array

import pytest

from inspection.files import Unreadable, in_memory
from inspection.safety.budget import MOST_DEPTH, MOST_MEMBERS, Budget
from inspection.safety.inflating import inflated
from inspection.tests.safety_made import codes, entry, gguf, scanned, tarred, zipped
from inspection.tests.test_safety_kinds import EVIL

ZEROS = 300_000_000


def patched(data: bytes, sign: bytes, offset: int, value: bytes, which: int = 0) -> bytes:
    at = -1
    for _ in range(which + 1):
        at = data.index(sign, at + 1)
    return data[: at + offset] + value + data[at + offset + len(value) :]


def zeros(pack):
    return pack(bytes(10_000_000)) * (ZEROS // 10_000_000)


def deflated_zeros():
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = engine.compress(bytes(10_000_000)) + engine.flush(zlib.Z_FULL_FLUSH)
    return block * (ZEROS // 10_000_000) + engine.flush()


def zip_of_zeros(said: int = ZEROS) -> bytes:
    data = deflated_zeros()
    sizes = struct.pack("<II", len(data), said)
    local = b"PK\3\4" + struct.pack("<HHHHH", 20, 0, 8, 0, 0) + bytes(4) + sizes + struct.pack("<HH", 1, 0) + b"z" + data
    central = (
        b"PK\1\2" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 0) + bytes(4) + sizes + struct.pack("<HHHHHII", 1, 0, 0, 0, 0, 0, 0) + b"z"
    )
    return local + central + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)


@pytest.mark.parametrize(
    "made",
    [
        lambda: ("b.gz", zeros(gzip.compress)),
        lambda: ("b.bz2", zeros(bz2.compress)),
        lambda: ("b.xz", zeros(lambda data: lzma.compress(data, preset=0))),
        lambda: ("b.zip", zip_of_zeros()),
        lambda: ("b.zip", zip_of_zeros(said=10)),
        lambda: ("b.tar.gz", zeros(gzip.compress)),
    ],
    ids=["gzip", "bzip2", "xz", "declared in zip", "inflated in zip", "tar.gz"],
)
def test_bomb(made):
    scan = scanned(*made())
    assert (scan.verdict, scan.findings[0].code) == ("dangerous", "archive_bomb")


def test_sparse_tar_that_claims_terabytes():
    data = tarred((entry("huge"), b"x"))
    head = bytearray(data[:512])
    head[156:157] = b"S"
    head[483:495] = b"\x80" + (1 << 44).to_bytes(11, "big")
    head[148:156] = b"        "
    head[148:156] = b"%06o\0 " % sum(head)
    assert codes(scanned("a.tar", bytes(head) + data[512:])) == ["archive_bomb"]


def test_well_compressed_data_is_no_bomb():
    assert scanned("a.csv.gz", gzip.compress(b"a,b,c\n" * 1_000_000)).verdict == "safe"


def test_same_name_twice_is_named_and_both_are_read():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, pytest.warns(UserWarning):
        archive.writestr("data.pkl", EVIL)
        archive.writestr("data.pkl", b"\x80\x02N.")
    assert codes(scanned("m.pt", stream.getvalue())) == ["dangerous_global", "archive_duplicate"]


def test_same_name_twice_in_tar():
    assert codes(scanned("a.tar", tarred((entry("a"), b"x"), (entry("a"), b"y")))) == ["archive_duplicate"]


def test_member_that_no_directory_names():
    hidden, named = zipped({"b.pkl": EVIL}), zipped({"a.txt": "x"})
    cut = hidden[: hidden.index(b"PK\1\2")]
    shifted = patched(named, b"PK\5\6", 16, struct.pack("<I", len(cut) + named.index(b"PK\1\2")))
    shifted = patched(shifted, b"PK\1\2", 42, struct.pack("<I", len(cut)))
    assert codes(scanned("m.zip", cut + shifted)) == ["dangerous_global", "archive_hidden_member"]


def test_headers_that_disagree():
    assert codes(scanned("m.zip", patched(zipped({"a.txt": "x"}), b"PK\3\4", 30, b"b"))) == ["archive_headers_disagree"]


def test_overlapping_members():
    data = patched(zipped({"a.txt": "x" * 100, "b.txt": "y" * 100}), b"PK\1\2", 20, struct.pack("<II", 200, 200))
    assert "archive_overlap" in codes(scanned("m.zip", data))


def test_encrypted_members_are_not_judged():
    data = zipped({"a.txt": "x"})
    data = patched(patched(data, b"PK\3\4", 6, b"\1\0"), b"PK\1\2", 8, b"\1\0")
    scan = scanned("m.zip", data)
    assert (scan.verdict, codes(scan)) == ("unscanned", ["archive_encrypted"])


def test_pickle_flagged_as_encrypted_is_read_all_the_same():
    data = zipped({"a.pkl": EVIL})
    data = patched(patched(data, b"PK\3\4", 6, b"\1\0"), b"PK\1\2", 8, b"\1\0")
    assert codes(scanned("m.zip", data)) == ["dangerous_global", "archive_encrypted"]


def test_wrong_checksum_hides_nothing():
    data = patched(zipped({"a.pkl": EVIL}), b"PK\1\2", 16, b"\0\0\0\0")
    assert codes(scanned("m.zip", data)) == ["dangerous_global"]


def test_unknown_compression_is_not_judged():
    data = patched(patched(zipped({"a.txt": "x"}), b"PK\3\4", 8, b"\x09\0"), b"PK\1\2", 10, b"\x09\0")
    scan = scanned("m.zip", data)
    assert (scan.verdict, codes(scan), scan.findings[0].facts) == ("unscanned", ["archive_method"], {"method": 9})


def test_sizes_that_lie():
    data = zipped({"a.txt": "x" * 3_000_000}, zipfile.ZIP_DEFLATED)
    said = struct.pack("<I", 5)
    assert codes(scanned("m.zip", patched(patched(data, b"PK\3\4", 22, said), b"PK\1\2", 24, said))) == ["archive_sizes_lie"]


def test_zip64_and_descriptors_are_read():
    stream = io.BytesIO()

    class Pipe(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            return stream.write(data)

    with zipfile.ZipFile(Pipe(), "w") as archive, archive.open("a.pkl", "w", force_zip64=True) as member:
        member.write(EVIL)
    assert codes(scanned("m.zip", stream.getvalue())) == ["dangerous_global"]


def test_nesting_is_bounded():
    data = b"x"
    for _ in range(MOST_DEPTH + 1):
        data = zipped({"in.zip": data})
    scan = scanned("m.zip", data)
    assert (scan.verdict, codes(scan)) == ("unscanned", ["nested_too_deep"])


def test_zip_with_too_many_members():
    central = (b"PK\1\2" + struct.pack("<HHHHHH", 20, 20, 0, 0, 0, 0) + bytes(12) + struct.pack("<HHHHHII", 1, 0, 0, 0, 0, 0, 0) + b"a") * (
        MOST_MEMBERS + 1
    )
    data = b"PK\3\4" + bytes(26) + central + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, len(central), 30, 0)
    scan = scanned("m.zip", data)
    assert (scan.verdict, codes(scan)[0]) == ("unscanned", "too_many_members")


def test_stored_member_names_are_judged_in_the_members_own_header_too():
    data = zipped({"aa/bb": "x"})
    assert "archive_traversal" in codes(scanned("m.zip", patched(data, b"PK\3\4", 30, b"../bb")))


def test_compressed_data_may_not_come_out_beyond_the_limit():
    noise = bytes(range(256)) * 40_000
    scan = scanned("a.txt.gz", gzip.compress(noise), limit=1_000_000)
    assert (scan.verdict, codes(scan)) == ("unscanned", ["too_large"])


def test_pax_names_and_sizes_count():
    head = tarfile.TarInfo("short")
    head.pax_headers = {"path": "../../long"}
    assert codes(scanned("a.tar", tarred((head, b"x")))) == ["archive_traversal"]


def test_tar_of_ones_is_no_tar():
    assert scanned("a.tar", b"1" * 2000).verdict == "safe"


def test_large_member_is_inflated_again_where_it_is_read():
    tail = gguf(tokenizer__chat_template="{{ x.__class__ }}")
    data = tarred((entry("pad.csv"), b"a,b\n" * 12_000_000), (entry("m.gguf"), tail))
    assert [(finding.code, finding.where) for finding in scanned("a.tgz", gzip.compress(data, 1)).findings] == [
        ("template_escape", "m.gguf")
    ]


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_streams_that_follow_one_another(kind):
    pack = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}[kind]
    contents, found = inflated(in_memory("a", pack(b"one") + pack(b"") + pack(b"two")), kind, "a", Budget())
    assert (contents.read(0, 100), found) == (b"onetwo", [])


def test_ranges_of_large_contents_are_right():
    data = array("I", range(9_000_000)).tobytes()
    contents, found = inflated(in_memory("a", gzip.compress(data, 1)), "gzip", "a", Budget())
    assert (contents.size, found) == (36_000_000, [])
    for start, end in ((33_000_000, 33_000_020), (0, 9), (35_999_990, 36_000_100), (1_048_570, 1_048_590)):
        assert contents.read(start, end) == data[start:end]


def test_budget_is_one_for_all_members():
    budget = Budget(limit=10, inflated=10)
    budget.spend(10)
    with pytest.raises(Unreadable, match="too_large"):
        budget.spend(1)
