"""What people and programs see of the safety scan: marks, reasons, seals, filters, notices, events."""

from typing import Any

import pytest

from accounts.models import Namespace, Notification
from accounts.models.webhooks import WebhookDelivery
from accounts.services import create_webhook
from assets.models import Asset
from assets.services.safety_news import tell_of_safety
from assets.tests.factories import finish_everything, hang_asset, read_for
from assets.tests.files import write
from assets.tests.inspected import EVIL, JUDGED, PAGE, REST, judge, make_read, step_of, words
from core.testing import People, api, assert_flat_queries, browser
from repos.operations import Delete, PutBytes

pytestmark = pytest.mark.django_db


@pytest.fixture
def judged(people: People) -> Asset:
    return make_read(people, JUDGED)


def page(user: Any, path: str = "") -> str:
    response = browser(user).get(PAGE + path)
    assert response.status_code == 200, response.content[:300]
    return str(response.content.decode())


def row(html: str, name: str) -> str:
    return next(part for part in html.split("<tr>") if f">{name}<" in part)


def test_every_file_has_the_verdict_of_the_scan(judged: Asset) -> None:
    assert words(judged) == {
        ".gitattributes": "safe", "README.md": "safe", "broken.pkl": "unscanned", "config.json": "caution", "evil.pkl": "dangerous",
        "notes.txt": "safe", "old/deep/state.pkl": "dangerous",
    }  # fmt: skip
    assert judged.safety == "dangerous"


def test_folder_lists_verdicts_and_a_folder_shows_the_worst_below_it(people: People, judged: Asset) -> None:
    html = page(people.charlie, "/files")
    assert "badge-danger" in row(html, "evil.pkl")
    assert "badge-danger" in row(html, "old")
    assert "Caution" in row(html, "config.json")
    assert "No risks found" in row(html, "notes.txt")
    assert "badge-danger" in row(page(people.charlie, "/files/main/old"), "deep")


def test_unscanned_file_says_so_and_is_never_green(people: People, judged: Asset) -> None:
    listed = row(page(None, "/files"), "broken.pkl")
    assert "Not scanned" in listed
    assert "shield-check" not in listed
    assert "mark-safe" not in listed
    assert "This file was not scanned" in page(None, "/files/main/broken.pkl")


def test_new_file_is_unscanned_until_it_was_read(people: People, judged: Asset) -> None:
    write(judged, people.alice, [PutBytes("new.pkl", EVIL[:12])])
    assert "Not scanned" in row(page(None, "/files"), "new.pkl")


def test_file_page_gives_the_reasons_and_their_place(people: People, judged: Asset) -> None:
    html = page(None, "/files/main/evil.pkl")
    assert "This file is dangerous: do not load it" in html
    assert "Loading this pickle reaches os.system" in html
    assert "byte 12" in html
    assert "Look at this file before you use it" in page(None, "/files/main/config.json")
    assert "No risks found" in page(None, "/files/main/notes.txt")


def test_search_by_name_shows_marks(people: People, judged: Asset) -> None:
    assert "badge-danger" in row(page(None, "/files/main?f=state"), "old/deep/state.pkl")


def test_reports_of_a_virus_scanner_weigh_more_than_ours(people: People, judged: Asset) -> None:
    from inspection.services import keep_reports
    from inspection.sources import content_of
    from repos import reading

    item = reading.find(reading.resolve(judged.open_repository()), "notes.txt")
    found = {"code": "virus", "severity": "danger", "where": "", "facts": {"name": "Eicar"}}
    report = {"verdict": "dangerous", "findings": [found]}
    keep_reports(step="safety", repository=judged.repository, found={(content_of(item), "virus"): ("dangerous", report)})
    assert words(judged)["notes.txt"] == "dangerous"


def test_seal_and_notice_name_the_dangerous_files(people: People, judged: Asset) -> None:
    html = page(None)
    assert "seal-dangerous" in html
    assert f"{PAGE}/files/main/evil.pkl" in html
    assert f"{PAGE}/files/main/old/deep/state.pkl" in html
    assert "Loading this pickle reaches os.system" in html
    assert "seal-dangerous" in browser().get("/models").content.decode()


def test_notice_goes_with_the_files(people: People, judged: Asset) -> None:
    write(judged, people.alice, [Delete("evil.pkl"), Delete("old/deep/state.pkl")])
    finish_everything()
    assert read_for(people.alice, judged).safety == "caution"
    assert "seal-dangerous" not in page(None)
    assert "The safety scan found dangerous files" not in page(None)


