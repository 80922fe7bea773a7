"""From what happens to the call that leaves the house: commits, ended jobs, workers that race and workers that die."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from accounts import events, services
from accounts.models import Namespace, Notification, Webhook, WebhookDelivery
from accounts.tests.receiver import Receiver
from accounts.tests.test_sign_up import in_threads
from assets.services import commit_files
from assets.tests.factories import make_asset
from core.testing import person
from jobs import services as jobs
from jobs.models import LEASE, MAX_TRIES, Job
from portal import deliveries
from repos.operations import PutBytes

pytestmark = pytest.mark.django_db
LOOPBACK = ["127.0.0.0/8"]


@pytest.fixture(autouse=True)
def loopback(settings: Any) -> None:
    settings.WEBHOOK_PRIVATE_ADDRESSES = LOOPBACK


def make_webhook(user: Any, url: str, *codes: str) -> Webhook:
    namespace = Namespace.objects.for_user(user).get(pk=user.pk)
    return services.create_webhook(namespace=namespace, actor=user, name="builds", url=url, events=codes or ["asset.commit"])


def emit(user: Any) -> WebhookDelivery:
    services.emit(namespace_id=user.pk, event="asset.commit", payload={"repo_id": "alice/tiny"})
    return WebhookDelivery.objects.latest("pk")


def job_of(delivery: WebhookDelivery) -> Job:
    return Job.objects.get(kind="accounts.webhook", params__id=delivery.pk)


def end_job(owner: Any, handler: Any, **changes: Any) -> Job:
    """Run a job of `owner` whose handler is `handler` to its end."""
    jobs.HANDLERS["test.end"] = handler
    try:
        job = jobs.enqueue(kind="test.end", params={}, owner=owner)
        Job.objects.filter(pk=job.pk).update(**changes)
        jobs.run(job.pk)
    finally:
        del jobs.HANDLERS["test.end"]
    return Job.objects.get(pk=job.pk)


def told() -> list[tuple[str, dict[str, Any]]]:
    return [(row.event, row.payload["data"]) for row in WebhookDelivery.objects.order_by("pk")]


# --- What rooms tell ----------------------------------------------------------------------------------------


def test_every_event_can_be_subscribed_to() -> None:
    assert [code for code, _name in events.event_choices()] == [
        "application.created", "application.decided", "asset.commit", "asset.delisted", "asset.published", "asset.rejected",
        "asset.scanned", "grant.revoked", "job.done", "job.failed", "service.failed", "service.running", "service.stopped", "service.stopping",
        "training.completed", "training.failed", "training.stopped",
    ]  # fmt: skip


def test_commit_is_told_to_the_webhooks_of_its_owner(alice: Any) -> None:
    asset = make_asset(alice, name="tiny")
    make_webhook(alice, "https://example.com/", "asset.commit")
    made = commit_files(asset=asset, actor=alice, operations=[PutBytes("a.txt", b"a")], message="Add a\n\nand say why")
    assert told() == [
        (
            "asset.commit",
            {
                "repo_id": "alice/tiny", "kind": "model", "branch": "main", "commit": made.sha, "message": "Add a", "actor": "alice",
                "url": f"{django_settings.PUBLIC_URL}/models/alice/tiny",
            },
        )
    ]  # fmt: skip


def test_job_that_is_done_is_told_to_its_owners_webhooks(alice: Any) -> None:
    make_webhook(alice, "https://example.com/", "job.done", "job.failed")
    job = end_job(alice, lambda _job: None)
    (row,) = told()
    assert row == (
        "job.done",
        {"job_id": job.pk, "kind": "test.end", "created_at": row[1]["created_at"], "finished_at": row[1]["finished_at"]},
    )
    assert Notification.objects.count() == 0


def test_job_that_failed_is_told_to_its_owners_webhooks_and_to_its_owner(alice: Any) -> None:
    make_webhook(alice, "https://example.com/", "job.done", "job.failed")

    def broken(_job: Job) -> None:
        raise ValueError("the disk is on fire")

    for tries in range(MAX_TRIES - 1):
        assert end_job(alice, broken, tries=tries).state == "queued"
    assert told() == []
    job = end_job(alice, broken, tries=MAX_TRIES - 1)
    ((event, data),) = told()
    assert (event, data["job_id"], data["error"]) == ("job.failed", job.pk, "ValueError: the disk is on fire")
    notice = Notification.objects.get()
    assert (notice.receiver, notice.kind, notice.key) == (alice, "job.failed", f"job.failed:{job.pk}")
    assert notice.facts == {"job": "test.end", "error": "ValueError: the disk is on fire"}


def test_job_of_nobody_and_a_stopped_job_are_told_to_nobody(alice: Any) -> None:
    make_webhook(alice, "https://example.com/", "job.done", "job.failed")
    end_job(None, lambda _job: None)
    assert end_job(alice, lambda _job: None, stop_requested_at=timezone.now()).state == "stopped"
    assert (told(), Notification.objects.count()) == ([], 0)


def test_listener_that_fails_does_not_have_the_job_done_again(alice: Any, monkeypatch: Any) -> None:
    seen: list[str] = []

    def listener(job: Job) -> None:
        seen.append(job.state)
        raise RuntimeError

    monkeypatch.setattr(jobs, "_LISTENERS", [])
    jobs.when_ended(listener)
    assert end_job(alice, lambda _job: None).state == "done"
    assert seen == ["done"]


def test_lost_worker_tells_nothing(alice: Any) -> None:
    make_webhook(alice, "https://example.com/", "job.done", "job.failed")

    def lost(job: Job) -> None:
        Job.objects.filter(pk=job.pk).update(turn=job.turn + 1)

    assert end_job(alice, lost).state == "running"
    assert told() == []


# --- How it leaves ------------------------------------------------------------------------------------------


def test_delivery_is_one_job_until_it_arrives(alice: Any) -> None:
    with Receiver(statuses=[500, 200]) as receiver:
        make_webhook(alice, receiver.url)
        delivery = emit(alice)
        job = job_of(delivery)
        assert job.dedupe_key == f"webhook:{delivery.pk}"
        jobs.run(job.pk)
        job.refresh_from_db()
        assert (job.state, round((job.due_at - timezone.now()).total_seconds())) == ("queued", 60)
        assert deliveries.start_webhooks() == 0
        Job.objects.filter(pk=job.pk).update(due_at=timezone.now())
        jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, WebhookDelivery.objects.get().state, len(receiver.calls)) == ("done", "delivered", 2)
    assert Job.objects.filter(kind="accounts.webhook").count() == 1


def test_delivery_that_was_given_up_ends_its_job_well(alice: Any) -> None:
    with Receiver(status=500) as receiver:
        make_webhook(alice, receiver.url)
        delivery = emit(alice)
        WebhookDelivery.objects.update(tries=5)
        jobs.run(job_of(delivery).pk)
    assert (job_of(delivery).state, WebhookDelivery.objects.get().state) == ("done", "failed")


def test_delivery_without_a_job_gets_one(alice: Any) -> None:
    make_webhook(alice, "https://example.com/")
    waiting, later = emit(alice), emit(alice)
    Job.objects.filter(kind="accounts.webhook").update(state="failed")
    now = timezone.now()
    WebhookDelivery.objects.filter(pk=later.pk).update(tries=3, tried_at=now)
    assert deliveries.start_webhooks(now) == 2
    assert deliveries.start_webhooks(now) == 0
    due = {job.params["id"]: job.due_at for job in Job.objects.active().filter(kind="accounts.webhook")}
    assert due == {waiting.pk: now, later.pk: now + timedelta(minutes=30)}


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_once() -> None:
    alice = person("alice")
    with Receiver() as receiver:
        make_webhook(alice, receiver.url)
        for _event in range(3):
            job = job_of(emit(alice))
            in_threads(*[partial(jobs.run, job.pk)] * 4)
    assert len(receiver.calls) == 3
    assert set(WebhookDelivery.objects.values_list("state", "tries")) == {("delivered", 1)}


WORKER = """
import os, sys
sys.path.insert(0, os.getcwd())
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
import django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from jobs.services import run
run(int(sys.argv[2]))
"""


@pytest.mark.django_db(transaction=True)
def test_killed_worker_is_followed_by_one_that_sends_the_same_event_id() -> None:
    from django.db import connection

    alice = person("alice")
    with Receiver(drip="before") as receiver:
        make_webhook(alice, receiver.url)
        delivery = emit(alice)
        job = job_of(delivery)
        worker = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", WORKER, str(connection.settings_dict["NAME"]), str(job.pk)],
            env={**os.environ, "WEBHOOK_PRIVATE_ADDRESSES": "127.0.0.0/8"}, cwd=Path(django_settings.BASE_DIR),
        )  # fmt: skip
        until = time.monotonic() + 20
        while not receiver.calls and time.monotonic() < until:
            time.sleep(0.02)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        delivery.refresh_from_db()
        job.refresh_from_db()
        assert (len(receiver.calls), delivery.state, delivery.tries, job.state) == (1, "queued", 0, "running")
        receiver.drip = ""
        jobs.run(job.pk)
        assert len(receiver.calls) == 1, "the lease still holds"
        Job.objects.filter(pk=job.pk).update(due_at=job.due_at - LEASE)
        jobs.run(job.pk)
    delivery.refresh_from_db()
    job.refresh_from_db()
    assert (delivery.state, delivery.tries, job.state) == ("delivered", 1, "done")
    assert [call.headers["Gallery-Delivery"] for call in receiver.calls] == [str(delivery.event_id)] * 2
    assert json.loads(receiver.calls[0].body)["id"] == str(delivery.event_id)
    assert receiver.calls[0].body == receiver.calls[1].body


@pytest.mark.django_db(transaction=True)
def test_webhook_is_deleted_while_events_are_written() -> None:
    alice = person("alice")
    for _round in range(3):
        webhook = make_webhook(alice, "https://example.com/")
        seen = Webhook.objects.for_user(alice).select_related("namespace").get(pk=webhook.pk)
        acts = [lambda: emit_quietly(alice)] * 4
        in_threads(*acts, lambda seen=seen: services.delete_webhook(webhook=seen, actor=alice), *acts)
        assert (Webhook.objects.count(), WebhookDelivery.objects.count()) == (0, 0)


def emit_quietly(user: Any) -> None:
    from django.db import transaction

    with transaction.atomic():
        services.emit(namespace_id=user.pk, event="asset.commit", payload={})
