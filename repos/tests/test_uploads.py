import asyncio
import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import connections
from django.utils import timezone

from core.problems import Problem
from core.testing import person
from jobs.models import Job
from jobs.services import run
from repos import reading
from repos.blobs import store
from repos.models import LargeObject, Part, Repository, Upload
from repos.operations import PutUpload
from repos.services import begin_upload, cancel_upload, commit, confirm_part, create_repository, finish_upload, part_addresses
from repos.services.uploads import sign_part
from repos.tests.conftest import opened
from repos.transfer import ByteTransfer

pytestmark = pytest.mark.django_db(transaction=True)

MIB = 1 << 20
DATA = bytes(range(256)) * (10 * MIB // 256) + b"tail"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def send(
    path: str, data: bytes, *, digest: str | None = None, pieces: int = 3, method: str = "PUT", cut: int | None = None
) -> tuple[int, Any]:
    """PUT through the ASGI application as a client would, in several pieces; `cut` hangs up after so many."""

    async def talk() -> tuple[int, Any]:
        headers = [(b"x-part-sha256", (sha(data) if digest is None else digest).encode())]
        scope = {"type": "http", "method": method, "path": path, "headers": headers, "query_string": b""}
        talker = ApplicationCommunicator(ByteTransfer(None), scope)
        step = max(1, -(-len(data) // pieces))
        chunks = [data[i : i + step] for i in range(0, len(data), step)] or [b""]
        for index, chunk in enumerate(chunks):
            if index == cut:
                await talker.send_input({"type": "http.disconnect"})
                await talker.wait()
                return 0, None
            await talker.send_input({"type": "http.request", "body": chunk, "more_body": index < len(chunks) - 1})
        start = await talker.receive_output(10)
        body = await talker.receive_output(10)
        await talker.wait()
        return start["status"], json.loads(body["body"])

    return asyncio.run(talk())


def begin(repository: Repository, user: Any, data: bytes = DATA, path: str = "w.bin", **options: Any) -> Upload:
    return begin_upload(repository=repository, actor=user, path=path, size=len(data), **options)


def send_part(upload: Upload, number: int, data: bytes = DATA, **options: Any) -> tuple[int, Any]:
    [address] = part_addresses(upload=upload, numbers=[number])
    return send(address["url"], data[address["offset"] : address["offset"] + address["length"]], **options)


def send_all(upload: Upload, data: bytes = DATA) -> None:
    for number in range(upload.part_count, 0, -1):
        assert send_part(upload, number, data)[0] == 200


def code_of(call: Any) -> str:
    with pytest.raises(Problem) as caught:
        call()
    return caught.value.code


@pytest.fixture(autouse=True)
def small_parts(settings: Any) -> None:
    settings.UPLOAD_PART_SIZE = 4 * MIB


def test_parts_in_any_order_make_the_file(repository: Repository, alice: Any) -> None:
    upload = begin(repository, alice)
    assert upload.part_count == 3
    send_all(upload)
    done = finish_upload(upload=upload, actor=alice)
    assert (done.state, done.object_sha256) == ("finished", sha(DATA))
    commit(repository=repository, actor=alice, operations=[PutUpload("w.bin", done.pk)], message="weights")
    item = reading.find(reading.resolve(repository), "w.bin")
    assert (item.sha256, b"".join(reading.read(item))) == (sha(DATA), DATA)
    assert b"".join(reading.read(item, 5, 4 * MIB + 7)) == DATA[5 : 4 * MIB + 7]


def test_empty_file_needs_no_part(repository: Repository, alice: Any) -> None:
    done = finish_upload(upload=begin(repository, alice, b"", "empty.txt"), actor=alice)
    assert (done.state, done.object_sha256) == ("finished", sha(b""))


def test_part_may_be_sent_again_and_is_then_not_read_twice(repository: Repository, alice: Any) -> None:
    upload = begin(repository, alice)
    assert send_part(upload, 2) == send_part(upload, 2) == (200, {"number": 2, "sha256": sha(DATA[4 * MIB : 8 * MIB])})
    assert Part.objects.count() == 1


def test_part_with_other_content_after_confirmation_is_refused(repository: Repository, alice: Any) -> None:
    upload = begin(repository, alice)
    send_all(upload)
    status, answer = send_part(upload, 1, b"\xff" * len(DATA))
    assert (status, answer["code"]) == (409, "part_differs")
    assert finish_upload(upload=upload, actor=alice).object_sha256 == sha(DATA)


def test_wrong_part_digest_is_refused_and_the_part_stays_missing(repository: Repository, alice: Any) -> None:
    upload = begin(repository, alice)
    status, answer = send_part(upload, 1, digest="00" * 32)
    assert (status, answer["code"]) == (422, "part_sha256_mismatch")
    with pytest.raises(Problem) as caught:
        finish_upload(upload=upload, actor=alice)
    assert (caught.value.code, caught.value.extra["missing"]) == ("parts_missing", [1, 2, 3])


def test_short_long_and_unhashed_parts_are_refused(repository: Repository, alice: Any) -> None:
    upload = begin(repository, alice)
    url = part_addresses(upload=upload, numbers=[1])[0]["url"]
    assert [send(url, body)[1]["code"] for body in (b"short", b"x" * (4 * MIB + 1))] == ["wrong_part_size"] * 2
    assert send(url, DATA[: 4 * MIB], digest="")[1]["code"] == "bad_sha256"
    assert send(url, b"", method="GET")[0] == 405
    assert not Part.objects.exists()


def test_forged_or_foreign_address_is_refused(repository: Repository, alice: Any) -> None:
    upload = begin(repository, alice)
    token = sign_part(upload, 1)
    assert send(f"/transfer/parts/{token[:-2]}xx", DATA[: 4 * MIB])[1]["code"] == "bad_part_address"
    assert send("/transfer/parts/", b"")[0] == 403


def test_hung_up_client_leaves_nothing_confirmed(repository: Repository, alice: Any) -> None:
    upload = begin(repository, alice)
    send_part(upload, 1, cut=2)
    assert not Part.objects.exists()
    assert send_part(upload, 1)[0] == 200


def test_stated_hash_that_does_not_hold_fails_the_upload(repository: Repository, alice: Any) -> None:
    upload = begin(repository, alice, sha256="ab" * 32)
    send_all(upload)
    done = finish_upload(upload=upload, actor=alice)
    assert (done.state, done.error) == ("failed", "sha256_mismatch")
    assert not LargeObject.objects.exists()
    assert (
        code_of(lambda: commit(repository=repository, actor=alice, operations=[PutUpload("w.bin", done.pk)], message=""))
        == "upload_not_finished"
    )


def test_bytes_that_rot_before_the_end_are_noticed_without_a_stated_hash(repository: Repository, alice: Any) -> None:
    upload = begin(repository, alice)
    send_all(upload)
    path = store().local_path(upload.handle)
    assert path is not None
    with open(path, "r+b") as file:
        file.seek(5 * MIB)
        file.write(b"rot")
    done = finish_upload(upload=upload, actor=alice)
    assert (done.state, done.error) == ("failed", "sha256_mismatch")


def test_large_file_is_verified_by_a_job(repository: Repository, alice: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("repos.services.uploads.INLINE_SIZE", MIB)
    upload = begin(repository, alice)
    send_all(upload)
    assert finish_upload(upload=upload, actor=alice).state == "finishing"
    assert send_part(upload, 1)[1]["code"] == "upload_not_open"
    run(Job.objects.get(kind="repos.finish_upload").pk)
    upload.refresh_from_db()
    assert (upload.state, upload.object_sha256) == ("finished", sha(DATA))


@pytest.mark.parametrize("line", ["seal", "publish", "adopt"])
def test_verification_killed_at_any_line_is_finished_by_the_next_turn(
    repository: Repository, alice: Any, monkeypatch: Any, line: str
) -> None:
    class Killed(BaseException):
        pass

    def die(*_args: Any, **_options: Any) -> Any:
        raise Killed

    monkeypatch.setattr("repos.services.uploads.INLINE_SIZE", MIB)
    upload = begin(repository, alice)
    send_all(upload)
    finish_upload(upload=upload, actor=alice)
    job = Job.objects.get(kind="repos.finish_upload")
    with monkeypatch.context() as patch:
        target = "repos.services.uploads.adopt" if line == "adopt" else f"repos.backends.files.FileStore.{line}"
        patch.setattr(target, die)
        with pytest.raises(Killed):
            run(job.pk)
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now())
    run(job.pk)
    upload.refresh_from_db()
    assert (upload.state, upload.object_sha256) == ("finished", sha(DATA))
    assert Job.objects.get(pk=job.pk).state == "done"
    assert b"".join(store().open(LargeObject.objects.get().location)) == DATA


def test_same_content_is_stored_once(repository: Repository, alice: Any) -> None:
    locations = []
    for path in ("a.bin", "b.bin"):
        upload = begin(repository, alice, path=path)
        send_all(upload)
        finish_upload(upload=upload, actor=alice)
        locations.append(LargeObject.objects.get().location)
    assert locations[0] == locations[1]
    run(Job.objects.get(kind="repos.delete_bytes").pk)
    assert len([p for p in Path(str(store().local_path("x"))).parent.rglob("*") if p.is_file()]) == 1


def test_stored_content_is_not_asked_for_by_who_may_read_it(repository: Repository, alice: Any) -> None:
    upload = begin(repository, alice)
    send_all(upload)
    finish_upload(upload=upload, actor=alice)
    commit(repository=repository, actor=alice, operations=[PutUpload("w.bin", upload.pk)], message="weights")
    assert begin(repository, alice, path="again.bin", sha256=sha(DATA)).state == "finished"
    bob = person("bob")
    other = opened(create_repository(namespace=bob, actor=bob, files={}))
    assert begin(other, bob, sha256=sha(DATA)).state == "open"
    assert begin(other, bob, sha256=sha(DATA), readable=Repository.objects.filter(pk=repository.pk).values("pk")).state == "finished"
    assert code_of(lambda: begin_upload(repository=repository, actor=alice, path="x", size=1, sha256=sha(DATA))) == "size_mismatch"


def test_unfinished_upload_of_the_same_file_goes_on(repository: Repository, alice: Any) -> None:
    first = begin(repository, alice, sha256=sha(DATA))
    send_part(first, 2)
    again = begin(repository, alice, sha256=sha(DATA))
    assert (again.pk, list(again.parts.values_list("number", flat=True))) == (first.pk, [2])
    assert begin(repository, person("bob"), sha256=sha(DATA)).pk != first.pk


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"size": 500 * 10**9 + 1}, "file_too_large"),
        ({"size": -1}, "bad_size"),
        ({"path": "../x"}, "path_dots"),
        ({"sha256": "abc"}, "bad_sha256"),
    ],
)
def test_bad_upload_is_refused(repository: Repository, alice: Any, options: Any, code: str) -> None:
    assert code_of(lambda: begin_upload(repository=repository, actor=alice, **{"path": "x", "size": 1, **options})) == code
    assert not Upload.objects.exists()


