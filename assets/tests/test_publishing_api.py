"""Publishing by REST: the same rules as on the pages, with one envelope."""

from typing import Any

import pytest

from assets import services
from assets.models import AccessTerms, Asset, Submission
from assets.tests.factories import make_asset, read_for
from assets.tests.test_publishing import bring_to, pending, reviewer
from core.testing import People, api, assert_access, assert_flat_queries, person

pytestmark = pytest.mark.django_db


def address(asset: Asset, step: str) -> str:
    return f"/api/v1{asset.get_absolute_url()}/{step}"


def post(client: Any, asset: Asset, step: str, **data: Any) -> Any:
    return client.post(address(asset, step), data, format="json")


def state(asset: Asset) -> str:
    return Asset.objects.get(pk=asset.pk).state


OUTSIDE: dict[str, int | str] = {"visitor": 404, "stranger": 404, "reader": 403, "contributor": 403}
MAINTAIN: dict[str, int | str] = {"maintainer": 200, "owner": 200, "administrator": 200}


def test_access_to_publish(people: People) -> None:
    asset = make_asset(people.alice, people.atelier, visibility="private")
    assert_access(
        people=people, surface="rest", expected={**OUTSIDE, **MAINTAIN}, request=lambda client: post(client, asset, "publish"),
        state=lambda: state(asset),
    )  # fmt: skip


@pytest.mark.parametrize("step", ["delist", "patch", "get"])
def test_access_to_a_published_asset(people: People, step: str) -> None:
    asset = make_asset(people.alice, people.atelier)

    def request(client: Any) -> Any:
        if step == "get":
            return client.get(address(asset, "publication"))
        if step == "patch":
            return client.patch(address(asset, "publication"), {"availability": "on_application"}, format="json")
        return post(client, asset, "delist")

    assert_access(
        people=people, surface="rest", expected={**OUTSIDE, "visitor": 403, "stranger": 403, **MAINTAIN}, request=request,
        state=lambda: (state(asset), Asset.objects.get(pk=asset.pk).availability),
    )  # fmt: skip


@pytest.mark.parametrize("step", ["withdraw", "review/approve", "review/reject"])
def test_access_to_an_asset_in_review(settings: Any, people: People, step: str) -> None:
    settings.REVIEW = "manual"
    asset = services.publish_asset(asset=make_asset(people.alice, people.atelier, visibility="private"), actor=people.alice)
    expected = {**OUTSIDE, **MAINTAIN}
    if step != "withdraw":
        expected |= {"visitor": 401, "maintainer": 403, "owner": 403}
    assert_access(
        people=people, surface="rest", expected=expected, request=lambda client: post(client, asset, step, **({"reason": "No"} if "reject" in step else {})),
        state=lambda: (state(asset), pending(asset).state),
    )  # fmt: skip


def test_a_read_token_and_a_token_without_the_verb_publish_nothing(people: People) -> None:
    asset = make_asset(people.alice, visibility="private")
    assert post(api(people.alice, "read"), asset, "publish").status_code in (401, 403)
    limited = api(people.alice, "fine", resources=[f"asset:{asset.pk}"], verbs=["commit"])
    assert post(limited, asset, "publish").status_code == 403
    assert state(asset) == "unpublished"
    entitled = api(people.alice, "fine", resources=[f"asset:{asset.pk}"], verbs=["publish"])
    assert post(entitled, asset, "publish").status_code == 200


def test_a_reviewers_fine_grained_token_reviews_nothing(settings: Any, people: People) -> None:
    settings.REVIEW = "manual"
    asset = services.publish_asset(asset=make_asset(people.alice, visibility="private"), actor=people.alice)
    fine = api(reviewer(), "fine", resources=[f"asset:{asset.pk}"], verbs=["publish", "review"])
    assert post(fine, asset, "review/approve").status_code in (403, 404)
    read = api(reviewer("walt"), "read")
    assert post(read, asset, "review/approve").status_code in (403, 404)
    assert state(asset) == "review"


