"""The pages and the REST addresses of webhooks, and who may see any of it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts import calling, services
from accounts.models import Webhook, WebhookDelivery
from accounts.tests.hooks import emit, make_webhook, only, seen_by
from accounts.tests.receiver import Receiver
from core.testing import SIGN_IN, People, api, assert_access, assert_flat_queries, browser

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def loopback(settings: Any) -> None:
    settings.WEBHOOK_PRIVATE_ADDRESSES = ["127.0.0.0/8"]


# --- Pages --------------------------------------------------------------------------------------------------

FIELDS = {"name": "builds", "url": "https://example.com/hook", "events": ["asset.commit", "job.failed"], "active": "on"}


def test_secret_is_shown_once_when_made_and_once_when_renewed(alice: Any) -> None:
    client = browser(alice)
    made = client.post("/alice/-/webhooks", FIELDS)
    webhook = Webhook.objects.get()
    assert (made.status_code, "no-store" in made["Cache-Control"], webhook.secret in made.content.decode()) == (200, True, True)
    assert (webhook.name, webhook.url, webhook.events, webhook.active) == (*[FIELDS[key] for key in ("name", "url", "events")], True)
    for address in ("/alice/-/webhooks", f"/alice/-/webhooks/{webhook.pk}"):
        assert webhook.secret not in client.get(address).content.decode()
    assert f"<code>{webhook.secret[-4:]}</code>" in client.get(f"/alice/-/webhooks/{webhook.pk}").content.decode()
    renewed = client.post(f"/alice/-/webhooks/{webhook.pk}/secret")
    former = webhook.secret
    webhook.refresh_from_db()
    assert webhook.secret != former
    assert (webhook.secret in renewed.content.decode(), former in renewed.content.decode()) == (True, False)
    assert "no-store" in renewed["Cache-Control"]


def test_webhook_is_changed_and_deleted_on_its_page(alice: Any) -> None:
    webhook, client = make_webhook(alice), browser(alice)
    page = f"/alice/-/webhooks/{webhook.pk}"
    assert client.post(page, {**FIELDS, "events": ["asset.published"], "active": ""})["Location"] == page
    webhook.refresh_from_db()
    assert (webhook.events, webhook.active) == (["asset.published"], False)
    bad = client.post(page, {**FIELDS, "url": "http://10.0.0.1/"})
    assert (bad.status_code, list(bad.context["form"].errors)) == (422, ["url"])
    assert client.post(f"{page}/delete", {"confirm": "something"}).status_code == 422
    assert client.get(f"{page}/delete").status_code == 405
    assert client.post(f"{page}/delete", {"confirm": "builds"})["Location"] == "/alice/-/webhooks"
    assert Webhook.objects.count() == 0


def test_test_and_replay_lead_to_their_delivery(alice: Any) -> None:
    webhook, client = make_webhook(alice), browser(alice)
    page = f"/alice/-/webhooks/{webhook.pk}"
    first = client.post(f"{page}/ping")["Location"]
    assert first == f"{page}/deliveries/{only().pk}"
    shown = client.get(first).content.decode()
    assert 'hx-trigger="every 2s"' in shown
    services.deliver(delivery_id=only().pk, resolver=lambda _host, _port: [])
    shown = client.get(first).content.decode()
    assert "hx-trigger" not in shown
    assert str(calling.FAILURES["unknown_host"]) in shown
    again = client.post(f"{first}/replay")["Location"]
    assert again == f"{page}/deliveries/{WebhookDelivery.objects.latest('pk').pk}"
    services.edit_webhook(webhook=webhook, actor=alice, active=False)
    assert client.post(f"{page}/ping").status_code == 409


def test_log_shows_what_was_sent_and_the_answer_as_text(alice: Any) -> None:
    with Receiver(status=502, body=b"<script>alert(1)</script>") as receiver:
        webhook = make_webhook(alice, receiver.url)
        emit(alice, message="<b>hello</b>")
        services.deliver(delivery_id=only().pk, at=NOON)
    client = browser(alice)
    shown = client.get(only().get_absolute_url()).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<script>alert(1)" not in shown
    assert "&lt;b&gt;hello&lt;/b&gt;" in shown
    assert only().headers["Gallery-Signature"] in shown
    assert "Nov. 22, 2026" in shown or "2026-11-22" in shown
    listed = client.get(webhook.get_absolute_url()).content.decode()
    assert (">502<" in listed, only().get_absolute_url() in listed) == (True, True)


def test_pages_stay_flat(alice: Any) -> None:
    webhook = make_webhook(alice)
    client = browser(alice)
    assert_flat_queries("/alice/-/webhooks", lambda: make_webhook(alice), client=client)
    assert_flat_queries(webhook.get_absolute_url(), lambda: services.ping(webhook=webhook, actor=alice), client=client)
    address = f"/api/v1/namespaces/alice/webhooks/{webhook.pk}/deliveries"
    assert_flat_queries(address, lambda: services.ping(webhook=webhook, actor=alice), client=api(alice))


def test_former_handle_leads_on(alice: Any) -> None:
    webhook = make_webhook(alice)
    services.rename_handle(namespace=seen_by(alice), actor=alice, handle="alicia")
    assert browser(alice).get(f"/alice/-/webhooks/{webhook.pk}")["Location"] == f"/alicia/-/webhooks/{webhook.pk}"
    assert api(alice).get("/api/v1/namespaces/alice/webhooks")["Location"] == "/api/v1/namespaces/alicia/webhooks"


# --- REST ---------------------------------------------------------------------------------------------------


def test_webhook_over_rest_from_its_creation_to_its_end(alice: Any) -> None:
    client, base = api(alice), "/api/v1/namespaces/alice/webhooks"
    made = client.post(base, {"name": "ci", "url": "https://example.com/", "events": ["job.failed", "asset.commit"]})
    assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
    webhook = Webhook.objects.get()
    assert made.json() == {
        "id": webhook.pk, "name": "ci", "url": "https://example.com/", "events": ["asset.commit", "job.failed"], "active": True,
        "secret_end": webhook.secret[-4:], "failing_since": None, "created_at": made.json()["created_at"], "secret": webhook.secret,
    }  # fmt: skip
    page = f"{base}/{webhook.pk}"
    shown = {key: value for key, value in made.json().items() if key != "secret"}
    assert client.get(page).json() == shown
    assert client.get(base).json()["results"] == [shown]
    assert client.patch(page, {"active": False}).json() == {**shown, "active": False}
    client.patch(page, {"active": True})
    pinged = client.post(f"{page}/ping")
    assert (pinged.status_code, pinged.json()["event"], pinged.json()["state"]) == (202, "ping", "queued")
    delivery = f"{page}/deliveries/{pinged.json()['id']}"
    services.deliver(delivery_id=pinged.json()["id"], at=NOON, resolver=lambda _host, _port: [])
    whole = client.get(delivery).json()
    assert (whole["state"], whole["error"], whole["tried_at"]) == ("failed", "unknown_host", "2026-11-22T12:00:00Z")
    assert whole["payload"]["data"] == {"sender": "alice", "webhook": "ci"}
    assert whole["headers"]["Gallery-Event"] == "ping"
    (listed,) = client.get(f"{page}/deliveries").json()["results"]
    assert listed == {key: value for key, value in whole.items() if key not in ("payload", "headers", "response")}
    replayed = client.post(f"{delivery}/replay")
    assert (replayed.status_code, replayed.json()["replay_of"]) == (202, whole["id"])
    renewed = client.post(f"{page}/secret")
    webhook.refresh_from_db()
    assert (renewed.status_code, renewed.json()["secret"], renewed["Cache-Control"]) == (200, webhook.secret, "no-store")
    assert client.delete(page).status_code == 204
    assert client.get(page).json()["code"] == "webhook_not_found"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://127.0.0.1/\ud800"}, "url"),
        ({"url": ["x"]}, "url"),
        ({"url": "http://10.0.0.1/"}, "url"),
        ({"events": "asset.commit"}, "events"),
        ({"events": [{}]}, "events.0"),
        ({"events": []}, "events"),
        ({"events": None}, "events"),
        ({"name": "\0"}, "name"),
        ({"active": "perhaps"}, "active"),
    ],
)
def test_bad_body_is_refused_at_the_field(alice: Any, body: dict[str, Any], field: str) -> None:
    valid = {"name": "ci", "url": "https://example.com/", "events": ["asset.commit"]}
    refused = api(alice).post("/api/v1/namespaces/alice/webhooks", json.dumps({**valid, **body}), content_type="application/json")
    assert (refused.status_code, list(refused.json()["errors"])) == (400, [field])
    assert Webhook.objects.count() == 0


# --- Who may ------------------------------------------------------------------------------------------------

OTHERS: dict[str, int | str] = {"stranger": 403, "reader": 403, "contributor": 403, "maintainer": 403}
BODY = {"name": "ci", "url": "https://example.com/", "events": ["asset.commit"]}


def page_requests(base: str, delivery: str) -> list[tuple[Any, int]]:
    return [
        (lambda client: client.get(base.rpartition("/")[0]), 200),
        (lambda client: client.post(base.rpartition("/")[0], FIELDS), 200),
        (lambda client: client.get(base), 200),
        (lambda client: client.post(base, FIELDS | {"name": "changed"}), 302),
        (lambda client: client.post(f"{base}/secret"), 200),
        (lambda client: client.post(f"{base}/ping"), 302),
        (lambda client: client.get(delivery), 200),
        (lambda client: client.post(f"{delivery}/replay"), 302),
        (lambda client: client.post(f"{base}/delete", {"confirm": "builds"}), 302),
    ]


def rest_requests(base: str, delivery: str) -> list[tuple[Any, int]]:
    return [
        (lambda client: client.get(base.rpartition("/")[0]), 200),
        (lambda client: client.post(base.rpartition("/")[0], BODY), 201),
        (lambda client: client.get(base), 200),
        (lambda client: client.patch(base, {"name": "changed"}), 200),
        (lambda client: client.post(f"{base}/secret"), 200),
        (lambda client: client.post(f"{base}/ping"), 202),
        (lambda client: client.get(f"{base}/deliveries"), 200),
        (lambda client: client.get(delivery), 200),
        (lambda client: client.post(f"{delivery}/replay"), 202),
        (lambda client: client.delete(base), 204),
    ]


def everything() -> Any:
    return list(Webhook.objects.values_list("name", "secret", "active")), WebhookDelivery.objects.count()


def test_only_owners_and_administrators_come_near_a_webhook(people: People) -> None:
    webhook = make_webhook(people.alice, namespace=people.atelier)
    emit(people.atelier)
    base = f"/atelier/-/webhooks/{webhook.pk}"
    for request, fine in page_requests(base, f"{base}/deliveries/{only().pk}"):
        expected = {**OTHERS, "visitor": SIGN_IN, "owner": fine, "administrator": fine}
        assert_access(people=people, surface="page", expected=expected, request=request, state=everything)
    base = f"/api/v1/namespaces/atelier/webhooks/{webhook.pk}"
    for request, fine in rest_requests(base, f"{base}/deliveries/{only().pk}"):
        expected = {**OTHERS, "visitor": 403, "owner": fine, "administrator": fine}
        assert_access(people=people, surface="rest", expected=expected, request=request, state=everything)


def test_webhooks_of_a_person_are_theirs(people: People) -> None:
    webhook = make_webhook(people.rita)
    for user, fine in ((people.rita, 200), (people.alice, 403), (people.ada, 200)):
        assert browser(user).get(f"/rita/-/webhooks/{webhook.pk}").status_code == fine
        assert api(user).get(f"/api/v1/namespaces/rita/webhooks/{webhook.pk}").status_code == fine


@pytest.mark.parametrize("scope", ["read", "fine"])
def test_token_that_may_not_write_comes_nowhere_near(people: People, scope: str) -> None:
    webhook = make_webhook(people.alice, namespace=people.atelier)
    emit(people.atelier)
    client, base = api(people.alice, scope), f"/api/v1/namespaces/atelier/webhooks/{webhook.pk}"
    before = everything()
    statuses = [request(client).status_code for request, _fine in rest_requests(base, f"{base}/deliveries/{only().pk}")]
    assert statuses == [403] * 10
    assert everything() == before


def test_webhook_is_found_in_its_own_namespace_only(people: People) -> None:
    theirs, mine = make_webhook(people.alice, namespace=people.atelier), make_webhook(people.alice)
    emit(people.atelier)
    client, rest = browser(people.alice), api(people.alice)
    assert client.get(f"/alice/-/webhooks/{theirs.pk}").status_code == 404
    assert client.get(f"/alice/-/webhooks/{mine.pk}/deliveries/{only().pk}").status_code == 404
    assert rest.get(f"/api/v1/namespaces/alice/webhooks/{theirs.pk}").json()["code"] == "webhook_not_found"
    address = f"/api/v1/namespaces/alice/webhooks/{mine.pk}/deliveries/{only().pk}"
    assert (rest.get(address).json()["code"], rest.post(f"{address}/replay").status_code) == ("delivery_not_found", 404)
    assert client.get("/nobody/-/webhooks").status_code == 404
    assert rest.get(f"/api/v1/namespaces/alice/webhooks/{10**30}").status_code == 404
