"""Codes that prove an address: how long, how often, how many; the clock is passed in and the mails are caught."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.utils import translation

from accounts.models import AuditEvent, EmailCode
from accounts.services import send_code
from accounts.services.codes import HOURLY, check_code, use_up
from accounts.tests.test_sign_up import in_threads
from core.problems import Problem
from core.requests import Origin, working

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NEW = "new@example.com"


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    cache.clear()


def minutes(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


def sent(user: Any, at: datetime = NOON, email: str = NEW, purpose: str = "change") -> str:
    """Send a code and return it as it stands in the mail."""
    send_code(actor=user, purpose=purpose, email=email, at=at)
    return code_in(mail.outbox[-1])


def code_in(message: Any) -> str:
    found = re.search(r"^\d{6}$", message.body, re.M)
    assert found, message.body
    return found[0]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def outcome(user: Any, code: str, at: datetime = NOON, email: str = NEW, purpose: str = "change") -> str:
    """Try a code and return `right`, or the word of the refusal."""
    try:
        check_code(actor=user, purpose=purpose, email=email, code=code, at=at)
    except Problem as problem:
        assert list(problem.errors) == ["code"]
        return problem.code
    return "right"


def refusal(user: Any, at: datetime, email: str = NEW) -> str:
    with pytest.raises(Problem) as caught:
        send_code(actor=user, purpose="change", email=email, at=at)
    return caught.value.code


def test_mail_carries_six_digits_and_the_table_does_not(alice: Any) -> None:
    code = sent(alice, email="New@Example.com")
    message = mail.outbox[0]
    assert (message.to, message.subject) == (["new@example.com"], f"{code} is your code for AI Gallery")
    row = EmailCode.objects.get()
    assert (row.email, row.tries, len(row.digest)) == ("new@example.com", 0, 64)
    assert code not in str(vars(row))
    assert AuditEvent.objects.get(verb="send_email_code").details == {"purpose": "change"}


def test_code_counts_for_ten_minutes_and_not_a_moment_longer(alice: Any) -> None:
    code = sent(alice)
    assert outcome(alice, code, minutes(10) - timedelta(microseconds=1)) == "right"
    assert outcome(alice, code, minutes(10)) == "code_expired"
    assert EmailCode.objects.get().tries == 1


def test_another_code_after_sixty_seconds(alice: Any) -> None:
    sent(alice)
    assert refusal(alice, NOON + timedelta(seconds=59)) == "code_too_soon"
    assert len(mail.outbox) == 1
    sent(alice, NOON + timedelta(seconds=60))
    assert len(mail.outbox) == 2


def test_pause_counts_for_every_purpose_and_says_how_long(alice: Any) -> None:
    sent(alice)
    with pytest.raises(Problem) as caught:
        send_code(actor=alice, purpose="onboarding", email="other@example.com", at=NOON + timedelta(seconds=17.5))
    assert (caught.value.status, caught.value.extra) == (429, {"retry_after": 43})


def test_fifth_try_counts_and_the_sixth_does_not(alice: Any) -> None:
    code = sent(alice)
    assert [outcome(alice, wrong(code)) for _try in range(4)] == ["code_wrong"] * 4
    assert outcome(alice, code) == "right"
    assert outcome(alice, code) == "code_tries"


def test_refusal_names_the_tries_that_are_left(alice: Any) -> None:
    code = sent(alice)
    said = []
    for _try in range(5):
        with pytest.raises(Problem) as caught:
            check_code(actor=alice, purpose="change", email=NEW, code=wrong(code), at=NOON)
        said.append(str(caught.value.detail))
    assert said[0] == "This is not the code. 4 tries are left."
    assert said[3:] == ["This is not the code. 1 try is left.", "This is not the code. 0 tries are left."]


def test_new_code_ends_the_former_one(alice: Any) -> None:
    first, second = sent(alice), sent(alice, minutes(1))
    if first != second:
        assert outcome(alice, first, minutes(1)) == "code_wrong"
    assert outcome(alice, second, minutes(1)) == "right"


def test_code_is_used_once(alice: Any) -> None:
    code = sent(alice)
    use_up(check_code(actor=alice, purpose="change", email=NEW, code=code, at=NOON), NOON)
    assert outcome(alice, code) == "code_used"


def test_code_is_for_one_person_one_address_and_one_purpose(alice: Any, bob: Any) -> None:
    code = sent(alice)
    assert outcome(alice, code, email="other@example.com") == "code_not_sent"
    assert outcome(alice, code, purpose="onboarding") == "code_not_sent"
    assert outcome(bob, code) == "code_not_sent"
    assert EmailCode.objects.get().tries == 0


def test_ten_codes_a_day(alice: Any, bob: Any) -> None:
    for number in range(10):
        sent(alice, minutes(number))
    assert refusal(alice, minutes(60)) == "too_many_codes"
    assert refusal(alice, minutes(24 * 60) - timedelta(seconds=1)) == "too_many_codes"
    sent(bob, minutes(60), email="bobs@example.com")
    sent(alice, minutes(24 * 60))
    assert EmailCode.objects.filter(user=alice).count() == 10


def test_guesser_has_fifty_tries_a_day_over_all_codes(alice: Any) -> None:
    tries = 0
    for number in range(40):
        try:
            code = sent(alice, minutes(number * 5))
        except Problem as problem:
            assert problem.code == "too_many_codes"
            continue
        while outcome(alice, wrong(code), minutes(number * 5)) == "code_wrong":
            tries += 1
    assert tries == 50


def test_requests_of_one_person_are_counted_also_where_they_are_refused(alice: Any, bob: Any) -> None:
    for _request in range(HOURLY["user"]):
        assert refusal(alice, NOON, email=bob.email) == "email_taken"
    assert refusal(alice, NOON, email="nobody@example.com") == "too_many_codes"
    assert mail.outbox == []


def test_requests_from_one_network_address_are_counted(alice: Any, bob: Any) -> None:
    with working(Origin("request-1", "192.0.2.7")):
        cache.set("email-codes:ip:192.0.2.7", HOURLY["ip"], 60)
        assert refusal(alice, NOON) == "too_many_codes"
    with working(Origin("request-2", "192.0.2.8")):
        sent(alice)


def test_failure_to_send_is_told_and_the_pause_holds(alice: Any, settings: Any) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1", 1
    with pytest.raises(Problem) as caught:
        send_code(actor=alice, purpose="change", email=NEW, at=NOON)
    assert (caught.value.code, caught.value.status, list(caught.value.errors)) == ("mail_failed", 502, ["email"])
    assert refusal(alice, NOON) == "code_too_soon"


def test_mail_speaks_the_language_of_the_page(alice: Any) -> None:
    with translation.override("zh-hans"):
        send_code(actor=alice, purpose="onboarding", email=NEW, at=NOON)
    assert mail.outbox[0].subject == f"{code_in(mail.outbox[0])} 是你的 AI Gallery 验证码"


@pytest.mark.django_db(transaction=True)
def test_many_tries_at_once_have_five_between_them(alice: Any) -> None:
    code = sent(alice)
    found = in_threads(*[lambda: outcome(alice, wrong(code))] * 12)
    assert sorted(found) == ["code_tries"] * 7 + ["code_wrong"] * 5


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_send_one_code(alice: Any) -> None:
    def ask() -> str:
        try:
            send_code(actor=alice, purpose="change", email=NEW, at=NOON)
        except Problem as problem:
            return problem.code
        return "sent"

    assert sorted(in_threads(ask, ask)) == ["code_too_soon", "sent"]
    assert EmailCode.objects.count() == len(mail.outbox) == 1