def test_publish_takes_ranges_terms_and_approvers_and_answers_with_all_of_it(people: People) -> None:
    asset = make_asset(people.alice, visibility="private")
    terms = {
        "questions": [{"label": "Which?", "kind": "choice", "required": True, "choices": ["one", "two"]}],
        "agreement": "Be kind", "grant_days": 30, "organisations": ["atelier"], "mail_domains": ["@Example.org"],
    }  # fmt: skip
    answer = post(
        api(people.alice), asset, "publish", visibility="chosen", availability="on_application", audience=["Charlie", "atelier"],
        terms=terms, approvers=["bob"],
    )  # fmt: skip
    assert answer.status_code == 200
    body = answer.json()
    assert (body["state"], body["visibility"], body["availability"]) == ("published", "chosen", "on_application")
    assert (body["audience"], body["approvers"], body["reason"]) == (["atelier", "charlie"], ["bob"], "")
    question = body["terms"]["questions"][0]
    assert {**question, "id": ""} == {"id": "", "label": "Which?", "kind": "choice", "required": True, "choices": ["one", "two"]}
    assert {name: value for name, value in body["terms"].items() if name != "questions"} == {
        "agreement": "Be kind", "agreement_version": 1, "grant_days": 30, "organisations": ["atelier"], "mail_domains": ["example.org"],
    }  # fmt: skip
    assert [(row["state"], row["automatic"], row["submitter"], row["reviewer"]) for row in body["submissions"]] == [
        ("approved", True, "alice", None)
    ]
    assert api(people.alice).get(address(asset, "publication")).json() == body


def test_patch_changes_what_is_named_and_keeps_the_rest(people: People) -> None:
    asset = make_asset(people.alice, availability="on_application")
    client = api(people.alice)
    client.patch(address(asset, "publication"), {"terms": {"agreement": "One", "grant_days": 5}}, format="json")
    body = client.patch(address(asset, "publication"), {"terms": {"grant_days": None}, "visibility": "signed_in"}, format="json").json()
    assert (body["terms"]["agreement"], body["terms"]["grant_days"], body["terms"]["agreement_version"]) == ("One", None, 1)
    assert (body["visibility"], body["availability"]) == ("signed_in", "on_application")


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"visibility": "secret"}, "visibility"),
        ({"visibility": "chosen"}, "audience"),
        ({"visibility": "chosen", "audience": ["nobody-here"]}, "audience"),
        ({"approvers": ["atelier"]}, "approvers"),
        ({"terms": {"organisations": ["bob"]}}, "organisations"),
        ({"terms": {"mail_domains": ["localhost"]}}, "mail_domains"),
        ({"terms": {"questions": [{"label": "Pick", "kind": "choice", "choices": ["only"]}]}}, "questions"),
        ({"terms": {"questions": [{"label": "Send it", "kind": "file"}]}}, "terms.questions.0.kind"),
        ({"terms": {"questions": [{"id": "a", "label": "A"}, {"id": "a", "label": "B"}]}}, "questions"),
        ({"terms": {"grant_days": 0}}, "terms.grant_days"),
        ({"terms": {"grant_days": 3651}}, "terms.grant_days"),
        ({"price": 3}, "price"),
        ({"audience": "charlie"}, "audience"),
    ],
)
def test_what_does_not_fit_is_400_by_field_and_writes_nothing(people: People, data: dict[str, Any], field: str) -> None:
    asset = make_asset(people.alice, visibility="private")
    answer = post(api(people.alice), asset, "publish", **data)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert (state(asset), AccessTerms.objects.count(), Submission.objects.count()) == ("unpublished", 0, 0)


def test_steps_out_of_order_are_409_with_the_present_state(settings: Any, people: People) -> None:
    asset = make_asset(people.alice)
    client = api(people.alice)
    for step in ("publish", "withdraw"):
        answer = post(client, asset, step)
        assert (answer.status_code, answer.json()["code"], answer.json()["state"]) == (409, "wrong_state", "published")
    assert post(client, asset, "delist", reason="Old").json()["state"] == "delisted"
    assert post(client, asset, "delist").status_code == 409


