"""Processes die at the worst moment, the client goes on, and nothing is lost or left behind."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings

from jobs.models import LEASE
from tests.live import Answer, Gallery, running

pytestmark = [pytest.mark.process, pytest.mark.slow]

MIB = 1 << 20
PATIENCE = LEASE.total_seconds() + settings.CELERY_BEAT_SCHEDULE["sweep"]["schedule"] + 60
"""What a worker held when it was killed is due again after its lease and rung for by the next sweep; the rest is for processes to start."""


@pytest.fixture(scope="module")
def gallery() -> Iterator[Gallery]:
    with running(UPLOAD_PART_SIZE="8MiB") as started:
        yield started


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def eventually(question: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Return the first true answer, asking again through restarts."""
    end = time.monotonic() + seconds
    while True:
        try:
            if answer := question():
                return answer
        except (OSError, Answer):
            pass
        if time.monotonic() > end:
            raise AssertionError("it did not happen in time")
        time.sleep(0.1)


def send(gallery: Gallery, address: str, data: bytes, numbers: list[int]) -> None:
    for part in gallery.call("POST", f"{address}/parts", {"numbers": numbers})["addresses"]:
        piece = data[part["offset"] : part["offset"] + part["length"]]
        assert gallery.put_part(part, piece, sha(piece)) == 200


def rows(gallery: Gallery, expression: str) -> str:
    """Return what an expression over the models prints in a shell of this gallery."""
    code = f"from repos.models import *; from jobs.models import *; from assets.models import *; print({expression})"
    return gallery.manage("shell", "--no-imports", "-c", code).strip().splitlines()[-1]


def test_upload_survives_the_death_of_web_and_worker(gallery: Gallery) -> None:
    api = gallery.create("upload")
    data = b"".join(sha(b"%d" % i).encode() for i in range(5 * 8 * MIB // 64))
    [begun] = gallery.call("POST", f"{api}/uploads", {"files": [{"path": "weights.bin", "size": len(data)}]})["uploads"]
    address = f"{api}/uploads/{begun['id']}"
    send(gallery, address, data, [5, 2])

    stalled = gallery.call("POST", f"{address}/parts", {"numbers": [3]})["addresses"][0]
    connection = gallery.connection()
    connection.putrequest("PUT", stalled["url"].removeprefix(gallery.url))
    connection.putheader("X-Part-SHA256", sha(data[stalled["offset"] : stalled["offset"] + stalled["length"]]))
    connection.putheader("Content-Length", str(stalled["length"]))
    connection.endheaders()
    connection.send(data[stalled["offset"] : stalled["offset"] + MIB])
    gallery.kill("portal.web")
    connection.close()

    gallery.wait_until_ready()
    state = eventually(lambda: gallery.call("GET", address))
    assert (state["state"], state["missing"]) == ("open", [1, 3, 4])
    send(gallery, address, data, state["missing"])

    gallery.kill("celery worker")
    assert gallery.call("POST", f"{address}/finish")["state"] == "finishing"
    gallery.kill("portal.web")
    done = eventually(lambda: (found := gallery.call("GET", address))["state"] == "finished" and found)
    assert done["sha256"] == sha(data)

    operations = [{"op": "put", "path": "weights.bin", "upload": begun["id"]}]
    gallery.call("POST", f"{api}/commits", {"branch": "main", "message": "weights", "operations": operations})
    assert sha(gallery.fetch("/models/bench/upload/resolve/main/weights.bin")) == sha(data)
    assert rows(gallery, "Upload.objects.count(), Part.objects.count(), LargeObject.objects.count()") == "0 0 1"


def test_commit_is_whole_or_absent_when_the_web_server_dies(gallery: Gallery) -> None:
    api = gallery.create("commit")
    for round_number, wait in enumerate((0.05, 0.2, 0.4, 0.7)):
        parent = gallery.call("GET", f"{api}/commits?limit=1")["results"][0]["sha"]
        operations = [{"op": "put", "path": f"r{round_number}/f{i}.txt", "content": "x" * 200, "encoding": "utf-8"} for i in range(4000)]
        body = {"branch": "main", "parent": parent, "message": f"round {round_number}", "operations": operations}

        def attempt(body: dict[str, Any] = body) -> None:
            try:
                gallery.call("POST", f"{api}/commits", body)
            except (OSError, Answer):
                pass

        thread = threading.Thread(target=attempt)
        thread.start()
        time.sleep(wait)
        gallery.kill("portal.web")
        thread.join()
        gallery.wait_until_ready()
        try:
            gallery.call("POST", f"{api}/commits", body)
        except Answer as answer:
            assert (answer.status, answer.body["code"]) == (409, "head_moved")
        head = eventually(lambda: gallery.call("GET", f"{api}/commits?limit=1"))["results"][0]
        assert (head["message"].strip(), head["parents"]) == (f"round {round_number}", [parent])
    query = "Commit.objects.filter(repository_id=Asset._base_manager.get(name='commit').repository_id).count()"
    assert rows(gallery, query) == "5"
    files = (
        "Entry.objects.filter(branch__repository_id=Asset._base_manager.get(name='commit').repository_id, folder__startswith='r').count()"
    )
    assert rows(gallery, files) == "16000"


def test_ingest_is_finished_though_worker_and_redis_die(gallery: Gallery) -> None:
    api = gallery.create("ingest")
    card = "---\nlicense: mit\npipeline_tag: text-generation\n---\n# Ingest\n"
    operations = [{"op": "put", "path": "README.md", "content": card, "encoding": "utf-8"}]
    gallery.kill("celery worker")
    gallery.kill("redis-server")
    gallery.call("POST", f"{api}/commits", {"branch": "main", "message": "card", "operations": operations})
    gallery.kill("celery worker")
    asset = eventually(lambda: (found := gallery.call("GET", api))["licence"] == "mit" and found)
    assert asset["task"] == "text-generation"
    eventually(lambda: rows(gallery, "Job.objects.filter(kind='assets.ingest').exclude(state='done').count()") == "0")
