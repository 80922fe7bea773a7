"""What the pages of an asset show and what their forms do."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from assets import services
from assets.models import Asset
from assets.tests.factories import finish_everything, hang_asset, make_asset, read_for, term
from core.testing import People, api, browser
from jobs.models import Job
from jobs.services import run
from repos.models import DailyDownloads

pytestmark = pytest.mark.django_db


def finish_jobs() -> None:
    for job in list(Job.objects.due()):
        run(job.pk)


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_a_person_creates_a_model_in_the_browser(people: People) -> None:
    client = browser(people.bob)
    response = client.post(
        "/models/new",
        {
            "owner": "atelier",
            "name": "Spindle-Diagnose",
            "title_zh": "主轴诊断",
            "licence": "mit",
            "description": "Hears a bad bearing",
        },
    )
    assert (response.status_code, response["Location"]) == (302, "/models/atelier/Spindle-Diagnose")
    asset = Asset.objects.get()
    assert (asset.title_zh, asset.licence, asset.description, asset.state) == ("主轴诊断", "mit", "Hears a bad bearing", "unpublished")
    page = text(client.get("/models/atelier/Spindle-Diagnose"))
    assert "Hears a bad bearing" in page
    assert "The files are being read." in page


def test_a_new_card_says_what_the_form_said_and_is_read_back(people: People) -> None:
    asset = make_asset(people.alice, name="tiny", title_zh="小", licence="Apache License 2.0", description='Small: and #1 "quoted"')
    finish_jobs()
    row = Asset.objects.get(pk=asset.pk)
    assert (row.title_zh, row.licence, row.description) == ("小", "apache-2.0", 'Small: and #1 "quoted"')
    assert row.card_errors == []
    assert row.repository.files == 2


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "-a", ".a", "a..b", "a.git", "a.", "名", "a/b", "../a", "a" * 97, "a\0b", "a\nb", "%2e", "a?b", "<b>", "a#b"]
)
def test_a_bad_name_is_refused_beside_its_field(people: People, name: str) -> None:
    response = browser(people.alice).post("/models/new", {"owner": "alice", "name": name, "visibility": "private"})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["name"]
    answer = api(people.alice).post("/api/v1/models", {"name": name})
    assert (answer.status_code, answer.json()["code"], list(answer.json()["errors"])) == (400, "invalid", ["name"])
    assert Asset.objects.count() == 0


@pytest.mark.parametrize("name", ["a", "A1", "a.b", "a_b-c", "Yunhe-7B-Chat", "7b", "a" * 96])
def test_a_good_name_is_taken(people: People, name: str) -> None:
    assert api(people.alice).post("/api/v1/models", {"name": name}).status_code == 201


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"description": "x" * 91}, "description"),
        ({"title_zh": "名" * 97}, "title_zh"),
        ({"title_zh": "a\0b"}, "title_zh"),
        ({"description": "a\u2028b"}, "description"),
        ({"licence": "x" * 65}, "licence"),
        ({"visibility": "secret"}, "visibility"),
        ({"name": None}, "name"),
        ({"name": ["a"]}, "name"),
        ({"name": {"a": 1}}, "name"),
        ({"namespace": "atelier"}, "namespace"),
        ({"creator": 1}, "creator"),
    ],
)
def test_bad_facts_are_refused_by_rest(people: People, data: dict[str, Any], field: str) -> None:
    answer = api(people.alice).post("/api/v1/models", json.dumps({"name": "tiny", **data}), content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert list(answer.json()["errors"]) == [field]
    assert Asset.objects.count() == 0


@pytest.mark.parametrize("body", ["", "nonsense", "[]", "3", '{"name": "tiny"', "\xff", '{"name": "\\ud800"}'])
def test_a_bad_body_is_refused_by_rest(people: People, body: str) -> None:
    answer = api(people.alice).post("/api/v1/models", body.encode("latin-1"), content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["code"] in ("invalid", "parse_error")
    assert Asset.objects.count() == 0


def test_a_taken_name_is_told_at_its_field_whatever_its_case(people: People) -> None:
    make_asset(people.alice, name="Tiny")
    response = browser(people.alice).post("/models/new", {"owner": "alice", "name": "tiny", "visibility": "private"})
    assert response.status_code == 409
    assert "alice already has something with the name “tiny”." in text(response)
    assert browser(people.alice).post("/datasets/new", {"owner": "alice", "name": "tiny", "visibility": "private"}).status_code == 302


def test_a_person_cannot_create_where_they_only_read(people: People) -> None:
    client = browser(people.rita)
    assert "atelier" not in dict(client.get("/models/new").context["form"].fields["owner"].choices)
    answer = api(people.rita).post("/api/v1/models", {"owner": "atelier", "name": "tiny"})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


def test_a_missing_owner_is_not_found(people: People) -> None:
    answer = api(people.alice).post("/api/v1/models", {"owner": "nobody-here", "name": "tiny"})
    assert (answer.status_code, answer.json()["code"]) == (404, "namespace_not_found")


def test_names_are_saved_into_the_card_and_shown_at_once(people: People) -> None:
    asset = make_asset(people.alice, name="tiny", licence="mit")
    client = browser(people.alice)
    response = client.post(f"{asset.get_absolute_url()}/settings/names", {"title_zh": "小模型", "description": "Small"})
    assert (response.status_code, response["Location"]) == (302, "/models/alice/tiny/settings")
    assert Asset.objects.get().title_zh == "小模型"
    finish_jobs()
    row = Asset.objects.get()
    assert (row.title_zh, row.description, row.licence) == ("小模型", "Small", "mit")


def test_rest_changes_facts_in_one_commit_and_answers_with_them(people: People) -> None:
    asset = make_asset(people.alice, name="tiny")
    answer = api(people.alice).patch(
        f"/api/v1{asset.get_absolute_url()}",
        json.dumps({"licence": "MIT", "languages": ["中文", "en"], "tags": ["a", "a", "b"], "distributed": True, "base_models": ["x/y"]}),
        content_type="application/json",
    )
    assert answer.status_code == 200
    assert {key: answer.json()[key] for key in ("licence", "languages", "tags", "distributed", "base_models")} == {
        "licence": "mit", "languages": ["zh", "en"], "tags": ["a", "b"], "distributed": True, "base_models": ["x/y"],
    }  # fmt: skip
    finish_jobs()
    row = Asset.objects.get()
    assert (row.licence, row.languages, row.tags, row.distributed, row.base_models) == ("mit", ["zh", "en"], ["a", "b"], True, ["x/y"])


def test_a_wrong_confirmation_deletes_nothing(people: People) -> None:
    asset = make_asset(people.alice, name="tiny")
    for typed in ("", "tiny", "alice/TINY", "alice/tiny2"):
        response = browser(people.alice).post(f"{asset.get_absolute_url()}/settings/delete", {"confirm": typed})
        assert response.status_code == 422
    assert Asset.objects.count() == 1


def test_the_typed_full_name_deletes(people: People) -> None:
    asset = make_asset(people.alice, name="tiny", visibility="private")
    client = browser(people.alice)
    response = client.post(f"{asset.get_absolute_url()}/settings/delete", {"confirm": " alice/tiny "})
    assert (response.status_code, response["Location"]) == (302, "/alice")
    assert "alice/tiny is deleted." in text(client.get("/alice"))
    assert client.get("/models/alice/tiny").status_code == 404


def test_the_page_asks_again_while_the_files_are_read_and_stops_then(people: People) -> None:
    asset = make_asset(people.alice, name="tiny")
    client = browser()
    before = client.get(f"{asset.get_absolute_url()}/activity", headers={"HX-Request": "true"})
    assert 'hx-trigger="every 3s"' in text(before)
    finish_everything()
    after = text(client.get(f"{asset.get_absolute_url()}/activity", headers={"HX-Request": "true"}))
    assert "hx-trigger" not in after
    assert '<hx-partial hx-target="#label"' in after
    assert "every 3s" not in text(client.get(asset.get_absolute_url()))


def test_a_job_that_failed_is_said(people: People) -> None:
    asset = make_asset(people.alice, name="tiny")
    Job.objects.filter(pk=asset.ingest_job_id).update(state="failed", error="broken")
    assert "Not everything could be read." in text(browser().get(asset.get_absolute_url()))


def test_lineage_links_only_what_the_viewer_may_see(people: People) -> None:
    make_asset(people.alice, people.atelier, name="open")
    make_asset(people.alice, people.atelier, name="closed", visibility="private")
    asset = make_asset(people.alice, name="tiny")
    Asset.objects.filter(pk=asset.pk).update(base_models=["atelier/open", "Atelier/CLOSED", "no/where", "nonsense", "<script>"])

    def links(user: Any) -> dict[str, str]:
        facts = browser(user).get(asset.get_absolute_url()).context["page"].label
        return {item.text: item.url for fact in facts if fact.style == "ids" for item in fact.items}

    hidden = {"no/where": "", "nonsense": "", "<script>": ""}
    assert links(people.charlie) == {"atelier/open": "/models/atelier/open", "Atelier/CLOSED": "", **hidden}
    assert links(people.rita) == {"atelier/open": "/models/atelier/open", "Atelier/CLOSED": "/models/atelier/closed", **hidden}


def test_lineage_follows_former_names(people: People) -> None:
    base = make_asset(people.alice, name="base")
    child = make_asset(people.alice, name="child")
    Asset.objects.filter(pk=child.pk).update(base_models=["alice/base"])
    services.rename_asset(asset=read_for(people.alice, base), actor=people.alice, name="ground")
    facts = browser().get("/models/alice/child").context["page"].label
    assert [item.url for fact in facts if fact.style == "ids" for item in fact.items] == ["/models/alice/ground"]
    assert [(use.name, use.count) for use in browser().get("/models/alice/ground").context["page"].uses] == [("Models made from it", 1)]


def test_what_builds_on_an_asset_is_counted_for_the_viewer(people: People) -> None:
    make_asset(people.alice, name="base")
    hang_asset(people.alice, base_models=["alice/base"])
    hang_asset(people.atelier, base_models=["alice/base"], visibility="private")

    def uses(user: Any) -> list[int]:
        return [use.count for use in browser(user).get("/models/alice/base").context["page"].uses]

    assert uses(people.charlie) == [1]
    assert uses(people.rita) == [2]


def test_downloads_are_shown_by_day_and_tallied_for_lists(people: People) -> None:
    from assets.downloads import tally

    asset = make_asset(people.alice, name="tiny")
    today = timezone.now().date()
    for days, count in ((0, 3), (29, 4), (30, 100), (59, 6), (60, 1000)):
        DailyDownloads.objects.create(repository=asset.repository, day=today - timedelta(days=days), count=count)
    page = browser().get(asset.get_absolute_url())
    downloads = page.context["page"].statistics.downloads
    assert (downloads.total, downloads.before, downloads.shown_change) == (7, 106, "\u221293%")
    assert [downloads.counts[0], downloads.counts[-1]] == [4, 3]
    assert "chart-plot" in text(page)
    assert tally() == 1
    assert Asset.objects.get().downloads == 7
    assert tally() == 0


def test_the_front_page_counts_only_what_the_viewer_may_see(people: People) -> None:
    term("task", "translation", name_en="Translation", parent=term("modality", "text", name_en="Text"))
    hang_asset(people.alice, task="translation")
    hang_asset(people.atelier, task="translation", visibility="private")
    hang_asset(people.bob, kind="dataset")

    def numbers(user: Any) -> tuple[Any, ...]:
        front = browser(user).get("/").context["front"]
        tasks = {task.term.code: task.count for column in front.directory for task in column.tasks}
        return front.counts, front.owner_count, front.task_count, tasks["translation"]

    assert numbers(people.charlie) == ({"model": 1, "dataset": 1}, 2, 1, 1)
    assert numbers(people.rita) == ({"model": 2, "dataset": 1}, 3, 1, 2)


def test_an_empty_gallery_invites_to_begin(db: None) -> None:
    assert "The walls are still bare" in text(browser().get("/"))
    assert "No models yet" in text(browser().get("/models"))


def test_a_namespace_page_has_both_kinds(people: People) -> None:
    make_asset(people.alice, people.atelier, name="tiny", visibility="private")
    make_asset(people.alice, people.atelier, name="data", kind="dataset")
    page = browser(people.rita).get("/atelier")
    assert [(tab["text"], tab["count"]) for tab in page.context["tabs"]] == [("Models", 1), ("Datasets", 1)]
    assert "atelier/tiny" in text(page)
    assert "atelier/data" in text(browser().get("/atelier?kind=dataset"))
    assert "atelier/tiny" not in text(browser().get("/atelier"))
    assert browser().get("/nobody-here").status_code == 404


def test_names_follow_the_language_of_the_page(people: People) -> None:
    make_asset(people.alice, name="tiny", title_zh="小模型")
    assert "<h1>小模型" in text(browser().get("/models/alice/tiny", headers={"Accept-Language": "zh-CN"}))
    assert "<h1>tiny" in text(browser().get("/models/alice/tiny", headers={"Accept-Language": "en"}))


def test_user_text_never_becomes_markup(people: People) -> None:
    make_asset(people.alice, name="tiny", title_zh='<img src=x onerror="1">', description="</p><script>alert(1)</script>")
    Asset.objects.update(tags=["<script>alert(2)</script>", '" onmouseover="x'], task="<zz>", licence="<zz>")
    for path in ("/models/alice/tiny", "/models", "/models?view=table", "/alice", "/", "/models?q=%3Cscript%3Ealert(3)%3C/script%3E"):
        page = browser(people.alice).get(path, headers={"Accept-Language": "zh-CN"}).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert '" onmouseover="x' not in page
        assert "<zz>" not in page


@pytest.mark.parametrize(
    "path",
    ["/models/alice", "/models/alice/", "/models/alice/no-such", "/models/a%00b/c", "/spaces/alice/tiny", "/models/alice/%2e%2e", "/%00"],
)
def test_an_address_of_nothing_is_404(people: People, path: str) -> None:
    assert browser().get(path).status_code == 404


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_pages_refuse_other_methods(people: People, method: str) -> None:
    make_asset(people.alice, name="tiny")
    assert getattr(browser(people.alice), method)("/models/alice/tiny").status_code == 405
    assert getattr(browser(people.alice), method)("/models").status_code == 405
