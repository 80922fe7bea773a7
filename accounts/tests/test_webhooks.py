"""Webhooks: what is sent when, what happens when it does not arrive, and who may see any of it."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import transaction

from accounts import calling, services
from accounts.models import AuditEvent, Notification, Webhook, WebhookDelivery
from accounts.services.webhooks import KEPT, MAX_WEBHOOKS
from accounts.tests.hooks import emit, make_webhook, only
from accounts.tests.receiver import Receiver
from core.problems import Conflict, Problem
from core.testing import People, count_queries

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def loopback(settings: Any) -> None:
    settings.WEBHOOK_PRIVATE_ADDRESSES = ["127.0.0.0/8"]


def is_genuine(secret: str, headers: Any, body: bytes, tolerance: int = 10**9) -> bool:
    """Make the check that the manual tells receivers to make."""
    manual = (Path(settings.BASE_DIR) / "docs" / "how-to" / "webhooks.md").read_text()
    names: dict[str, Any] = {}
    exec(manual.partition("```python\n")[2].partition("```")[0], names)  # noqa: S102
    return bool(names["is_genuine"](secret, headers["Gallery-Signature"], body, tolerance))


# --- What is sent -------------------------------------------------------------------------------------------


def test_event_reaches_the_receiver_signed(alice: Any) -> None:
    with Receiver(body=b"thanks") as receiver:
        webhook = make_webhook(alice, receiver.url)
        emit(alice, message="修正 README")
        assert services.deliver(delivery_id=only().pk, at=NOON) is None
    (call,) = receiver.calls
    assert is_genuine(webhook.secret, call.headers, call.body)
    assert not is_genuine("whsec_other", call.headers, call.body)
    assert not is_genuine(webhook.secret, call.headers, call.body + b" ")
    assert not is_genuine(webhook.secret, call.headers, call.body, tolerance=-1)
    assert call.headers["Gallery-Signature"].startswith(f"t={int(NOON.timestamp())},")
    message, delivery = json.loads(call.body), only()
    assert message == {
        "id": str(delivery.event_id),
        "event": "asset.commit",
        "created_at": message["created_at"],
        "namespace": "alice",
        "data": {"message": "修正 README"},
    }
    assert "修正".encode() in call.body
    assert (call.headers["Gallery-Event"], call.headers["Gallery-Delivery"]) == ("asset.commit", str(delivery.event_id))
    assert call.headers["User-Agent"].startswith("AI-Gallery-Webhooks/")
    assert call.headers["Content-Type"] == "application/json; charset=utf-8"
    assert (delivery.state, delivery.status, delivery.response, delivery.tries) == ("delivered", 200, "thanks", 1)
    assert (delivery.tried_at, delivery.error) == (NOON, "")
    assert delivery.headers["Gallery-Signature"] == call.headers["Gallery-Signature"]


def test_event_goes_to_the_active_webhooks_of_its_namespace_that_subscribe(people: People) -> None:
    here = make_webhook(people.alice, namespace=people.atelier)
    also = make_webhook(people.alice, namespace=people.atelier, events=["asset.commit"])
    make_webhook(people.alice, namespace=people.atelier, events=["job.failed"])
    make_webhook(people.alice, namespace=people.atelier, active=False)
    make_webhook(people.alice)
    emit(people.atelier)
    assert list(WebhookDelivery.objects.order_by("webhook").values_list("webhook", flat=True)) == [here.pk, also.pk]
    assert len(set(WebhookDelivery.objects.values_list("event_id", flat=True))) == 1


def test_nothing_is_sent_of_what_did_not_happen(alice: Any) -> None:
    make_webhook(alice)
    with pytest.raises(RuntimeError), transaction.atomic():
        emit(alice)
        raise RuntimeError
    assert WebhookDelivery.objects.count() == 0


def test_event_that_no_room_registered_is_a_defect(alice: Any) -> None:
    with pytest.raises(ValueError, match=r"asset\.exploded"):
        emit(alice, "asset.exploded")


def test_text_that_the_database_cannot_hold_does_not_stop_what_happened(alice: Any) -> None:
    make_webhook(alice)
    emit(alice, message="a\0b \ud800", nested=[{"x": "\0"}])
    assert only().payload["data"] == {"message": "a\ufffdb ?", "nested": [{"x": "\ufffd"}]}


def test_event_that_nobody_listens_to_costs_one_query(alice: Any) -> None:
    for _number in range(5):
        make_webhook(alice, events=["job.failed"])
    assert count_queries(lambda: emit(alice)) == 1


# --- When it does not arrive --------------------------------------------------------------------------------


def test_failing_receiver_is_tried_again_with_growing_waits_and_then_given_up(alice: Any) -> None:
    at, waits = NOON, []
    with Receiver(status=500, body=b"<h1>no</h1>") as receiver:
        make_webhook(alice, receiver.url)
        emit(alice)
        while True:
            wait = services.deliver(delivery_id=only().pk, at=at)
            if wait is None:
                break
            delivery = only()
            assert (delivery.state, delivery.next_try_at) == ("queued", at + wait)
            waits.append(wait)
            at += wait
    assert waits == [MINUTE, 5 * MINUTE, 30 * MINUTE, timedelta(hours=2), timedelta(hours=6)]
    delivery = only()
    assert (delivery.state, delivery.tries, delivery.status, delivery.error) == ("failed", 6, 500, "bad_status")
    assert (delivery.response, delivery.next_try_at) == ("<h1>no</h1>", None)
    assert {call.headers["Gallery-Delivery"] for call in receiver.calls} == {str(delivery.event_id)}
    assert len({call.headers["Gallery-Signature"] for call in receiver.calls}) == 6
    assert len({call.body for call in receiver.calls}) == 1
    assert services.deliver(delivery_id=delivery.pk, at=at) is None
    assert len(receiver.calls) == 6


def test_receiver_that_comes_back_gets_it(alice: Any) -> None:
    with Receiver(statuses=[503, 204]) as receiver:
        webhook = make_webhook(alice, receiver.url)
        emit(alice)
        assert services.deliver(delivery_id=only().pk, at=NOON) == MINUTE
        webhook.refresh_from_db()
        assert webhook.failing_since == NOON
        assert services.deliver(delivery_id=only().pk, at=NOON + MINUTE) is None
    assert Webhook.objects.get().failing_since is None
    assert (only().state, only().tries, only().status) == ("delivered", 2, 204)


@pytest.mark.parametrize(
    ("receiver", "error"),
    [
        ({"status": 301, "headers": {"Location": "http://127.0.0.1:1/"}}, "redirected"),
        ({"status": 400}, "bad_status"),
        ({"raw": b"nonsense\r\n"}, "broken_answer"),
    ],
)
def test_reason_of_a_failure_is_kept(alice: Any, receiver: dict[str, Any], error: str) -> None:
    with Receiver(**receiver) as listening:
        make_webhook(alice, listening.url)
        emit(alice)
        assert services.deliver(delivery_id=only().pk, at=NOON) == MINUTE
    assert only().error == error
    assert only().reason == str(calling.FAILURES[error])
    assert len(listening.calls) == 1


def test_slow_receiver_fails_the_try(alice: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(calling.post.__kwdefaults__, "seconds", 0.5)
    with Receiver(drip="before") as receiver:
        make_webhook(alice, receiver.url)
        emit(alice)
        assert services.deliver(delivery_id=only().pk, at=NOON) == MINUTE
    delivery = only()
    assert (delivery.error, delivery.status) == ("timed_out", None)
    assert delivery.milliseconds is not None
    assert 450 <= delivery.milliseconds < 2000


def test_of_a_huge_answer_2000_characters_are_kept(alice: Any) -> None:
    with Receiver(body=("é\0" * 50_000).encode()) as receiver:
        make_webhook(alice, receiver.url)
        emit(alice)
        services.deliver(delivery_id=only().pk)
    assert only().response == "é\ufffd" * 1000


def test_network_that_is_no_longer_allowed_is_not_called(alice: Any, settings: Any) -> None:
    with Receiver() as receiver:
        make_webhook(alice, receiver.url)
        emit(alice)
        settings.WEBHOOK_PRIVATE_ADDRESSES = []
        assert services.deliver(delivery_id=only().pk, at=NOON) == MINUTE
    assert (only().error, receiver.calls) == ("private_address", [])


def test_name_that_turns_to_an_address_inside_is_not_called(alice: Any, settings: Any) -> None:
    settings.WEBHOOK_PRIVATE_ADDRESSES = []
    with Receiver() as receiver:
        make_webhook(alice, f"http://hooks.example:{receiver.port}/")
        emit(alice)
        assert services.deliver(delivery_id=only().pk, at=NOON, resolver=lambda _host, _port: ["127.0.0.1"]) == MINUTE
    assert (only().error, receiver.calls) == ("private_address", [])


def test_what_waits_for_a_webhook_that_was_switched_off_is_given_up(alice: Any) -> None:
    with Receiver() as receiver:
        webhook = make_webhook(alice, receiver.url)
        emit(alice)
        services.edit_webhook(webhook=webhook, actor=alice, active=False)
        assert services.deliver(delivery_id=only().pk, at=NOON) is None
    assert (only().state, only().error, receiver.calls) == ("failed", "switched_off", [])


def test_delivery_of_a_deleted_webhook_is_over(alice: Any) -> None:
    webhook = make_webhook(alice)
    emit(alice)
    pk = only().pk
    services.delete_webhook(webhook=webhook, actor=alice)
    assert services.deliver(delivery_id=pk) is None
    assert (Webhook.objects.count(), WebhookDelivery.objects.count()) == (0, 0)


def fail_for_good(namespace: Any, at: datetime) -> None:
    """Have one event fail every time, the last time at `at`."""
    emit(namespace)
    delivery = WebhookDelivery.objects.latest("pk")
    WebhookDelivery.objects.filter(pk=delivery.pk).update(tries=5)
    assert services.deliver(delivery_id=delivery.pk, at=at) is None


def test_webhook_that_nothing_reached_for_three_days_is_switched_off_and_its_owners_are_told(people: People) -> None:
    with Receiver(status=500) as receiver:
        webhook = make_webhook(people.alice, receiver.url, namespace=people.atelier)
        fail_for_good(people.atelier, NOON)
        fail_for_good(people.atelier, NOON + timedelta(days=3) - MINUTE)
        webhook.refresh_from_db()
        assert (webhook.active, Notification.objects.count()) == (True, 0)
        fail_for_good(people.atelier, NOON + timedelta(days=3))
    webhook.refresh_from_db()
    assert webhook.active is False
    notice = Notification.objects.get()
    assert (notice.receiver.handle, notice.kind, notice.url) == ("alice", "webhook.switched_off", f"/atelier/-/webhooks/{webhook.pk}")
    assert notice.facts == {"name": "builds", "namespace": "atelier"}
    event = AuditEvent.objects.latest("id")
    assert (event.actor, event.verb, event.target_kind) == ("", "switch_off", "webhook")
    emit(people.atelier)
    assert WebhookDelivery.objects.count() == 3


def test_one_arrival_starts_the_three_days_anew(alice: Any) -> None:
    with Receiver(statuses=[500, 200, 500]) as receiver:
        webhook = make_webhook(alice, receiver.url)
        fail_for_good(alice, NOON)
        emit(alice)
        services.deliver(delivery_id=WebhookDelivery.objects.latest("pk").pk, at=NOON + timedelta(days=1))
        fail_for_good(alice, NOON + timedelta(days=3))
    webhook.refresh_from_db()
    assert (webhook.active, webhook.failing_since) == (True, NOON + timedelta(days=3))


def test_switching_on_again_starts_the_three_days_anew(alice: Any) -> None:
    with Receiver(status=500) as receiver:
        webhook = make_webhook(alice, receiver.url)
        fail_for_good(alice, NOON)
        fail_for_good(alice, NOON + timedelta(days=4))
        webhook = Webhook.objects.for_user(alice).get()
        assert webhook.active is False
        services.edit_webhook(webhook=webhook, actor=alice, active=True)
        fail_for_good(alice, NOON + timedelta(days=5))
    webhook.refresh_from_db()
    assert (webhook.active, webhook.failing_since) == (True, NOON + timedelta(days=5))


def test_worker_that_lost_its_turn_writes_nothing(alice: Any) -> None:
    make_webhook(alice)
    emit(alice)
    late, other = only(), only()
    assert other.stumble("bad_status", status=500)
    assert not late.arrive(status=200)
    assert (only().state, only().tries) == ("queued", 1)


def test_log_reaches_back_thirty_days(alice: Any) -> None:
    make_webhook(alice)
    for state in ("delivered", "failed", "queued", "delivered"):
        emit(alice)
        WebhookDelivery.objects.filter(pk=WebhookDelivery.objects.latest("pk").pk).update(state=state, created_at=NOON)
    WebhookDelivery.objects.filter(pk=WebhookDelivery.objects.latest("pk").pk).update(created_at=NOON + MINUTE)
    assert services.prune_deliveries(at=NOON + KEPT + MINUTE) == 2
    assert sorted(WebhookDelivery.objects.values_list("state", flat=True)) == ["delivered", "queued"]


# --- By hand ------------------------------------------------------------------------------------------------


def test_test_is_tried_once_and_does_not_count_as_failing(alice: Any) -> None:
    with Receiver(status=404) as receiver:
        webhook = make_webhook(alice, receiver.url)
        delivery = services.ping(webhook=webhook, actor=alice)
        assert services.deliver(delivery_id=delivery.pk, at=NOON) is None
    webhook.refresh_from_db()
    assert (only().state, only().status, webhook.failing_since) == ("failed", 404, None)
    assert json.loads(receiver.calls[0].body)["data"] == {"sender": "alice", "webhook": "builds"}


def test_replay_sends_the_same_under_the_same_event_id(alice: Any) -> None:
    with Receiver() as receiver:
        webhook = make_webhook(alice, receiver.url)
        emit(alice)
        first = only()
        services.deliver(delivery_id=first.pk, at=NOON)
        again = services.replay_delivery(delivery=first, webhook=webhook, actor=alice)
        services.deliver(delivery_id=again.pk, at=NOON + MINUTE)
    assert again.pk != first.pk
    assert (again.replay_of_id, again.event_id) == (first.pk, UUID(first.payload["id"]))
    assert receiver.calls[0].body == receiver.calls[1].body
    assert receiver.calls[0].headers["Gallery-Delivery"] == receiver.calls[1].headers["Gallery-Delivery"]
    assert receiver.calls[0].headers["Gallery-Signature"] != receiver.calls[1].headers["Gallery-Signature"]


def test_webhook_that_is_off_sends_nothing_by_hand(alice: Any) -> None:
    webhook = make_webhook(alice)
    emit(alice)
    services.edit_webhook(webhook=webhook, actor=alice, active=False)
    with pytest.raises(Conflict) as refused:
        services.ping(webhook=webhook, actor=alice)
    assert refused.value.code == "webhook_off"
    with pytest.raises(Conflict) as refused:
        services.replay_delivery(delivery=only(), webhook=webhook, actor=alice)
    assert refused.value.code == "webhook_off"
    assert WebhookDelivery.objects.count() == 1


def test_renewed_secret_signs_from_now_on(alice: Any) -> None:
    with Receiver() as receiver:
        webhook = make_webhook(alice, receiver.url)
        former = webhook.secret
        emit(alice)
        secret = services.renew_secret(webhook=webhook, actor=alice)
        services.deliver(delivery_id=only().pk)
    assert re.fullmatch(r"whsec_[\w-]{43}", secret)
    assert is_genuine(secret, receiver.calls[0].headers, receiver.calls[0].body)
    assert not is_genuine(former, receiver.calls[0].headers, receiver.calls[0].body)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"url": "http://user:pw@example.com/"}, "url"),
        ({"url": "ftp://example.com/"}, "url"),
        ({"url": "http://10.0.0.1/"}, "url"),
        ({"url": "http://2852039166/"}, "url"),
        ({"url": "http://example.com:22/"}, "url"),
        ({"url": "https://example.com/" + "x" * 500}, "url"),
        ({"events": []}, "events"),
        ({"events": ["ping"]}, "events"),
        ({"events": ["asset.commit", "no.such"]}, "events"),
    ],
)
def test_bad_webhook_is_refused_at_the_field(alice: Any, change: dict[str, Any], field: str) -> None:
    with pytest.raises(Problem) as error:
        make_webhook(alice, **change)
    assert (error.value.code, list(error.value.errors)) == ("invalid", [field])
    assert Webhook.objects.count() == 0
    webhook = make_webhook(alice)
    with pytest.raises(Problem) as error:
        services.edit_webhook(webhook=webhook, actor=alice, **change)
    assert list(error.value.errors) == [field]


def test_namespace_has_a_limited_number_of_webhooks(alice: Any) -> None:
    for _number in range(MAX_WEBHOOKS):
        make_webhook(alice)
    with pytest.raises(Conflict) as error:
        make_webhook(alice)
    assert error.value.code == "too_many_webhooks"


def test_audit_trail_names_every_change_and_no_secret(alice: Any) -> None:
    webhook = make_webhook(alice, "https://example.com/hook?key=hidden#part")
    assert webhook.url == "https://example.com/hook?key=hidden"
    services.edit_webhook(webhook=webhook, actor=alice, name="other", active=True)
    services.edit_webhook(webhook=webhook, actor=alice, name="other")
    services.renew_secret(webhook=webhook, actor=alice)
    services.replay_delivery(delivery=services.ping(webhook=webhook, actor=alice), webhook=webhook, actor=alice)
    services.delete_webhook(webhook=webhook, actor=alice)
    events = AuditEvent.objects.filter(target_kind="webhook").order_by("id")
    assert [event.verb for event in events] == ["create", "edit", "renew_secret", "test", "replay", "delete"]
    assert events[1].details == {"fields": ["name"], "namespace": "alice", "url": "https://example.com/hook"}
    assert webhook.secret not in str(list(events.values()))
    assert "hidden" not in str(list(events.values()))