def test_a_published_asset_is_not_deleted_by_rest(people: People) -> None:
    asset = make_asset(people.alice)
    answer = api(people.alice).delete(f"/api/v1{asset.get_absolute_url()}")
    assert (answer.status_code, answer.json()["code"], state(asset)) == (409, "delist_first", "published")


def test_reviewing_by_rest(settings: Any, people: People) -> None:
    settings.REVIEW = "manual"
    vera = reviewer()
    asset = services.publish_asset(asset=make_asset(people.alice, visibility="private"), actor=people.alice)
    client = api(vera)
    queue = client.get("/api/v1/submissions?state=pending").json()["results"]
    assert [(row["repo_id"], row["state"], row["submitter"], row["allowed"]) for row in queue] == [
        (asset.repo_id, "pending", "alice", ["review", "view"])
    ]
    assert post(client, asset, "review/reject").json()["errors"].keys() == {"reason"}
    rejected = post(client, asset, "review/reject", reason="No licence")
    assert (rejected.status_code, rejected.json()["state"], rejected.json()["reviewer"]) == (200, "rejected", "vera")
    assert api(people.alice).get(address(asset, "publication")).json()["reason"] == "No licence"
    assert post(client, asset, "review/approve").json()["code"] == "already_decided"
    services.publish_asset(asset=read_for(people.alice, asset), actor=people.alice)
    moved = post(client, asset, "review/approve", revision="0" * 40)
    assert (moved.status_code, moved.json()["code"], moved.json()["head"]) == (409, "revision_moved", pending(asset).revision)
    assert post(client, asset, "review/approve").json()["state"] == "approved"
    assert state(asset) == "published"


def test_submissions_are_listed_for_reviewers_and_for_those_who_may_publish(settings: Any, people: People) -> None:
    settings.REVIEW = "manual"
    vera = reviewer()
    services.publish_asset(asset=make_asset(people.alice, people.atelier, visibility="private"), actor=people.alice)
    services.publish_asset(asset=make_asset(people.charlie, visibility="private"), actor=people.charlie)

    def count(user: Any) -> int:
        return len(api(user).get("/api/v1/submissions").json()["results"])

    assert [count(user) for user in (vera, people.ada, people.mona, people.bob, people.charlie)] == [2, 2, 1, 0, 1]
    assert api().get("/api/v1/submissions").status_code == 401
    assert api(vera).get("/api/v1/submissions?state=lost").status_code == 400


def test_the_list_of_submissions_costs_the_same_for_any_number(settings: Any, people: People) -> None:
    settings.REVIEW = "manual"
    vera = reviewer()
    assert_flat_queries(
        "/api/v1/submissions", lambda: services.publish_asset(asset=make_asset(people.alice, visibility="private"), actor=people.alice),
        client=api(vera),
    )  # fmt: skip


def test_people_by_rest(people: People) -> None:
    client = api(people.bob)
    assert [row["handle"] for row in client.get("/api/v1/people?q=charl").json()] == ["charlie"]
    assert [row["handle"] for row in client.get("/api/v1/people?q=a&kind=organisation").json()] == ["atelier"]
    assert all("email" not in row for row in client.get("/api/v1/people?q=a").json())
    assert api().get("/api/v1/people?q=a").status_code == 401
    for number in range(25):
        person(f"many{number}")
    assert len(client.get("/api/v1/people?q=many").json()) == 20


@pytest.mark.parametrize("step", ["rejected", "delisted"])
def test_others_cannot_see_what_left_the_shelf(settings: Any, people: People, step: str) -> None:
    settings.REVIEW = "manual"
    asset = bring_to(make_asset(people.alice, visibility="private"), people.alice, reviewer(), step)
    assert api(people.charlie).get(f"/api/v1{asset.get_absolute_url()}").status_code == 404
