"""Who is told what, once, and what mail becomes of it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from accounts import notices
from accounts.models import AuditEvent, Notification
from accounts.services import mark_all_read, notify, set_notice_mail, trim_notices, unread_count
from accounts.tests.test_sign_up import in_threads
from core.problems import Problem
from core.testing import api, browser, organisation, person


def verified(user: Any) -> Any:
    """Let `user` have proven the address of the account."""
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def follow(*receivers: Any, key: str = "k1", **fields: Any) -> int:
    """Tell `receivers` that Mona follows them."""
    return notify(receivers=receivers, kind="follower.added", key=key, url="/mona", **fields)


def told() -> list[tuple[str, str, str]]:
    return sorted(Notification.objects.values_list("receiver__handle", "kind", "mail"))


def test_notice_reaches_each_receiver_once(alice: Any, bob: Any) -> None:
    assert follow(alice, bob, alice) == 2
    assert follow(alice, bob) == 0
    assert follow(alice, key="k2") == 1
    assert Notification.objects.filter(receiver=alice).count() == 2
    assert Notification.objects.filter(receiver=bob).count() == 1


def test_two_events_with_one_key_at_once_tell_once(transactional_db: None) -> None:
    people = [person(f"p{number}") for number in range(6)]
    counts = in_threads(*(lambda order=order: follow(*order) for order in (people, people[::-1], people[2:])))
    assert sum(counts) == 6
    assert Notification.objects.count() == 6


def test_account_that_is_switched_off_is_not_told(alice: Any, bob: Any) -> None:
    bob.is_active = False
    bob.save(update_fields=["is_active"])
    assert follow(alice, bob) == 1
    assert told() == [("alice", "follower.added", "none")]


@pytest.mark.parametrize(
    "fields", [{"kind": "no.such"}, {"key": ""}, {"key": "k" * 201}, {"url": "https://evil.example"}, {"url": "//evil"}]
)
def test_notice_that_nobody_could_read_is_refused(alice: Any, fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is not a"):
        notify(**{"receivers": [alice], "kind": "follower.added", "key": "k", **fields})
    assert Notification.objects.count() == 0


def test_mail_follows_the_kind_and_the_person(alice: Any, bob: Any, charlie: Any) -> None:
    for user in (alice, bob, charlie):
        verified(user)
    set_notice_mail(user=seen(bob), actor=bob, choices={"follower.added": "now"})
    set_notice_mail(user=seen(charlie), actor=charlie, choices={"follower.added": "never"})
    follow(alice, bob, charlie)
    assert told() == [("alice", "follower.added", "digest"), ("bob", "follower.added", "due"), ("charlie", "follower.added", "none")]


def seen(user: Any) -> Any:
    """Return `user` as they see themselves."""
    return type(user).objects.for_user(user).get(pk=user.pk)


def test_no_mail_without_the_switch_or_a_proven_address(alice: Any, bob: Any, charlie: Any) -> None:
    verified(alice)
    alice.email_notifications = False
    alice.save(update_fields=["email_notifications"])
    EmailAddress.objects.create(user=bob, email=bob.email, verified=False, primary=True)
    EmailAddress.objects.create(user=charlie, email="other@example.com", verified=True)
    notify(receivers=[alice, bob, charlie], kind="membership.removed", key="k")
    assert {mail for _who, _kind, mail in told()} == {"none"}


def test_case_of_the_proven_address_does_not_matter(alice: Any) -> None:
    EmailAddress.objects.create(user=alice, email="Alice@Example.com", verified=True)
    notify(receivers=[alice], kind="membership.removed", key="k")
    assert told() == [("alice", "membership.removed", "due")]


def test_sentence_comes_in_the_language_of_the_reader(alice: Any, bob: Any) -> None:
    notify(receivers=[bob], kind="membership.added", key="k", actor=alice, organisation="云河实验室", role="reader")
    row = Notification.objects.get()
    with translation.override("en"):
        assert row.sentence == "alice added you to the organisation 云河实验室; your role is Reader."
    with translation.override("zh-hans"):
        assert row.sentence == "alice 将你加入了组织“云河实验室”，你的角色是读者。"


def test_facts_cannot_forge_lines_or_markup(alice: Any, bob: Any) -> None:
    alice.nickname = "<b>A\u202eb"
    notify(receivers=[bob], kind="membership.removed", key="k", actor=alice, organisation="a\r\nBcc: x@y\0\ud800 %(actor)s")
    row = Notification.objects.get()
    assert row.sentence == "<b>A b removed you from the organisation a Bcc: x@y %(actor)s."
    assert row.markup == ('<b dir="auto">&lt;b&gt;A b</b> removed you from the organisation <b dir="auto">a Bcc: x@y %(actor)s</b>.')


@given(st.text(), st.text())
def test_no_name_breaks_a_line_or_becomes_markup(name: str, other: str) -> None:
    facts = {"actor": name, "organisation": other}
    line, shown = notices.sentence("membership.removed", facts), notices.markup("membership.removed", facts)
    assert line.splitlines() == [line]
    assert not set(line) & set("\0\r\n\u202e\u2066")
    assert re.sub(r'<b dir="auto">|</b>', "", shown).count("<") == 0


def test_fact_that_is_empty_leaves_no_trace() -> None:
    notices.register(notices.NoticeKind("test.empty", "Empty", "Decided. %(note)s", "Test"))
    try:
        assert notices.sentence("test.empty", {"note": ""}) == "Decided."
        assert "<b" not in notices.markup("test.empty", {"note": ""})
    finally:
        del notices._KINDS["test.empty"]


def test_facts_read_as_people_write_them() -> None:
    notices.register(notices.NoticeKind("test.facts", "Facts", "%(count)s %(names)s %(on)s %(at)s %(name)s %(none)s", "Test"))
    facts = {"count": 12345, "names": ["a", "b"], "on": "2026-11-22", "at": "2026-11-22T14:05:00+00:00", "name": "2026-99-99"}
    try:
        assert notices.sentence("test.facts", facts) == "12,345 a, b 22 Nov 2026 22 Nov 2026, 14:05 UTC 2026-99-99 …"
    finally:
        del notices._KINDS["test.facts"]


def test_kind_that_nobody_knows_any_more_still_has_a_sentence() -> None:
    assert notices.sentence("gone.kind", {"a": 1}) == "A notice of a kind that this version of the gallery does not know."


@pytest.mark.parametrize("kind", [("Bad code", "now"), ("a.b", "hourly")])
def test_kind_that_cannot_be_is_refused(kind: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="not a kind"):
        notices.NoticeKind(kind[0], "n", "s", "g", mail=kind[1])


def test_every_kind_proposes_a_way_and_speaks_both_languages() -> None:
    for _heading, kinds in notices.grouped_kinds():
        for kind in kinds:
            with translation.override("en"):
                english = str(kind.name), str(kind.sentence)
            with translation.override("zh-hans"):
                chinese = str(kind.name), str(kind.sentence)
            assert all(one != other for one, other in zip(english, chinese, strict=True)), kind.code


# --- Reading ------------------------------------------------------------------------------------------------


def test_unread_are_counted_with_one_statement(alice: Any, django_assert_num_queries: Any) -> None:
    for number in range(3):
        follow(alice, key=f"k{number}")
    with django_assert_num_queries(1):
        assert unread_count(alice) == 3
    assert mark_all_read(user=alice, until=Notification.objects.order_by("pk")[1].pk) == 2
    assert unread_count(alice) == 1


def test_old_notices_that_were_read_go_and_others_stay(alice: Any) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    rows = {"old": (-181, "sent"), "recent": (-179, "none"), "waiting": (-181, "due"), "unread": (None, "none")}
    for key, (days, mail) in rows.items():
        follow(alice, key=key)
        read_at = None if days is None else now + timedelta(days=days)
        Notification.objects.filter(key=key).update(mail=mail, read_at=read_at, created_at=now - timedelta(days=400))
    assert trim_notices(at=now) == 1
    assert set(Notification.objects.values_list("key", flat=True)) == {"recent", "waiting", "unread"}


# --- Switches -----------------------------------------------------------------------------------------------


def test_setting_is_kept_once_and_audited(alice: Any) -> None:
    set_notice_mail(user=seen(alice), actor=alice, choices={"follower.added": "now", "membership.added": ""})
    set_notice_mail(user=seen(alice), actor=alice, choices={"follower.added": "now"})
    assert list(alice.notice_settings.values_list("kind", "mail")) == [("follower.added", "now")]
    event = AuditEvent.objects.get(verb="edit")
    assert (event.target, event.details) == ("alice", {"fields": ["notices"], "kinds": ["follower.added"]})
    set_notice_mail(user=seen(alice), actor=alice, choices={"follower.added": ""})
    assert not alice.notice_settings.exists()


def test_setting_refuses_what_it_does_not_know(alice: Any) -> None:
    with pytest.raises(Problem) as caught:
        set_notice_mail(user=seen(alice), actor=alice, choices={"no.such": "now", "follower.added": "hourly", "membership.added": "never"})
    assert (caught.value.code, set(caught.value.errors)) == ("bad_notice_setting", {"no.such", "follower.added"})
    assert not alice.notice_settings.exists()


# --- What this room tells -----------------------------------------------------------------------------------


def test_member_is_told_what_others_did(alice: Any, bob: Any) -> None:
    organisation("lab", owner=alice)
    client, address = api(alice), "/api/v1/organisations/lab/members/bob"
    client.put(address, {"role": "reader"})
    client.put(address, {"role": "reader"})
    client.put(address, {"role": "maintainer"})
    client.put(address, {"role": "owner"})
    client.delete(address)
    rows = list(Notification.objects.order_by("pk"))
    assert {(row.receiver.handle, row.actor.handle, row.url) for row in rows} == {("bob", "alice", "/lab")}
    assert [row.sentence for row in rows] == [
        "alice added you to the organisation lab; your role is Reader.",
        "alice changed your role in the organisation lab from Reader to Maintainer.",
        "alice changed your role in the organisation lab from Maintainer to Owner.",
        "alice removed you from the organisation lab.",
    ]
    client.put(address, {"role": "reader"})
    assert Notification.objects.filter(kind="membership.added").count() == 2


def test_what_one_does_oneself_is_no_news(alice: Any, bob: Any) -> None:
    organisation("lab", owner=alice, reader=bob)
    browser(bob).post("/lab/-/members/bob/remove")
    browser(alice).post("/organisations/new", {"handle": "new-lab", "nickname": "", "bio": ""})
    assert Notification.objects.count() == 0


def test_refused_change_tells_nobody(alice: Any, bob: Any) -> None:
    organisation("lab", owner=alice)
    assert api(bob).put("/api/v1/organisations/lab/members/bob", {"role": "reader"}).status_code == 403
    assert api(alice).delete("/api/v1/organisations/lab/members/alice").status_code == 409
    assert Notification.objects.count() == 0


def test_notice_of_a_deleted_actor_stays(alice: Any, bob: Any) -> None:
    mona = person("mona")
    notify(receivers=[bob], kind="follower.added", key="k", actor=mona)
    mona.delete()
    row = Notification.objects.get()
    assert (row.actor, row.sentence, row.created_at <= timezone.now()) == (None, "mona follows you now.", True)
