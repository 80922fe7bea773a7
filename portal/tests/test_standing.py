"""Who may see and do what in the administration: a table of every standing and every page."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.services import set_standing
from core.testing import SIGN_IN, browser, person, rolled_back
from portal.standing import keep_groups, permissions_of

WHO = ("visitor", "person", "reviewer", "operator", "administrator")
NOBODY = {"visitor": SIGN_IN, "person": 403}
EVERY, STAFF, ADMINISTRATORS = (
    {**NOBODY, "reviewer": 200, "operator": 200, "administrator": 200},
    {**NOBODY, "reviewer": 403, "operator": 200, "administrator": 200},
    {**NOBODY, "reviewer": 403, "operator": 403, "administrator": 200},
)
LISTS: dict[str, dict[str, Any]] = {
    "accounts.user": STAFF,
    "accounts.organisation": STAFF,
    "accounts.namespace": STAFF,
    "accounts.accesstoken": STAFF,
    "accounts.auditevent": STAFF,
    "accounts.agreement": STAFF,
    "accounts.acceptance": STAFF,
    "accounts.wordlist": EVERY,
    "accounts.notification": STAFF,
    "accounts.webhook": STAFF,
    "accounts.webhookdelivery": STAFF,
    "mfa.authenticator": STAFF,
    "usersessions.usersession": STAFF,
    "jobs.job": STAFF,
    "assets.asset": EVERY,
    "assets.term": EVERY,
    "assets.submission": EVERY,
    "assets.application": STAFF,
    "assets.grant": STAFF,
    "assets.collection": STAFF,
    "toolchain.spec": STAFF,
    "toolchain.limit": STAFF,
    "toolchain.entry": STAFF,
    "toolchain.node": STAFF,
    "toolchain.run": STAFF,
    "toolchain.environment": STAFF,
    "trainer.training": STAFF,
    "portal.sitesettings": STAFF,
}
ADDS: dict[str, dict[str, Any]] = {
    "accounts.user": ADMINISTRATORS,
    "accounts.agreement": STAFF,
    "accounts.wordlist": STAFF,
    "assets.term": STAFF,
    "toolchain.spec": STAFF,
    "toolchain.limit": STAFF,
    "toolchain.entry": ADMINISTRATORS,
}
CLOSED = {**NOBODY, "reviewer": 403, "operator": 403, "administrator": 403}
ACTS: dict[tuple[str, str], tuple[str, ...]] = {
    ("accounts.user", "suspend"): ("operator", "administrator"),
    ("accounts.user", "lift"): ("operator", "administrator"),
    ("accounts.user", "sign-out"): ("operator", "administrator"),
    ("accounts.user", "official"): ("operator", "administrator"),
    ("accounts.user", "unofficial"): ("operator", "administrator"),
    ("accounts.user", "standing"): ("administrator",),
    ("accounts.user", "password"): ("administrator",),
    ("accounts.organisation", "official"): ("operator", "administrator"),
    ("accounts.organisation", "unofficial"): ("operator", "administrator"),
    ("accounts.namespace", "quota"): ("operator", "administrator"),
    ("accounts.accesstoken", "revoke"): ("operator", "administrator"),
    ("accounts.agreement", "publish"): ("operator", "administrator"),
    ("accounts.agreement", "next"): ("operator", "administrator"),
    ("mfa.authenticator", "remove"): ("administrator",),
    ("jobs.job", "retry"): ("operator", "administrator"),
    ("jobs.job", "stop"): ("operator", "administrator"),
    ("assets.asset", "official"): ("operator", "administrator"),
    ("assets.asset", "unofficial"): ("operator", "administrator"),
    ("assets.asset", "featured"): ("operator", "administrator"),
    ("assets.asset", "unfeatured"): ("operator", "administrator"),
    ("assets.asset", "commercial"): ("operator", "administrator"),
    ("assets.asset", "uncommercial"): ("operator", "administrator"),
    ("assets.submission", "approve"): ("reviewer", "administrator"),
    ("assets.submission", "reject"): ("reviewer", "administrator"),
    ("toolchain.limit", "lift"): ("operator", "administrator"),
    ("trainer.training", "stop"): ("administrator",),
    ("trainer.training", "delete"): ("administrator",),
}


def tables() -> dict[str, Any]:
    return {model._meta.label_lower: shown for model, shown in admin.site._registry.items()}


@pytest.fixture
def clients(ada: Any) -> dict[str, Any]:
    """A browser for everybody of `WHO`."""
    found = {"visitor": browser(), "person": browser(person("paul")), "administrator": browser(ada)}
    for standing in ("reviewer", "operator"):
        user = person(f"some-{standing}")
        set_standing(actor=ada, user=user, standing=standing)
        found[standing] = browser(user)
    return found


def answers(clients: dict[str, Any], address: str, method: str = "get") -> dict[str, Any]:
    got: dict[str, Any] = {}
    for who in WHO:
        with rolled_back():
            response = getattr(clients[who], method)(address, follow=False)
            if response.status_code == 302 and response["Location"].startswith("/admin/"):
                response = clients[who].get(response["Location"])
            asked = response.status_code == 302 and response["Location"].split("?")[0] == reverse("account_login")
            got[who] = SIGN_IN if asked else response.status_code
    return got


def test_tables_name_every_page_and_every_act() -> None:
    assert set(LISTS) == set(tables())
    assert set(ACTS) == {(label, act.name) for label, shown in tables().items() for act in shown.acts}


def test_lists_are_shown_by_standing(clients: dict[str, Any]) -> None:
    assert {label: answers(clients, reverse(f"admin:{label.replace('.', '_')}_changelist")) for label in LISTS} == LISTS


def test_rows_are_added_by_standing_and_deleted_by_nobody(clients: dict[str, Any]) -> None:
    expected = {label: ADDS.get(label, CLOSED) for label in LISTS}
    assert {label: answers(clients, reverse(f"admin:{label.replace('.', '_')}_add")) for label in LISTS} == expected
    assert [label for label, shown in tables().items() if shown.has_delete_permission(None)] == []


def test_acts_are_allowed_by_standing(clients: dict[str, Any], ada: Any) -> None:
    """An act on a row that is not there: refused with 403 by standing, else 404."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    before = AuditEvent.objects.count()
    for label, name in ACTS:
        address = reverse(f"admin:{label.replace('.', '_')}_act", args=["999999999", name])
        got = answers(clients, address, "post")
        assert set(got.values()) <= {SIGN_IN, 403, 404}, (label, name, got)
        found[label, name] = tuple(who for who in WHO if got[who] == 404)
    assert found == ACTS
    assert AuditEvent.objects.count() == before


