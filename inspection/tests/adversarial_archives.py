"""Archives that show one thing to a scanner and another to a loader; see `adversarial`."""

import gzip
import io
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Sequence

from inspection.tests.adversarial import evil, harmless, kind, npy, pickled, state_dict

STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
STORAGES = [("archive/version", b"3\n"), ("archive/byteorder", b"little"), ("archive/data/0", bytes(24)), ("archive/data/1", bytes(8))]


def zipped(members: Sequence[tuple[str, bytes]], *, method: int = STORED) -> bytes:
    """A zip of these members; names may come twice."""
    made = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(made, "w", method) as archive:
        for path, data in members:
            archive.writestr(zipfile.ZipInfo(path), data, method)
    return made.getvalue()


def torch_zip(pickle: bytes, *others: tuple[str, bytes], path: str = "archive/data.pkl", method: int = STORED) -> bytes:
    """An archive as `torch.save` writes it."""
    return zipped([(path, pickle), *STORAGES, *others], method=method)


def tarred(*members: tuple[str, bytes]) -> bytes:
    """A tar of these members."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for path, data in members:
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def patched(data: bytes, signature: bytes, offset: int, value: bytes, *, which: int = 0) -> bytes:
    """Return `data` with `value` written `offset` bytes behind the occurrence number `which` of a zip's `signature`."""
    at = -1
    for _ in range(which + 1):
        at = data.index(signature, at + 1)
    return data[: at + offset] + value + data[at + offset + len(value) :]


LOCAL, CENTRAL = b"PK\3\4", b"PK\1\2"


@kind("dangerous_global", "model.pt", walked=True)
def torch_archive() -> bytes:
    return torch_zip(evil())


@kind("dangerous_global", "model.safetensors", walked=True)
def torch_archive_under_another_name() -> bytes:
    return torch_zip(evil())


@kind("dangerous_global", "model.pt", walked=True)
def member_named_in_capitals() -> bytes:
    return torch_zip(evil(), path="ARCHIVE/DATA.PKL")


@kind("dangerous_global", "model.pt", walked=True)
def member_without_an_ending() -> bytes:
    return torch_zip(state_dict(), ("archive/constants", evil()))


@kind("dangerous_global", "model.pt", walked=True)
def member_with_an_ending_of_text() -> bytes:
    return torch_zip(state_dict(), ("archive/notes.txt", evil()))


@kind("dangerous_global", "model.pt", walked=True)
def member_twice_the_first_is_bad() -> bytes:
    return zipped([("archive/data.pkl", evil()), ("archive/data.pkl", state_dict()), *STORAGES])


@kind("dangerous_global", "model.pt", walked=True)
def member_twice_the_last_is_bad() -> bytes:
    return zipped([("archive/data.pkl", state_dict()), ("archive/data.pkl", evil()), *STORAGES])


@kind("dangerous_global", "model.pt", walked=True)
def member_in_a_storage() -> bytes:
    return zipped([("archive/data.pkl", state_dict()), ("archive/version", b"3\n"), ("archive/data/0", evil())])


@kind("dangerous_global", "model.pt", walked=True)
def checksum_wrong() -> bytes:
    return patched(patched(torch_zip(evil()), LOCAL, 14, b"\0\0\0\0"), CENTRAL, 16, b"\0\0\0\0")


@kind("dangerous_global", "model.pt", walked=True)
def flagged_as_encrypted() -> bytes:
    return patched(patched(torch_zip(evil()), LOCAL, 6, b"\1\0"), CENTRAL, 8, b"\1\0")


@kind("dangerous_global", "model.pt", walked=True)
def flagged_as_encrypted_in_its_own_header() -> bytes:
    return patched(torch_zip(evil()), LOCAL, 6, b"\1\0")


@kind("dangerous_global", "model.pt", walked=True)
def method_of_the_directory_is_a_lie() -> bytes:
    return patched(torch_zip(evil(), method=DEFLATED), CENTRAL, 10, struct.pack("<H", STORED))


@kind("dangerous_global", "model.pt", walked=True)
def method_of_its_own_header_is_a_lie() -> bytes:
    return patched(torch_zip(evil(), method=DEFLATED), LOCAL, 8, struct.pack("<H", STORED))


@kind("dangerous_global", "model.pt", walked=True)
def sizes_of_the_directory_are_a_lie() -> bytes:
    return patched(torch_zip(evil()), CENTRAL, 20, struct.pack("<LL", 4, 4))


@kind("dangerous_global", "model.pt", walked=True)
def names_disagree() -> bytes:
    made = zipped([("archive/data.txt", evil()), *STORAGES])
    return patched(made, LOCAL, 30, b"archive/data.pkl")


