"""Notices go out as mail: each once, whatever dies on the way."""

import smtplib
import threading
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import transaction
from django.utils import timezone

from accounts.models import Notification
from accounts.services import mark_all_read, notify, send_notice_mail
from accounts.tests.test_sign_up import in_threads
from core.testing import person
from jobs import services as jobs
from jobs.models import MAX_TRIES, Job
from portal import deliveries

LOCMEM = "django.core.mail.backends.locmem.EmailBackend"


class Broken(EmailBackend):
    """A mail server that answers with `error`."""

    error: Exception = ConnectionRefusedError("nobody listens")

    def send_messages(self, messages: Any) -> int:
        raise self.error


class Dying(EmailBackend):
    """A worker that dies right after the mail server took the mail."""

    def send_messages(self, messages: Any) -> int:
        super().send_messages(messages)
        raise KeyboardInterrupt


class Slow(EmailBackend):
    """A mail server that takes a mail only when the test lets it."""

    begun, go = threading.Event(), threading.Event()

    def send_messages(self, messages: Any) -> int:
        self.begun.set()
        assert self.go.wait(10)
        return int(super().send_messages(messages))


def through(settings: Any, backend: type) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.{backend.__name__}"


def slowly(settings: Any) -> type[Slow]:
    """Send through a mail server that waits for `go`."""
    through(settings, Slow)
    Slow.begun.clear()
    Slow.go.clear()
    return Slow


