"""Inputs and outputs where large objects stand in S3: fetched once, verified, gone on with after a crash."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.problems import Problem
from jobs.services import JobError
from repos.blobs import _store, store
from repos.models import LargeObject, Part, Upload
from repos.services import take_file
from toolchain.materials import collect, materialise, survey
from toolchain.tests.materials import FILES, WEIGHTS, contents, head_of, model_of, sha

pytestmark = pytest.mark.django_db
MIB = 1 << 20


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def folder(s3_server: str, settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.BLOB_STORE = f"s3://weights?endpoint={s3_server}"
    settings.AWS_ACCESS_KEY_ID = settings.AWS_SECRET_ACCESS_KEY = "key"
    store().client.create_bucket(Bucket="weights")  # type: ignore[attr-defined]
    yield tmp_path / "inputs"
    _store.cache_clear()


def kept(folder: Path) -> Path:
    return folder / ".objects" / sha(WEIGHTS)[:2] / sha(WEIGHTS)


def test_objects_are_fetched_once_and_shared_by_inputs(alice: Any, folder: Path) -> None:
    first = materialise(head_of(model_of(alice)), folder)
    assert contents(first.path) == FILES
    assert (first.linked, first.copied) == (4, 5)
    LargeObject.objects.filter(pk=sha(WEIGHTS)).update(location="objects/gone")
    second = materialise(head_of(model_of(alice, {"other.safetensors": WEIGHTS})), folder)
    assert (
        (second.path / "other.safetensors").stat().st_ino == (first.path / "model.safetensors").stat().st_ino == kept(folder).stat().st_ino
    )
    assert kept(folder).stat().st_mode & 0o777 == 0o444


def test_what_was_fetched_before_a_crash_is_gone_on_with_and_verified(alice: Any, folder: Path) -> None:
    revision = head_of(model_of(alice))
    part = kept(folder).with_name(f"{sha(WEIGHTS)}.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(WEIGHTS[:1000])
    assert contents(materialise(revision, folder).path) == FILES
    assert not part.exists()


def test_what_a_crash_left_damaged_is_fetched_again(alice: Any, folder: Path) -> None:
    revision = head_of(model_of(alice))
    part = kept(folder).with_name(f"{sha(WEIGHTS)}.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 1000)
    with pytest.raises(Problem) as caught:
        materialise(revision, folder)
    assert caught.value.code == "content_damaged"
    assert part.read_bytes() == b""
    assert contents(materialise(revision, folder).path) == FILES


def test_an_object_that_is_not_in_the_bucket_is_said_so(alice: Any, folder: Path) -> None:
    revision = head_of(model_of(alice))
    LargeObject.objects.filter(pk=sha(WEIGHTS)).update(location="objects/gone")
    with pytest.raises(Problem) as caught:
        materialise(revision, folder)
    assert caught.value.code == "content_missing"


def test_a_store_that_does_not_answer_is_tried_again_later(alice: Any, folder: Path, settings: Any) -> None:
    revision = head_of(model_of(alice))
    settings.BLOB_STORE = "s3://weights?endpoint=http://127.0.0.1:9"
    with pytest.raises(JobError) as caught:
        materialise(revision, folder)
    assert (str(caught.value), caught.value.retry) == ("store_unreachable", True)


def test_an_output_is_sent_in_parts_and_committed(alice: Any, folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    output.mkdir()
    data = os.urandom(9 * MIB)
    (output / "model.safetensors").write_bytes(data)
    asset = model_of(alice, {})
    collect(survey(output), asset=asset, actor=alice, message="Result", key="training-1-1")
    assert contents(materialise(head_of(asset), folder).path) == {"model.safetensors": data}
    assert b"".join(store().open(LargeObject.objects.get(pk=sha(data)).location)) == data


def test_parts_that_arrived_before_a_crash_are_not_sent_again(alice: Any, folder: Path, tmp_path: Path, settings: Any) -> None:
    settings.UPLOAD_PART_SIZE = 5 * MIB
    data = os.urandom(11 * MIB)
    path = tmp_path / "weights.bin"
    path.write_bytes(data)
    repository, upload_id = model_of(alice, {}).open_repository(), UUID(int=7)

    def take(beat: Any = None) -> Upload:
        with open(path, "rb") as file:
            return take_file(repository=repository, actor=alice, path="weights.bin", descriptor=file.fileno(), id=upload_id, beat=beat)

    assert take(lambda: False).state == Upload.State.OPEN
    first = Part.objects.get(upload=upload_id)
    assert take().state == Upload.State.FINISHED
    assert list(Part.objects.filter(upload=upload_id).order_by("number").values_list("number", flat=True)) == [1, 2, 3]
    assert Part.objects.get(upload=upload_id, number=1) == first
    assert take().object_sha256 == sha(data)