@pytest.mark.parametrize("number", [0, 4, -1])
def test_part_outside_the_file_is_refused(repository: Repository, alice: Any, number: int) -> None:
    upload = begin(repository, alice)
    assert code_of(lambda: part_addresses(upload=upload, numbers=[number])) == "part_out_of_range"
    assert code_of(lambda: confirm_part(upload=upload, number=number, sha256="ab" * 32)) == "part_out_of_range"


def test_cancelled_upload_leaves_no_bytes(repository: Repository, alice: Any) -> None:
    upload = begin(repository, alice)
    send_part(upload, 1)
    path, url = store().local_path(upload.handle), "/transfer/parts/" + sign_part(upload, 2)
    cancel_upload(upload=upload, actor=alice)
    run(Job.objects.get(kind="repos.drop_parts").pk)
    assert path is not None and not path.exists()
    assert send(url, DATA[4 * MIB : 8 * MIB])[1]["code"] == "upload_not_found"


def test_finishing_waits_for_a_part_still_being_written(repository: Repository, alice: Any) -> None:
    upload = begin(repository, alice)
    send_all(upload)
    path = store().local_path(upload.handle)
    assert path is not None
    import fcntl

    from repos.backends.files import lock_range

    with open(path, "r+b") as busy:
        assert lock_range(busy.fileno(), fcntl.F_WRLCK, 0, 10)
        assert code_of(lambda: finish_upload(upload=upload, actor=alice)) == "parts_in_flight"
    assert finish_upload(upload=upload, actor=alice).state == "finished"


def test_two_finishes_at_once_make_one_object(repository: Repository, alice: Any) -> None:
    upload = begin(repository, alice)
    send_all(upload)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            mine = Upload.objects.select_related("repository").get(pk=upload.pk)
            opened(mine.repository)
            finish_upload(upload=mine, actor=alice)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    upload.refresh_from_db()
    assert (errors, upload.state, LargeObject.objects.count()) == ([], "finished", 1)