def reader(handle: str = "rita", **fields: Any) -> Any:
    user = person(handle, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def tell(*receivers: Any, key: str = "k", actor: Any = None, **facts: Any) -> None:
    facts = {"organisation": "云河 Lab", "role": "reader", **facts}
    notify(receivers=receivers, kind="membership.added", key=key, url="/lab", actor=actor, **facts)


def states() -> list[str]:
    return list(Notification.objects.order_by("pk").values_list("mail", flat=True))


def run_due(kind: str = "accounts.mail") -> None:
    """Let a worker do every due job of a kind."""
    for job in Job.objects.due().filter(kind=kind):
        jobs.run(job.pk)


# --- One mail -----------------------------------------------------------------------------------------------


def test_notice_becomes_one_mail_with_all_it_needs(db: None, settings: Any, django_capture_on_commit_callbacks: Any) -> None:
    settings.PUBLIC_URL = "https://gallery.example"
    rita, mona = reader(language="en"), person("mona", nickname="<i>Mona & Co</i>")
    tell(rita, actor=mona)
    run_due()
    run_due()
    [sent] = mail.outbox
    row = Notification.objects.get()
    sentence = "<i>Mona & Co</i> added you to the organisation 云河 Lab; your role is Reader."
    assert (sent.to, sent.subject) == (["rita@example.com"], sentence)
    assert sent.body == (
        f"{sentence}\n\nhttps://gallery.example/lab\n\n--\n"
        "AI Gallery sends you this because the account rita wants notices by mail. Choose what is mailed to you:\n"
        "https://gallery.example/me/notices\n"
    )
    [(html, sort)] = sent.alternatives
    assert sort == "text/html"
    assert "<i>" not in html
    assert '<b dir="auto">&lt;i&gt;Mona &amp; Co&lt;/i&gt;</b> added you' in html
    assert '<html lang="en">' in html
    assert '<a href="https://gallery.example/lab">' in html
    message = sent.message()
    assert message["Message-ID"] == f"<notice-{row.pk}-{int(row.created_at.timestamp() * 1000)}@gallery.example>"
    assert message["List-Unsubscribe"] == "<https://gallery.example/me/notices>"
    assert (message["Auto-Submitted"], message["Content-Language"]) == ("auto-generated", "en")
    assert (row.mail, row.mailed_at is not None) == ("sent", True)


@pytest.mark.parametrize(("language", "tag"), [("zh-hans", "zh-Hans"), ("en", "en"), ("", "en")])
def test_mail_is_in_the_language_of_its_reader(db: None, language: str, tag: str) -> None:
    tell(reader(language=language), role="owner")
    run_due()
    [sent] = mail.outbox
    assert sent.message()["Content-Language"] == tag
    assert f'<html lang="{tag}">' in sent.alternatives[0][0]
    assert ("所有者" in sent.subject) == (tag == "zh-Hans")


def test_gallery_speaks_its_own_language_to_those_who_chose_none(db: None, settings: Any) -> None:
    settings.LANGUAGE_CODE = "zh-hans"
    tell(reader(language=""))
    run_due()
    assert mail.outbox[0].message()["Content-Language"] == "zh-Hans"


def test_names_cannot_forge_headers(db: None) -> None:
    rita = reader(language="en")
    tell(rita, organisation="Lab\r\nBcc: evil@example.com\n\nBody\0")
    Notification.objects.update(facts={"actor": "x\nCc: y@example.com", "organisation": "\r\n\r\n<p>", "role": "reader"})
    run_due()
    [sent] = mail.outbox
    assert sent.subject == "x Cc: y@example.com added you to the organisation <p>; your role is Reader."
    assert sent.recipients() == ["rita@example.com"]
    assert sent.message()["Cc"] is None


def test_long_subject_is_cut(db: None) -> None:
    tell(reader(language="en"), organisation="长" * 400)
    run_due()
    assert len(mail.outbox[0].subject) == 150
    assert "长" * 400 in mail.outbox[0].body


def test_switch_thrown_before_the_mail_goes_counts(db: None) -> None:
    people = [reader(f"p{number}") for number in range(4)]
    tell(*people)
    people[0].email_notifications = False
    people[1].is_active = False
    for user in people[:2]:
        user.save()
    people[2].notice_settings.create(kind="membership.added", mail="never")
    EmailAddress.objects.filter(user=people[3]).update(verified=False)
    run_due()
    assert mail.outbox == []
    assert states() == ["none"] * 4


def test_event_that_is_rolled_back_tells_nobody(transactional_db: None) -> None:
    rita = reader()
    with transaction.atomic():
        tell(rita)
        assert Job.objects.filter(kind="accounts.mail").count() == 1
        transaction.set_rollback(True)
    assert (Notification.objects.count(), Job.objects.filter(kind="accounts.mail").count()) == (0, 0)


def test_large_event_hands_nothing_over_and_is_picked_up(db: None, monkeypatch: Any) -> None:
    monkeypatch.setattr("accounts.services.notices.PROMPT", 2)
    tell(*[reader(f"p{number}") for number in range(3)])
    assert Job.objects.count() == 0
    assert deliveries.start_mails() == 3
    assert deliveries.start_mails() == 0
    run_due()
    assert sorted(sent.to[0] for sent in mail.outbox) == ["p0@example.com", "p1@example.com", "p2@example.com"]


# --- Servers that refuse, workers that die ------------------------------------------------------------------


ERRORS = [
    ConnectionRefusedError("nobody listens"),
    TimeoutError("too slow"),
    smtplib.SMTPServerDisconnected("gone"),
    smtplib.SMTPAuthenticationError(535, b"no"),
    smtplib.SMTPRecipientsRefused({"rita@example.com": (450, b"busy")}),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_mail_waits_until_the_server_is_back(db: None, settings: Any, monkeypatch: Any, error: Exception) -> None:
    monkeypatch.setattr(Broken, "error", error)
    through(settings, Broken)
    tell(reader())
    job = Job.objects.get()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.tries, states()) == ("queued", 1, ["due"])
    assert job.due_at > timezone.now()
    settings.EMAIL_BACKEND = LOCMEM
    Job.objects.update(due_at=timezone.now())
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, states(), len(mail.outbox)) == ("done", ["sent"], 1)


def test_mail_whose_job_gave_up_is_picked_up_again_ever_more_rarely(db: None, settings: Any) -> None:
    through(settings, Broken)
    tell(reader())
    for _try in range(MAX_TRIES):
        Job.objects.update(due_at=timezone.now())
        run_due()
    job = Job.objects.get()
    assert (job.state, job.error, states()) == ("failed", "ConnectionRefusedError: nobody listens", ["due"])
    now = timezone.now()
    assert deliveries.start_mails(now) == 1
    assert deliveries.start_mails(now) == 0
    again = Job.objects.get(state="queued")
    assert again.due_at == now
    again.delete()
    Notification.objects.update(created_at=now - timedelta(hours=2))
    assert deliveries.start_mails(now) == 1
    assert Job.objects.get(state="queued").due_at == now + timedelta(minutes=30)
    settings.EMAIL_BACKEND = LOCMEM
    Job.objects.filter(state="queued").update(due_at=timezone.now())
    run_due()
    assert (states(), len(mail.outbox)) == (["sent"], 1)


