"""What was uploaded is being read when the worker is killed: another goes on where it stopped, and nobody waits for either."""

from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.live import Gallery, running
from tests.test_resilience import eventually, send, sha

pytestmark = [pytest.mark.process, pytest.mark.slow]

MIB = 1 << 20
FILES = 3000
CONFINED = "inspection.nursery"
BACKGROUND = "celery worker background@"


@pytest.fixture(scope="module")
def gallery() -> Iterator[Gallery]:
    with running() as started:
        yield started


def asked(gallery: Gallery, expression: str) -> str:
    """Return what an expression over the models of inspections prints in a shell of this gallery."""
    code = f"from assets.models import *; from inspection.models import *; print({expression})"
    return gallery.manage("shell", "--no-imports", "-c", code).strip().splitlines()[-1]


def steps(gallery: Gallery, api: str) -> dict[str, Any]:
    return {step["step"]: step for step in gallery.call("GET", f"{api}/inspections")["steps"]}


def uploaded(gallery: Gallery, api: str, path: str, data: bytes) -> dict[str, Any]:
    """Send a large file and return the operation that puts it at `path`."""
    [begun] = gallery.call("POST", f"{api}/uploads", {"files": [{"path": path, "size": len(data)}]})["uploads"]
    address = f"{api}/uploads/{begun['id']}"
    send(gallery, address, data, gallery.call("GET", address)["missing"])
    gallery.call("POST", f"{address}/finish")
    eventually(lambda: gallery.call("GET", address)["state"] == "finished")
    return {"op": "put", "path": path, "upload": begun["id"]}


def write(gallery: Gallery, api: str, operations: list[dict[str, Any]]) -> str:
    commit: str = gallery.call("POST", f"{api}/commits", {"branch": "main", "message": "files", "operations": operations})["sha"]
    return commit


def put(path: str, content: str) -> dict[str, str]:
    return {"op": "put", "path": path, "content": content, "encoding": "utf-8"}


def running_step(gallery: Gallery, api: str, name: str) -> dict[str, Any] | None:
    """Return a step that has something behind it and something before it."""
    step = steps(gallery, api)[name]
    far = step["progress"] or {"done": 0, "of": 0}
    assert step["state"] in ("waiting", "running"), "it was over before anybody could look"
    return step if step["state"] == "running" and 0 < far["done"] < far["of"] else None


def kill_background(gallery: Gallery) -> None:
    """End the worker that reads in the background at once; the processes it confined contents in go with it."""
    confined = gallery.part(CONFINED)
    assert confined
    gallery.kill(BACKGROUND)
    gone, left = psutil.wait_procs(confined, timeout=60)
    assert (len(gone), left) == (len(confined), [])


def test_scan_goes_on_where_the_killed_worker_stopped_and_uploads_do_not_wait_for_it(gallery: Gallery) -> None:
    api = gallery.create("scan")
    files = [put(f"f{number % 10}/{number}.txt", f"text {number}") for number in range(FILES)]
    commit = write(gallery, api, [*files, put("config.json", '{"auto_map": {"AutoModel": "m.M"}}')])
    eventually(lambda: running_step(gallery, api, "safety"))

    other = gallery.create("upload")
    write(gallery, other, [uploaded(gallery, other, "weights.bin", b"".join(sha(b"%d" % i).encode() for i in range(MIB // 64)))])
    assert running_step(gallery, api, "safety")

    kill_background(gallery)
    row = f"Inspection.objects.get(commit='{commit}', step='safety')"
    kept = int(asked(gallery, f"FileReport.objects.filter(step='safety', repository={row}.repository).count()"))
    assert 0 < kept < FILES

    done = eventually(lambda: (found := steps(gallery, api)["safety"])["state"] == "done" and found)
    counts = {"safe": FILES + 2, "caution": 1, "dangerous": 0, "unscanned": 0}
    assert (done["result"]["counts"], done["result"]["files"]) == (counts, {"config.json": "caution"})
    # What the last turn had to read was what the first had not kept.
    assert asked(gallery, f"{row}.job.result['progress'][1], {row}.job.turn") == f"{FILES + 3 - kept} 2"


def test_tables_go_on_with_the_split_that_the_killed_worker_was_copying(gallery: Gallery) -> None:
    api = gallery.create("tables", "datasets")
    large = b"number,text\n" + b"".join(b"%d,%s\n" % (number, sha(b"%d" % number).encode()) for number in range(600_000))
    commit = write(gallery, api, [put("train.csv", "number,text\n1,one\n"), uploaded(gallery, api, "test.csv", large)])
    sheets = f"Sheet.objects.filter(inspection__commit='{commit}')"
    eventually(lambda: gallery.call("GET", f"{api}/tables")["configs"])
    first = asked(gallery, f"{sheets}.get(split='train').pk")

    kill_background(gallery)
    eventually(lambda: steps(gallery, api)["tables"]["state"] == "done")
    assert asked(gallery, f"{sheets}.get(split='train').pk") == first
    assert (
        asked(gallery, f"list({sheets}.order_by('position').values_list('split', 'rows', 'error'))")
        == "[('train', 1, ''), ('test', 600000, '')]"
    )
    last = gallery.call("GET", f"{api}/tables/rows?split=test&offset=599999")
    assert last["total"] == 600_000
    parts = asked(gallery, f"sum(len(sheet.parts) for sheet in {sheets}), SheetObject.objects.filter(sheet__in={sheets}).count()").split()
    assert parts[0] == parts[1]


def test_of_two_commits_in_a_row_the_newest_wins(gallery: Gallery) -> None:
    api = gallery.create("row")
    gallery.kill(BACKGROUND)
    write(gallery, api, [put("evil.pkl", "cos\nsystem\n(S'id'\ntR.")])
    newest = write(gallery, api, [{"op": "delete", "path": "evil.pkl"}, put("config.json", "{}")])
    done = eventually(lambda: (found := gallery.call("GET", f"{api}/inspections"))["active"] is False and found)
    assert (done["commit"], {step["state"] for step in done["steps"]}) == (newest, {"done"})
    assert gallery.call("GET", api)["safety"] == "safe"
    repository = "Asset._base_manager.get(name='row').repository_id"
    older = f"{{str(row.state) for row in Inspection.objects.filter(repository={repository}).exclude(commit='{newest}')}}"
    # The step that the killed worker was at waits for its lease to end; then there is nothing left of it to do.
    eventually(lambda: asked(gallery, f"{older} <= {{'superseded', 'done'}}") == "True")
    assert gallery.call("GET", api)["safety"] == "safe"
