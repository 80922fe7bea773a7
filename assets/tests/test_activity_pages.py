"""The activity strip: states, results, polling that stops, beginning again, and who sees what of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from assets.models import Asset
from assets.tests.factories import finish_everything, finish_jobs, make_asset, read_for
from assets.tests.files import head, write
from assets.tests.inspected import EVIL, MODEL, PAGE, REST, judge, make_read, step_of, words
from core.testing import SIGN_IN, VIEWERS, People, api, assert_access, browser
from inspection.models import Inspection
from jobs.models import Job
from repos.operations import PutBytes

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


def make(people: People, visibility: str = "public", **more: Any) -> Asset:
    """Return `atelier/tiny` with files that nothing has read yet."""
    asset = make_asset(people.alice, people.atelier, name="tiny", visibility=visibility, **more)
    write(asset, people.alice, [PutBytes("evil.pkl", EVIL)])
    return read_for(people.alice, asset)


def page(user: Any, path: str = "", **headers: Any) -> str:
    response = browser(user).get(PAGE + path, **headers)
    assert response.status_code == 200, response.content[:300]
    return str(response.content.decode())


def steps(asset: Asset, user: Any = None, revision: str = "main") -> dict[str, Any]:
    answer = api(user).get(f"{REST}/inspections?revision={revision}").json()
    return {step["step"]: step for step in answer["steps"]}


def expect(*statuses: Any) -> dict[str, Any]:
    return dict(zip(VIEWERS, statuses, strict=True))


def get(path: str) -> Any:
    return lambda client: client.get(path)


def post(path: str, **data: Any) -> Any:
    return lambda client: client.post(path, data)


def states() -> list[Any]:
    return list(Inspection.objects.order_by("pk").values_list("step", "finished_at", "job"))


READS = [PAGE + path for path in ("/activity", "/activity/main", "/tensors")] + [REST + "/inspections", REST + "/memory", REST + "/tensors"]
AGAIN = {PAGE + "/inspect/main": 302, REST + "/inspections/safety": 202}


@pytest.mark.parametrize("visibility", ["private", "public"])
def test_reading_follows_the_right_to_see(people: People, visibility: str) -> None:
    make_read(people, MODEL, visibility=visibility)
    outside = 404 if visibility == "private" else 200
    for path in READS:
        surface = "rest" if path.startswith("/api") else "page"
        assert_access(people=people, surface=surface, expected=expect(outside, outside, *[200] * 5), request=get(path), state=states)


def test_headers_of_gated_models_are_for_those_who_may_use_them(people: People) -> None:
    make_read(people, MODEL, availability="on_application")
    for path in READS:
        surface = "rest" if path.startswith("/api") else "page"
        outside = 200 if "activity" in path or "inspections" in path else 403
        assert_access(people=people, surface=surface, expected=expect(outside, outside, *[200] * 5), request=get(path), state=states)
    assert steps_told(people.charlie) == {("", None)}
    assert ("84.4 K parameters", True) not in steps_told(people.charlie)
    assert api(people.charlie).get(REST).json()["headers"] is None
    html = page(people.charlie)
    assert "Fits 8 GB" not in html
    assert "layers · hidden" not in html


def steps_told(user: Any) -> set[tuple[str, Any]]:
    return {(step["summary"], step["result"]) for step in api(user).get(f"{REST}/inspections").json()["steps"]}


@pytest.mark.parametrize(("visibility", "outside"), [("private", 404), ("public", 403)])
def test_beginning_again_needs_the_right_to_upload(people: People, visibility: str, outside: int) -> None:
    make_read(people, {"evil.pkl": EVIL}, visibility=visibility)
    for path, done in AGAIN.items():
        rest = path.startswith("/api")
        expected = expect(outside if rest else SIGN_IN, outside, 403, done, done, done, done)
        assert_access(people=people, surface="rest" if rest else "page", expected=expected, request=post(path, step="safety"), state=states)


def test_strip_asks_again_while_something_is_read_and_stops_then(people: People) -> None:
    asset = make(people)
    for path in ("/files", "/activity/main", "/activity", ""):
        assert 'hx-trigger="every 3s"' in page(people.alice, path)
    assert "The files are being read." in page(None, "/files")
    finish_everything()
    for path in ("/files", "/activity/main", "/activity", ""):
        for headers in ({}, HTMX):
            assert "every 3s" not in page(people.alice, path, **headers)
    assert f"Commit {head(asset)[:7]}" in page(None, "/files")
    assert "1 dangerous file" in page(None, "/files")
    assert 'id="activity"' in page(None)


def test_last_answer_brings_the_marks_and_the_label_along(people: People) -> None:
    make(people)
    assert 'hx-target="#files"' not in page(None, "/activity/main", **HTMX)
    finish_everything()
    assert f'hx-get="{PAGE}/files/main" hx-trigger="load" hx-target="#files"' in page(None, "/activity/main", **HTMX)
    card = page(None, "/activity", **HTMX)
    assert '<hx-partial hx-target="#label"' in card
    assert '<hx-partial hx-target="#safety"' in card
    assert "The safety scan found dangerous files" in card


def test_steps_wait_from_the_moment_of_the_commit(people: People) -> None:
    asset = make(people)
    assert {found["state"] for found in steps(asset).values()} == {"waiting"}
    assert api().get(f"{REST}/inspections").json()["active"] is True
    finish_jobs()
    assert steps(asset)["safety"]["state"] == "waiting"
    finish_everything()
    found = steps(asset)
    assert (found["safety"]["state"], found["safety"]["summary"]) == ("done", "1 dangerous file")
    assert found["safety"]["result"]["files"] == {"evil.pkl": "dangerous"}
    assert (found["headers"]["state"], found["headers"]["summary"]) == ("done", "No weights that can be counted")
    assert api().get(f"{REST}/inspections").json()["active"] is False


def test_progress_is_shown_while_a_step_runs(people: People) -> None:
    asset = make_read(people, {"evil.pkl": EVIL})
    Inspection.objects.filter(step="safety").update(finished_at=None)
    job_of(asset).update(state="running", result={"progress": [3, 8]})
    found = steps(asset)["safety"]
    assert (found["state"], found["progress"]) == ("running", {"done": 3, "of": 8})
    html = page(None, "/files")
    assert '<progress class="info" value="3" max="8"' in html
    assert "3 of 8" in html


def job_of(asset: Asset) -> Any:
    """Return the job of the newest scan, as rows that can be changed."""
    return Job.objects.filter(pk=str(step_of(asset, "safety").job_id))


def fail(asset: Asset, error: str = "The object storage does not answer.") -> None:
    Inspection.objects.filter(step="safety").update(finished_at=None)
    job_of(asset).update(state="failed", error=error)


def test_failure_is_told_with_its_reason_and_a_button(people: People) -> None:
    asset = make_read(people, {"evil.pkl": EVIL})
    fail(asset)
    for path in ("/files", ""):
        html = page(people.bob, path)
        assert "Not everything could be read." in html
        assert "The object storage does not answer." in html
        assert f'action="{PAGE}/inspect/main"' in html
        assert "every 3s" not in html
    assert f'action="{PAGE}/inspect/main"' not in page(people.rita, "/files")
    assert (steps(asset)["safety"]["state"], steps(asset)["safety"]["error"]) == ("failed", "The object storage does not answer.")


def test_failed_step_begins_again_by_button(people: People) -> None:
    asset = make_read(people, {"evil.pkl": EVIL})
    fail(asset)
    response = browser(people.bob).post(f"{PAGE}/inspect/main", {"step": "safety", "from": "files"})
    assert (response.status_code, response["Location"]) == (302, f"{PAGE}/files/main")
    assert steps(asset)["safety"]["state"] == "waiting"
    assert browser(people.bob).post(f"{PAGE}/inspect/main", {"step": "safety"}).status_code == 409
    finish_everything()
    assert steps(asset)["safety"]["summary"] == "1 dangerous file"
    back = browser(people.bob).post(f"{PAGE}/inspect/main", {"step": "safety", "from": "card"})
    assert back["Location"] == PAGE


def test_what_was_found_stays_while_it_is_read_again(people: People) -> None:
    make_read(people, MODEL | {"evil.pkl": EVIL})
    for step in ("safety", "headers"):
        assert api(people.alice).post(f"{REST}/inspections/{step}").status_code == 202
    html = page(None)
    assert "2 layers · hidden 16" in html
    assert f"{PAGE}/files/main/evil.pkl" in html


@pytest.mark.parametrize("step", ["nonsense", "card", "tables"])
def test_unknown_step_is_not_found(people: People, step: str) -> None:
    make_read(people, {"evil.pkl": EVIL})
    answer = api(people.alice).post(f"{REST}/inspections/{step}")
    assert (answer.status_code, answer.json()["code"]) == (404, "inspection_not_found")
    assert browser(people.alice).post(f"{PAGE}/inspect/main", {"step": step}).status_code == 404


def test_commit_that_is_no_head_was_not_read(people: People) -> None:
    asset = make(people)
    old = head(asset)
    write(asset, people.alice, [PutBytes("a.txt", b"a")])
    finish_everything()
    html = page(people.alice, f"/files/{old}")
    assert "What these files hold was not read" in html
    assert "every 3s" not in html
    assert {found["state"] for found in steps(asset, revision=old).values()} == {"superseded"}
    assert {found["state"] for found in steps(asset, revision=head(asset)).values()} == {"done"}


def test_pages_work_without_script(people: People) -> None:
    make(people)
    html = page(people.alice, "/files")
    assert f'<a class="small" href="{PAGE}/files/main">Reload</a>' in html
    assert "Back to the files" in page(people.alice, "/activity/main")
    assert "Back to the introduction" in page(people.alice, "/activity")


def test_newer_commit_wins_though_the_older_job_ends_last(people: People) -> None:
    asset = make(people)
    finish_jobs()
    old = step_of(asset, "safety")
    write(asset, people.alice, [PutBytes("evil.pkl", b"plain text\n")])
    job_of(asset).update(due_at=timezone.now() + timedelta(hours=1))
    finish_everything()
    assert read_for(people.alice, asset).safety in ("safe", "unscanned", "caution")
    newest = read_for(people.alice, asset).safety
    late = {"verdict": "dangerous", "counts": {"dangerous": 1}, "files": {"evil.pkl": "dangerous"}}
    from inspection.registry import LISTENERS

    old.complete(late, 1)
    for listener in LISTENERS["safety"]:
        listener(old)
    assert read_for(people.alice, asset).safety == newest
    assert "The safety scan found dangerous files" not in page(None)
    assert "dangerous file" not in page(None, "/files")


def test_lost_worker_is_followed_by_one_that_reads_no_finished_file_again(people: People) -> None:
    asset = make(people)
    write(asset, people.alice, [PutBytes(f"{name}.pkl", EVIL + name.encode()) for name in "abc"])
    finish_jobs()
    row = step_of(asset, "safety")
    assert row.job is not None and row.job.claim()
    # What the dead worker had kept is told apart by a verdict that no scan of these bytes gives.
    for name in "ab":
        judge(asset, f"{name}.pkl", "caution", {"code": "odd_pickle", "severity": "caution", "where": "", "facts": {"why": "test"}})
    assert (step_of(asset, "safety").state, row.job in Job.objects.due()) == ("running", False)
    job_of(asset).update(due_at=timezone.now())
    finish_everything()
    row = step_of(asset, "safety")
    assert (row.state, row.job and row.job.turn) == ("done", 2)
    assert row.result["counts"] == {"dangerous": 2, "caution": 2, "unscanned": 0, "safe": 2}
    assert words(asset)["c.pkl"] == "dangerous"