def test_reasons_are_for_those_who_may_read_the_file(people: People) -> None:
    make_read(people, JUDGED, availability="on_application")
    html = page(people.charlie)
    assert "seal-dangerous" in html
    assert "os.system" not in html
    assert "badge-danger" in row(page(people.charlie, "/files"), "evil.pkl")
    found = api(people.charlie).get(f"{REST}/files/main/evil.pkl").json()["safety"]
    assert found == {"verdict": "dangerous", "findings": []}
    assert api(people.rita).get(f"{REST}/files/main/evil.pkl").json()["safety"]["findings"][0]["code"] == "dangerous_global"


def test_rest_tells_the_verdict_of_the_asset_and_of_files(people: People, judged: Asset) -> None:
    assert api().get(REST).json()["safety"] == "dangerous"
    listed = {item["path"]: item["safety"] for item in api().get(f"{REST}/files").json()["results"]}
    assert listed["old"] is None
    assert listed["notes.txt"] == {"verdict": "safe", "findings": []}
    assert listed["evil.pkl"] == {
        "verdict": "dangerous",
        "findings": [
            {
                "code": "dangerous_global", "severity": "danger", "where": "",
                "detail": "Loading this pickle reaches os.system, with which it can run anything. Do not load it; ask for safetensors.",
            }
        ],
    }  # fmt: skip
    whole = {item["path"]: item["safety"]["verdict"] for item in api().get(f"{REST}/files?recursive=true").json()["results"]}
    assert whole["old/deep/state.pkl"] == "dangerous"


def test_lists_filter_by_safety_on_pages_and_in_rest(people: People, judged: Asset) -> None:
    hang_asset(people.alice, name="quiet", safety="safe")
    hang_asset(people.alice, name="new")
    assert [found["repo_id"] for found in api().get("/api/v1/models?safety=dangerous").json()["results"]] == ["atelier/tiny"]
    both = api().get("/api/v1/models?safety=safe&safety=unscanned&sort=name").json()["results"]
    assert [found["repo_id"] for found in both] == ["alice/new", "alice/quiet"]
    assert api().get("/api/v1/models?safety=green").status_code == 400
    facets = {facet.name: [option[:3] for option in facet.options] for facet in browser().get("/models").context["catalogue"].facets}
    assert sorted(facets["safety"]) == [("dangerous", "Dangerous", 1), ("safe", "No risks found", 1), ("unscanned", "Not scanned", 1)]


def test_marks_cost_the_same_for_any_number_of_files(people: People, judged: Asset) -> None:
    names = iter(range(100))

    def add() -> None:
        name = f"more-{next(names)}.txt"
        write(judged, people.alice, [PutBytes(name, name.encode())])
        judge(judged, name, "caution", {"code": "markup_script", "severity": "caution", "where": "", "facts": {"line": 1}})

    assert_flat_queries(f"{PAGE}/files", add)
    assert_flat_queries(f"{REST}/files", add)
    assert_flat_queries(f"{PAGE}/files/main?f=more", add)


def told(kind: str = "asset.dangerous") -> list[tuple[str, dict[str, Any]]]:
    return [(row.receiver.handle, row.facts) for row in Notification.objects.filter(kind=kind).order_by("pk").select_related("receiver")]


def test_maintainers_are_told_of_new_dangerous_files_once(people: People, judged: Asset) -> None:
    facts = {"asset": "atelier/tiny", "count": 2, "files": ["evil.pkl", "old/deep/state.pkl"]}
    assert sorted(told(), key=lambda one: one[0]) == [("alice", facts), ("mona", facts)]
    tell_of_safety(step_of(judged, "safety"))
    write(judged, people.alice, [PutBytes("notes.txt", b"other\n")])
    finish_everything()
    assert len(told()) == 2
    write(judged, people.alice, [PutBytes("third.pkl", EVIL)])
    finish_everything()
    assert [facts["files"] for _handle, facts in told()[2:]] == [["third.pkl"], ["third.pkl"]]


def test_webhooks_hear_of_each_scan_once(people: People, django_capture_on_commit_callbacks: Any) -> None:
    place = Namespace.objects.for_user(people.alice).get(pk=people.atelier.pk)
    create_webhook(namespace=place, actor=people.alice, name="Ours", url="https://hooks.example.com/", events=["asset.scanned"])
    with django_capture_on_commit_callbacks(execute=True):
        asset = make_read(people, {"evil.pkl": EVIL})
    (sent,) = WebhookDelivery.objects.filter(event="asset.scanned")
    assert sent.payload["data"] == {
        "repo_id": "atelier/tiny", "kind": "model", "commit": step_of(asset, "safety").commit, "verdict": "dangerous",
        "counts": {"dangerous": 1, "caution": 0, "unscanned": 0, "safe": 2}, "dangerous": ["evil.pkl"],
        "url": "http://localhost:8000/models/atelier/tiny",
    }  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        tell_of_safety(step_of(asset, "safety"))
    assert WebhookDelivery.objects.filter(event="asset.scanned").count() == 1
