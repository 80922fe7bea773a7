"""What waits for the daily digest goes out as one mail a day."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from accounts.mailing import last_digest_time
from accounts.models import Notification
from accounts.services import notify, send_digest_mail
from accounts.tests.test_sign_up import in_threads
from core.testing import person
from jobs.models import MAX_TRIES, Job
from portal import deliveries
from portal.tests.test_deliveries import LOCMEM, Broken, Dying, reader, run_due, slowly, states, through

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def follow(*receivers: Any, key: str, at: datetime = NOON - timedelta(days=1), actor: Any = None) -> None:
    """Tell `receivers` at `at` that somebody follows them, which the digest mails."""
    notify(receivers=receivers, kind="follower.added", key=key, url="/somebody", actor=actor)
    Notification.objects.filter(key=key).update(created_at=at)


@pytest.mark.parametrize(
    ("zone", "at", "expected"),
    [
        ("UTC", "2026-11-22T08:00:00+00:00", "2026-11-22T08:00:00+00:00"),
        ("UTC", "2026-11-22T07:59:59+00:00", "2026-11-21T08:00:00+00:00"),
        ("Asia/Shanghai", "2026-11-22T07:59:59+00:00", "2026-11-22T00:00:00+00:00"),
        ("Asia/Shanghai", "2026-11-21T23:59:00+00:00", "2026-11-21T00:00:00+00:00"),
        ("Europe/Berlin", "2026-03-29T12:00:00+00:00", "2026-03-29T06:00:00+00:00"),
    ],
)
def test_digest_time_is_an_hour_of_the_site(settings: Any, zone: str, at: str, expected: str) -> None:
    settings.TIME_ZONE = zone
    timezone.get_default_timezone.cache_clear()
    try:
        assert last_digest_time(datetime.fromisoformat(at)) == datetime.fromisoformat(expected)
    finally:
        del settings.TIME_ZONE
        timezone.get_default_timezone.cache_clear()


def test_digest_is_one_mail_for_each_receiver(db: None, settings: Any) -> None:
    settings.PUBLIC_URL = "https://gallery.example"
    rita, bob = reader(language="en"), reader("bob", language="zh-hans")
    for number in range(3):
        follow(rita, bob, key=f"k{number}", actor=person(f"fan{number}", nickname=f"<Fan {number}>"))
    assert deliveries.start_digests(NOON) == 2
    assert deliveries.start_digests(NOON) == 0
    run_due("accounts.digest_mail")
    assert deliveries.start_digests(NOON + timedelta(hours=1)) == 0
    assert {sent.to[0]: len(sent.alternatives) for sent in mail.outbox} == {"rita@example.com": 1, "bob@example.com": 1}
    english = next(sent for sent in mail.outbox if sent.to == ["rita@example.com"])
    assert english.subject == "3 notices from AI Gallery"
    assert english.body.startswith(
        "People and organisations\n\n* <Fan 0> follows you now.\n  21 Nov 2026, 12:00\xa0UTC\n  https://gallery.example/somebody\n\n* <Fan 1>"
    )
    assert english.body.count("follows you now.") == 3
    assert "https://gallery.example/me/inbox" in english.body
    html = english.alternatives[0][0]
    assert "&lt;Fan 2&gt;" in html
    assert "<Fan" not in html
    chinese = next(sent for sent in mail.outbox if sent.to == ["bob@example.com"])
    assert chinese.message()["Content-Language"] == "zh-Hans"
    assert states() == ["sent"] * 6


def test_digest_waits_for_its_hour(db: None) -> None:
    rita = reader()
    follow(rita, key="early", at=datetime(2026, 11, 22, 7, 59, tzinfo=UTC))
    follow(rita, key="late", at=datetime(2026, 11, 22, 8, 1, tzinfo=UTC))
    assert deliveries.start_digests(datetime(2026, 11, 22, 7, 59, 30, tzinfo=UTC)) == 0
    assert deliveries.start_digests(datetime(2026, 11, 22, 8, 0, 30, tzinfo=UTC)) == 1
    run_due("accounts.digest_mail")
    assert states() == ["sent", "digest"]
    assert deliveries.start_digests(datetime(2026, 11, 22, 23, tzinfo=UTC)) == 0
    assert deliveries.start_digests(datetime(2026, 11, 23, 8, tzinfo=UTC)) == 1
    run_due("accounts.digest_mail")
    assert (states(), len(mail.outbox)) == (["sent", "sent"], 2)


def test_digest_whose_server_is_down_is_sent_later(db: None, settings: Any) -> None:
    through(settings, Broken)
    follow(reader(), key="k")
    deliveries.start_digests(NOON)
    for _try in range(MAX_TRIES):
        Job.objects.update(due_at=timezone.now())
        run_due("accounts.digest_mail")
    assert (Job.objects.get().state, states()) == ("failed", ["digest"])
    settings.EMAIL_BACKEND = LOCMEM
    assert deliveries.start_digests(NOON) == 1
    run_due("accounts.digest_mail")
    assert (states(), len(mail.outbox)) == (["sent"], 1)


def test_two_workers_at_once_send_one_digest(transactional_db: None, settings: Any) -> None:
    slow = slowly(settings)
    rita = reader()
    follow(rita, key="k1")
    follow(rita, key="k2")

    def second() -> bool:
        assert slow.begun.wait(10)
        try:
            return send_digest_mail(rita.pk, until=NOON)
        finally:
            slow.go.set()

    assert in_threads(lambda: send_digest_mail(rita.pk, until=NOON), second) == [True, False]
    assert send_digest_mail(rita.pk, until=NOON) is True
    assert (states(), len(mail.outbox)) == (["sent", "sent"], 1)


def test_lost_digest_repeats_under_the_same_message_id(transactional_db: None, settings: Any) -> None:
    through(settings, Dying)
    rita = reader()
    follow(rita, key="k")
    with pytest.raises(KeyboardInterrupt):
        send_digest_mail(rita.pk, until=NOON)
    assert states() == ["digest"]
    settings.EMAIL_BACKEND = LOCMEM
    send_digest_mail(rita.pk, until=NOON)
    assert (states(), len({sent.message()["Message-ID"] for sent in mail.outbox})) == (["sent"], 1)


def test_digest_leaves_out_what_is_no_longer_wanted(db: None) -> None:
    rita, bob = reader(), reader("bob")
    follow(rita, bob, key="k")
    rita.notice_settings.create(kind="follower.added", mail="never")
    bob.email_notifications = False
    bob.save()
    deliveries.start_digests(NOON)
    run_due("accounts.digest_mail")
    assert (states(), mail.outbox) == (["none", "none"], [])


def test_long_digest_says_how_many_more_there_are(db: None, monkeypatch: Any) -> None:
    monkeypatch.setattr("accounts.mailing.LISTED", 2)
    rita = reader(language="en")
    for number in range(5):
        follow(rita, key=f"k{number}")
    deliveries.start_digests(NOON)
    run_due("accounts.digest_mail")
    assert "3 more are in your inbox:" in mail.outbox[0].body
    assert states() == ["sent"] * 5