@kind("dangerous_global", "model.pt", walked=True)
def member_that_no_directory_names() -> bytes:
    shown, hidden = zipped([("archive/data.pkl", state_dict())]), zipped([("archive/data.pkl", evil())])
    first, second = hidden[: hidden.index(CENTRAL)], shown
    moved = patched(second, CENTRAL, 42, struct.pack("<L", len(first)))
    end = moved.index(b"PK\5\6")
    return first + moved[: end + 16] + struct.pack("<L", len(first) + shown.index(CENTRAL)) + moved[end + 20 :]


@kind("dangerous_global", "model.pt", walked=True)
def pickle_in_front_of_an_archive() -> bytes:
    return evil() + torch_zip(state_dict())


@kind("dangerous_global", "model.pt", walked=True)
def archive_behind_a_harmless_pickle() -> bytes:
    return state_dict() + torch_zip(evil())


@kind("dangerous_global", "model.pt", walked=True)
def archive_behind_other_bytes() -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(64) + torch_zip(evil())


@kind("dangerous_global", "weights.npz", walked=True)
def npz_with_objects() -> bytes:
    return zipped([("arr_0.npy", npy("|O", evil()))], method=DEFLATED)


@kind("dangerous_global", "weights.npz", walked=True)
def npz_member_that_is_a_pickle() -> bytes:
    return zipped([("arr_0.npy", evil())])


@kind("dangerous_global", "model.zip", walked=True)
def archive_in_an_archive() -> bytes:
    return zipped([("inner.zip", zipped([("deep.zip", torch_zip(evil()))]))], method=DEFLATED)


@kind("dangerous_global", "model.tar", walked=True)
def pickle_in_a_tar() -> bytes:
    return tarred(("model/weights.pkl", evil()))


@kind("dangerous_global", "model.tar.gz", walked=True)
def pickle_in_a_packed_tar() -> bytes:
    return gzip.compress(tarred(("model/weights", evil())), mtime=0)


@kind("dangerous_global", "model.pt", walked=True)
def legacy_tar_of_torch() -> bytes:
    return tarred(("sys_info", pickled(b"}", 2)), ("pickle", evil()), ("storages", pickled(b"K\0", 2)))


@kind("dangerous_global", "model.bin", walked=True)
def pickle_packed_twice() -> bytes:
    return gzip.compress(gzip.compress(evil(), mtime=0), mtime=0)


@kind("dangerous_global", "model.bin", walked=True)
def pickle_that_begins_like_gguf() -> bytes:
    return b"GGUF\3\0\0\0\0" + evil()[2:]


@kind("dangerous_global", "model.bin", walked=True)
def pickle_that_begins_like_a_table() -> bytes:
    return b"PAR1" + b"a" * 5000 + b"\n" + evil()[2:]


@kind("dangerous_global", "model.bin", walked=True)
def pickle_with_the_signature_of_hdf5() -> bytes:
    start = b"\x80\x04B" + struct.pack("<I", 600)
    return start + (b"a" * (512 - len(start)) + b"\x89HDF\r\n\x1a\n").ljust(600, b"\0") + b"0" + evil()[2:]


@kind("dangerous_global", "notes.txt", walked=True)
def pickle_under_the_name_of_a_text() -> bytes:
    return evil()


@kind("dangerous_global", "model.pkl", walked=True)
def pickle_of_text_that_names_late() -> bytes:
    return b"(V" + b"a" * 5000 + b"\n0cos\ngetenv\n(S'HOME'\ntR."


@kind("dangerous_global", "vocabulary.txt", walked=True)
def text_that_names_late() -> bytes:
    return b"(V" + b"a" * 5000 + b"\n0cos\ngetenv\n(S'HOME'\ntR."


@kind("unknown_global", "model.pt", verdict="caution", walked=True)
def archive_with_an_unknown_class() -> bytes:
    return torch_zip(pickled(b"cmodeling\nNet\n)\x81", 2))


@kind("torchscript_code", "model.pt", verdict="caution", walked=True)
def archive_of_torchscript() -> bytes:
    return torch_zip(state_dict(), ("archive/code/__torch__.py", b"class Net(Module):\n  pass\n"))


@harmless("pytorch_model.bin", walked=True)
def archive_of_torch() -> bytes:
    return torch_zip(state_dict())


@harmless("model.pt", walked=True)
def archive_of_torch_packed() -> bytes:
    return torch_zip(state_dict(), method=DEFLATED)


@harmless("weights.npz", walked=True)
def npz_of_numbers() -> bytes:
    return zipped([("weight.npy", npy("<f4", bytes(8))), ("bias.npy", npy("<i8", bytes(16)))], method=DEFLATED)


@harmless("model.tar.gz", walked=True)
def tar_of_weights() -> bytes:
    return gzip.compress(tarred(("model/pytorch_model.bin", torch_zip(state_dict())), ("model/README.md", b"# Gate\n")), mtime=0)


@harmless("vocabulary.txt", walked=True)
def words_that_begin_like_a_pickle() -> bytes:
    return b"cos\nsin\ntan\n"


@harmless("model.pkl", walked=True)
def plain_pickle_through_the_walk() -> bytes:
    return state_dict()