def test_menu_shows_what_may_be_opened(clients: dict[str, Any]) -> None:
    def entries(who: str) -> list[str]:
        return [item["link"] for group in clients[who].get("/admin/").context["sidebar_navigation"] for item in group["items"]]

    assert sorted(entries("reviewer")) == [
        "/admin/accounts/wordlist/",
        "/admin/assets/asset/",
        "/admin/assets/submission/",
        "/admin/assets/term/",
    ]
    assert len(entries("operator")) == len(entries("administrator")) == len(LISTS)


def test_first_page_counts_what_needs_somebody(clients: dict[str, Any], ada: Any) -> None:
    from jobs.models import Job

    Job.objects.create(kind="test.broken", state="failed")
    cards = {str(card.title): (card.value, card.calm) for card in clients["operator"].get("/admin/").context["cards"]}
    assert cards["Failed jobs"] == ("1", False)
    assert cards["Waiting reviews"] == ("0", True)
    assert [str(card.title) for card in clients["reviewer"].get("/admin/").context["cards"]] == ["Waiting reviews"]
    clients["operator"].cookies["gallery_language"] = "zh-hans"
    assert clients["operator"].get("/admin/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_groups_come_back_when_the_tables_are_emptied() -> None:
    Group.objects.all().delete()
    keep_groups()
    assert list(Group.objects.order_by("name").values_list("name", flat=True)) == ["operator", "reviewer"]
    for group in Group.objects.all():
        got = {f"{row.content_type.app_label}.{row.codename}" for row in group.permissions.select_related("content_type")}
        assert got == permissions_of(group.name)


@pytest.mark.django_db(transaction=True)
def test_groups_are_there_after_an_emptying_test() -> None:
    assert Group.objects.count() == 2