def test_address_that_does_not_exist_is_given_up(db: None, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(Broken, "error", smtplib.SMTPRecipientsRefused({"rita@example.com": (550, b"no such user")}))
    through(settings, Broken)
    tell(reader())
    run_due()
    assert (Job.objects.get().state, states()) == ("done", ["none"])
    assert Notification.objects.get().mailed_at is None


def test_worker_lost_before_sending_loses_nothing(db: None) -> None:
    tell(reader())
    job = Job.objects.get()
    assert job.claim()
    assert states() == ["due"]
    Job.objects.update(due_at=timezone.now())
    run_due()
    assert (states(), len(mail.outbox)) == (["sent"], 1)


def test_worker_lost_after_sending_repeats_under_the_same_message_id(transactional_db: None, settings: Any) -> None:
    through(settings, Dying)
    tell(reader())
    pk = Notification.objects.get().pk
    with pytest.raises(KeyboardInterrupt):
        send_notice_mail(pk)
    assert states() == ["due"]
    settings.EMAIL_BACKEND = LOCMEM
    assert send_notice_mail(pk) is True
    assert states() == ["sent"]
    assert len(mail.outbox) == 2
    assert len({sent.message()["Message-ID"] for sent in mail.outbox}) == 1


def test_two_workers_at_once_send_one_mail(transactional_db: None, settings: Any) -> None:
    slow = slowly(settings)
    tell(reader())
    pk = Notification.objects.get().pk

    def second() -> bool:
        assert slow.begun.wait(10)
        try:
            return send_notice_mail(pk)
        finally:
            slow.go.set()

    assert in_threads(lambda: send_notice_mail(pk), second) == [True, False]
    assert send_notice_mail(pk) is True
    assert (states(), len(mail.outbox)) == (["sent"], 1)


def test_many_workers_one_after_the_other_send_one_mail(transactional_db: None) -> None:
    tell(reader())
    pk = Notification.objects.get().pk
    in_threads(*[lambda: send_notice_mail(pk)] * 4)
    send_notice_mail(pk)
    assert (states(), len(mail.outbox)) == (["sent"], 1)


def test_worker_that_finds_another_at_it_looks_again(transactional_db: None, settings: Any) -> None:
    slow = slowly(settings)
    tell(reader())
    job = Job.objects.get()

    def second() -> str:
        assert slow.begun.wait(10)
        try:
            jobs.run(job.pk)
            return Job.objects.get().state
        finally:
            slow.go.set()

    assert in_threads(lambda: send_notice_mail(job.params["id"]), second)[1] == "queued"
    Job.objects.update(due_at=timezone.now())
    jobs.run(job.pk)
    assert (Job.objects.get().state, len(mail.outbox)) == ("done", 1)


def test_receiver_reads_while_the_server_takes_its_time(transactional_db: None, settings: Any) -> None:
    slow = slowly(settings)
    rita = reader()
    tell(rita)
    pk = Notification.objects.get().pk

    def read() -> int:
        assert slow.begun.wait(10)
        try:
            return mark_all_read(user=rita)
        finally:
            slow.go.set()

    assert in_threads(lambda: send_notice_mail(pk), read) == [True, 1]
    row = Notification.objects.get()
    assert (row.mail, row.read_at is not None) == ("sent", True)


def test_recurring_jobs_do_their_round(db: None) -> None:
    rita = reader()
    notify(receivers=[rita], kind="follower.added", key="digest")
    Notification.objects.update(created_at=timezone.now() - timedelta(days=2))
    tell(rita, key="due")
    Job.objects.all().delete()
    jobs.sweep()
    rounds = {"accounts.mails", "accounts.digest", "accounts.trim_notices"}
    assert rounds <= set(Job.objects.values_list("kind", flat=True))
    for kind in rounds:
        run_due(kind)
    assert set(Job.objects.filter(kind__in=rounds).values_list("state", flat=True)) == {"queued"}
    run_due("accounts.mail")
    run_due("accounts.digest_mail")
    assert (sorted(states()), len(mail.outbox)) == (["sent", "sent"], 2)
