from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.models import Job
from jobs.services import run
from repos import reading, upkeep
from repos.blobs import store
from repos.models import GitObject, LargeObject, Repository, Upload
from repos.operations import PutBytes, PutLarge
from repos.services import begin_upload, commit, delete_repository, store_bytes
from repos.tests.conftest import opened

pytestmark = pytest.mark.django_db


def beat() -> bool:
    return True


def age(**fields: Any) -> None:
    LargeObject.objects.update(**{name: timezone.now() - timedelta(days=days) for name, days in fields.items()})


def run_all() -> None:
    for job in Job.objects.active().exclude(kind="assets.ingest"):
        Job.objects.filter(pk=job.pk).update(due_at=timezone.now())
        run(job.pk)


def test_abandoned_upload_goes_with_its_parts(repository: Repository, alice: Any) -> None:
    upload = begin_upload(repository=repository, actor=alice, path="w.bin", size=100)
    path = store().local_path(upload.handle)
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert upkeep.expire_uploads(beat) == 1
    run_all()
    assert path is not None and not path.exists()


def test_referenced_object_is_never_quarantined(repository: Repository, alice: Any) -> None:
    commit(repository=repository, actor=alice, operations=[PutBytes("w.bin", b"weights")], message="x")
    Upload.objects.all().delete()
    age(created_at=400)
    assert upkeep.quarantine_unreferenced(beat) == 0


def test_unreferenced_object_waits_and_then_goes(repository: Repository, alice: Any) -> None:
    store_bytes(repository=repository, actor=alice, data=b"weights")
    age(created_at=2)
    assert upkeep.quarantine_unreferenced(beat) == 0, "a finished upload may still be committed"
    Upload.objects.all().delete()
    location = LargeObject.objects.get().location
    assert upkeep.quarantine_unreferenced(beat) == 1
    assert upkeep.remove_quarantined(beat) == 0
    age(quarantined_at=8)
    assert upkeep.remove_quarantined(beat) == 1
    run_all()
    path = store().local_path(location)
    assert path is not None and not path.exists()


def test_object_needed_again_comes_back_from_quarantine(repository: Repository, alice: Any) -> None:
    sha256 = store_bytes(repository=repository, actor=alice, data=b"weights")
    LargeObject.objects.get().quarantine()
    commit(repository=repository, actor=alice, operations=[PutLarge("w.bin", sha256)], message="x")
    assert LargeObject.objects.get().state == "stored"
    age(quarantined_at=30)
    assert upkeep.remove_quarantined(beat) == 0
    assert reading.read_all(reading.find(reading.resolve(repository), "w.bin")) == b"weights"


def test_deleted_repository_frees_space_only_after_quarantine(repository: Repository, alice: Any, settings: Any) -> None:
    commit(repository=repository, actor=alice, operations=[PutBytes("w.bin", b"weights")], message="x")
    assert delete_repository(repository=opened(repository), actor=alice)
    assert not delete_repository(repository=opened(repository), actor=alice)
    run_all()
    assert GitObject.objects.exists()
    Repository.objects.update(deleted_at=timezone.now() - timedelta(days=8))
    run_all()
    assert not GitObject.objects.exists()
    Upload.objects.all().delete()
    age(created_at=2)
    assert upkeep.quarantine_unreferenced(beat) == 1


def test_damaged_bytes_are_found_and_marked(repository: Repository, alice: Any, caplog: Any) -> None:
    good, bad = (store_bytes(repository=repository, actor=alice, data=data) for data in (b"good", b"bad!"))
    path = store().local_path(LargeObject.objects.get(pk=bad).location)
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(b"BAD!")
    age(verified_at=31)
    assert upkeep.verify_oldest(beat) == 2
    assert LargeObject.objects.get(pk=good).damaged_at is None
    assert LargeObject.objects.get(pk=bad).damaged_at is not None
    assert bad in caplog.text
    assert upkeep.verify_oldest(beat) == 0
