"""One contract for every store, run against a folder and against a real S3 server on loopback."""

import hashlib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repos.backends.base import Store, StoreError
from repos.backends.files import FileStore
from repos.backends.s3 import S3Store

MIB = 1 << 20
PARTS = {1: b"a" * (5 * MIB), 2: b"b" * 100}
WHOLE = PARTS[1] + PARTS[2]


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["file", "s3"])
def blob_store(request: Any, tmp_path: Path) -> Store:
    if request.param == "file":
        return FileStore(tmp_path / "blobs")
    store = S3Store("weights", endpoint=request.getfixturevalue("s3_server"), region=None, access_key="key", secret_key="secret")
    store.client.create_bucket(Bucket="weights")
    return store


def put_parts(store: Store, handle: str) -> dict[int, str]:
    """Send the parts as a client does: to the address the store gives, or into the file as the portal does."""
    etags: dict[int, str] = {}
    for number in (2, 1):
        address = store.part_address(handle, number, len(PARTS[number]))
        if address is None:
            path = store.local_path(handle)
            assert path is not None
            with open(path, "r+b") as file:
                file.seek((number - 1) * 5 * MIB)
                file.write(PARTS[number])
            etags[number] = ""
        else:
            request = urllib.request.Request(
                address.url, data=PARTS[number], method="PUT", headers={"Content-Type": "application/octet-stream", **address.headers}
            )
            with urllib.request.urlopen(request) as answer:
                etags[number] = answer.headers["ETag"]
    return etags


def test_parts_become_one_object_that_reads_by_range(blob_store: Store) -> None:
    handle = blob_store.begin("upload1", len(WHOLE))
    etags = put_parts(blob_store, handle)
    sealed = blob_store.seal(handle, etags)
    digest = hashlib.sha256(b"".join(blob_store.open(sealed))).hexdigest()
    assert digest == hashlib.sha256(WHOLE).hexdigest()
    location = blob_store.publish(handle, digest)
    assert b"".join(blob_store.open(location, 5 * MIB - 2, 5 * MIB + 2)) == b"aabb"
    assert b"".join(blob_store.open(location, 5)) == WHOLE[5:]
    assert b"".join(blob_store.open(location, 3, 3)) == b""


def test_seal_and_publish_may_be_repeated_after_a_crash(blob_store: Store) -> None:
    handle = blob_store.begin("upload2", len(WHOLE))
    etags = put_parts(blob_store, handle)
    assert blob_store.seal(handle, etags) == blob_store.seal(handle, etags)
    digest = hashlib.sha256(WHOLE).hexdigest()
    assert blob_store.publish(handle, digest) == blob_store.publish(handle, digest)


def test_small_bytes_are_kept_under_a_location_of_their_own(blob_store: Store) -> None:
    name = hashlib.sha256(b"x").hexdigest()
    first, second = blob_store.put(name, b"x"), blob_store.put(name, b"x")
    assert first != second
    blob_store.delete(first)
    blob_store.delete(first)
    assert b"".join(blob_store.open(second)) == b"x"
    with pytest.raises(StoreError) as caught:
        list(blob_store.open(first))
    assert (caught.value.code, caught.value.retry) == ("blob_missing", False)


def test_empty_object(blob_store: Store) -> None:
    handle = blob_store.begin("empty", 0)
    sealed = blob_store.seal(handle, {})
    assert b"".join(blob_store.open(sealed)) == b""


def test_abort_forgets_the_parts_and_may_be_repeated(blob_store: Store) -> None:
    handle = blob_store.begin("upload3", len(WHOLE))
    put_parts(blob_store, handle)
    blob_store.abort(handle)
    blob_store.abort(handle)
    with pytest.raises(StoreError):
        blob_store.seal(handle, {1: "x", 2: "y"})


def test_address_serves_the_bytes_with_the_name(blob_store: Store) -> None:
    location = blob_store.put("ab" * 32, b"weights")
    url = blob_store.url(location, filename="模型.bin", content_type="application/octet-stream", inline=False)
    if url is None:
        path = blob_store.local_path(location)
        assert path is not None and path.read_bytes() == b"weights"
    else:
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == b"weights"
            assert "%E6%A8%A1" in answer.headers["Content-Disposition"]


def test_file_store_stays_in_its_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        FileStore(tmp_path / "blobs").delete("../outside")


def test_parts_that_the_portal_sends_itself_become_one_object(blob_store: Store) -> None:
    handle = blob_store.begin("upload4", len(WHOLE))
    etags = {number: blob_store.send_part(handle, number, (number - 1) * 5 * MIB, PARTS[number]) for number in (2, 1, 2)}
    assert b"".join(blob_store.open(blob_store.seal(handle, etags))) == WHOLE


def test_a_local_file_is_taken_as_it_is_or_not_at_all(blob_store: Store, tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(WHOLE)
    with open(path, "rb") as file:
        handle = blob_store.take("upload5", file.fileno())
        assert blob_store.take("upload5", file.fileno()) == handle
    if isinstance(blob_store, S3Store):
        assert handle is None
        return
    assert handle is not None
    location = blob_store.publish(handle, hashlib.sha256(WHOLE).hexdigest())
    taken = blob_store.local_path(location)
    assert taken is not None and taken.stat().st_ino == path.stat().st_ino
    assert taken.stat().st_mode & 0o777 == 0o444


def test_a_file_that_is_open_for_writing_is_not_taken(tmp_path: Path) -> None:
    store, path = FileStore(tmp_path / "blobs"), tmp_path / "weights.bin"
    with open(path, "wb") as writer, open(path, "rb") as file:
        assert store.take("upload6", file.fileno()) is None
        writer.close()
        assert store.take("upload6", file.fileno()) == "incoming/upload6"


def test_a_file_without_a_name_is_not_taken(tmp_path: Path) -> None:
    store, path = FileStore(tmp_path / "blobs"), tmp_path / "weights.bin"
    path.write_bytes(b"x")
    with open(path, "rb") as file:
        path.unlink()
        assert store.take("upload7", file.fileno()) is None
