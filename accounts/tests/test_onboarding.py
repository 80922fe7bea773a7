"""Onboarding: who has to, what it asks for, what it leaves behind, and where it leads on."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from accounts.models import Acceptance, Agreement, AuditEvent, EmailCode, User
from accounts.onboarding import onboarded
from accounts.services import accept_agreements, current_agreements, has_accepted, is_onboarded, require_onboarded
from accounts.tests.test_codes import code_in, wrong
from core.problems import Conflict, Forbidden
from core.testing import PASSWORD, People, api, browser

BOTH = ("publishing", "service")


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    cache.clear()


def newest(*kinds: str) -> list[int]:
    return [agreement.pk for agreement in current_agreements(*kinds)]


def publish(kind: str) -> Agreement:
    """Publish one more version of an agreement."""
    last = Agreement.objects.filter(kind=kind).latest("version")
    fields = {name: getattr(last, name) for name in ("title_en", "title_zh", "text_en", "text_zh")}
    return Agreement.objects.create(kind=kind, version=last.version + 1, published_at=timezone.now(), **fields)


def ask_for_code(client: Any, email: str = "alice@example.com", **more: Any) -> str:
    response = client.post("/welcome/code", {"email": email, **more})
    assert response.status_code == 200
    return code_in(mail.outbox[-1])


def filled(code: str, **changes: Any) -> dict[str, Any]:
    return {"nickname": "林晚舟", "email": "alice@example.com", "code": code, "agreements": newest(*BOTH), "news": "on", **changes}


def row(user: Any) -> User:
    return User.objects.get(pk=user.pk)


@pytest.mark.parametrize("address", ["/welcome", "/welcome/code"])
def test_visitor_is_asked_to_sign_in(db: None, address: str) -> None:
    assert browser().get(address)["Location"] == f"/account/login/?next={address}"
    assert browser().post(address, {"email": "a@example.com"}).status_code == 302
    assert mail.outbox == []


def test_person_is_onboarded(alice: Any) -> None:
    client = browser(alice)
    code = ask_for_code(client)
    response = client.post("/welcome", filled(code), REMOTE_ADDR="192.0.2.9")
    assert (response.status_code, response["Location"]) == (302, "/me/profile")
    alice = row(alice)
    assert (alice.nickname, alice.email, alice.news, alice.onboarded_at is not None) == ("林晚舟", "alice@example.com", True, True)
    assert list(EmailAddress.objects.filter(user=alice).values_list("email", "verified", "primary")) == [("alice@example.com", True, True)]
    accepted = Acceptance.objects.filter(user=alice).order_by("agreement__kind")
    assert [(one.agreement.kind, one.agreement.version, one.ip) for one in accepted] == [
        ("publishing", 1, "192.0.2.9"),
        ("service", 1, "192.0.2.9"),
    ]
    verbs = AuditEvent.objects.filter(actor="alice").exclude(verb="sign_in").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["send_email_code", "edit", "accept_agreements", "onboard"]
    assert is_onboarded(alice)
    assert client.get("/welcome")["Location"] == "/me/profile"
    assert len(mail.outbox) == 1


def test_another_address_becomes_the_address_of_the_account(alice: Any) -> None:
    client = browser()
    client.post("/account/login/", {"login": "alice", "password": PASSWORD})
    again = client.post("/welcome/code", {"email": "New@Example.com", "next": "/models"})
    assert again["Location"].startswith("/account/reauthenticate/")
    shown = client.post(again["Location"], {"password": PASSWORD})
    assert shown.status_code == 200, "the request goes on by itself"
    code = code_in(mail.outbox[-1])
    assert mail.outbox[-1].to == ["new@example.com"]
    assert client.post("/welcome", filled(code, email="new@example.com")).status_code == 302
    assert row(alice).email == "new@example.com"
    assert list(EmailAddress.objects.filter(user=alice).values_list("email", "verified")) == [("new@example.com", True)]
    told = mail.outbox[-1]
    assert (told.to, told.subject) == (["alice@example.com"], "The email of your account at AI Gallery was changed")
    assert "n…@example.com" in told.body and "new@example.com" not in told.body


def test_code_button_keeps_what_was_typed(alice: Any) -> None:
    service = newest("service")[0]
    page = browser(alice).post(
        "/welcome/code", {"nickname": "Wan <b>", "email": "alice@example.com", "agreements": [service], "news": "on", "next": "/models?q=1"}
    )
    text = page.content.decode()
    assert "A code is on its way to alice@example.com" in text
    assert 'value="Wan &lt;b&gt;"' in text
    assert f'name="agreements" value="{service}" required checked' in text
    assert '<input type="hidden" name="next" value="/models?q=1">' in text


def test_code_button_says_what_is_wrong_at_the_address(alice: Any, bob: Any) -> None:
    client = browser(alice)
    for email in ("", "nobody", "nul\0@example.com", "a@example.com\nBcc: b@example.com"):
        assert client.post("/welcome/code", {"email": email}).status_code == 422
    ask_for_code(client)
    again = client.post("/welcome/code", {"email": "alice@example.com"})
    assert (again.status_code, "Wait 60 seconds" in again.content.decode()) == (422, True)
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"nickname": "  "}, "nickname"),
        ({"nickname": "n" * 65}, "nickname"),
        ({"email": "other@example.com"}, "code"),
        ({"code": ""}, "code"),
        ({"code": "12345"}, "code"),
        ({"code": "１２３４５６"}, "code"),
        ({"agreements": []}, "agreements"),
        ({"agreements": ["0"]}, "agreements"),
        ({"agreements": ["x"]}, "agreements"),
    ],
)
def test_refusal_stands_at_its_field_and_nothing_is_written(alice: Any, changes: dict[str, Any], field: str) -> None:
    client = browser(alice)
    response = client.post("/welcome", {**filled(ask_for_code(client)), **changes})
    assert response.status_code == 422
    assert f'id="id_{field}-error"' in response.content.decode()
    found = row(alice)
    assert (found.nickname, found.onboarded_at, Acceptance.objects.count(), EmailCode.objects.get().used_at) == ("", None, 0, None)


def test_code_may_be_typed_with_spaces(alice: Any) -> None:
    client = browser(alice)
    code = ask_for_code(client)
    assert client.post("/welcome", filled(f" {code[:3]} {code[3:]} ")).status_code == 302


def test_one_agreement_is_not_enough(alice: Any) -> None:
    client = browser(alice)
    response = client.post("/welcome", filled(ask_for_code(client), agreements=newest("service")))
    assert (response.status_code, "Read both agreements and agree to them." in response.content.decode()) == (422, True)
    assert EmailCode.objects.get().tries == 0


def test_version_that_was_replaced_while_the_form_was_open_is_refused(alice: Any) -> None:
    client = browser(alice)
    form = filled(ask_for_code(client))
    publish("service")
    response = client.post("/welcome", form)
    assert (response.status_code, "A newer version of this agreement" in response.content.decode()) == (422, True)
    assert row(alice).onboarded_at is None


def test_sixth_try_on_the_page_is_refused_even_if_right(alice: Any) -> None:
    client = browser(alice)
    code = ask_for_code(client)
    for _try in range(5):
        assert client.post("/welcome", filled(wrong(code))).status_code == 422
    response = client.post("/welcome", filled(code))
    assert (response.status_code, "too many wrong tries" in response.content.decode()) == (422, True)
    assert row(alice).onboarded_at is None


def test_of_two_tabs_the_one_with_the_newest_code_finishes_once(alice: Any) -> None:
    one, two = browser(alice), browser(alice)
    first = ask_for_code(one)
    EmailCode.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    second = ask_for_code(two)
    if first != second:
        assert one.post("/welcome", filled(first)).status_code == 422
    assert two.post("/welcome", filled(second)).status_code == 302
    again = one.post("/welcome", {**filled(second), "next": "/datasets"})
    assert (again.status_code, again["Location"]) == (302, "/datasets")
    assert AuditEvent.objects.filter(verb="onboard").count() == 1


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/models?q=a%20b#x", "/models?q=a%20b#x"),
        ("//evil.example", "/me/profile"),
        ("/\\evil.example", "/me/profile"),
        ("https://evil.example/", "/me/profile"),
        ("http:///evil.example", "/me/profile"),
        ("javascript:alert(1)", "/me/profile"),
        ("/\t/evil.example", "/me/profile"),
        ("models", "/me/profile"),
        ("", "/me/profile"),
    ],
)
def test_way_back_stays_on_this_site(alice: Any, wanted: str, reached: str) -> None:
    client = browser(alice)
    response = client.post("/welcome", filled(ask_for_code(client), next=wanted))
    assert (response.status_code, response["Location"]) == (302, reached)
    assert client.get("/welcome", {"next": wanted})["Location"] == reached


def test_newer_version_is_asked_for_again(alice: Any) -> None:
    client = browser(alice)
    client.post("/welcome", filled(ask_for_code(client)))
    second = publish("publishing")
    assert not is_onboarded(row(alice))
    page = client.get("/welcome?next=/models").content.decode()
    assert "The agreements have changed" in page and "(version 2)" in page and 'name="code"' not in page
    assert client.post("/welcome", {"next": "/models"}).status_code == 422
    response = client.post("/welcome", {"agreements": [second.pk], "next": "/models"})
    assert (response.status_code, response["Location"]) == (302, "/models")
    assert is_onboarded(row(alice))
    kept = Acceptance.objects.filter(user=alice, agreement__kind="publishing").order_by("pk").values_list("agreement__version", flat=True)
    assert list(kept) == [1, 2]


def test_draft_counts_for_nothing(alice: Any) -> None:
    draft = publish("service")
    Agreement.objects.filter(pk=draft.pk).update(published_at=None)
    accept_agreements(user=alice, agreements=current_agreements("service"))
    assert has_accepted(alice, "service")
    with pytest.raises(Conflict) as caught:
        accept_agreements(user=alice, agreements=[draft])
    assert caught.value.code == "agreement_outdated"
    assert browser().get(f"/agreements/service/{draft.version}").status_code == 404


def test_agreeing_again_keeps_the_first_time(alice: Any) -> None:
    accept_agreements(user=alice, agreements=current_agreements("risk"))
    first = Acceptance.objects.get()
    accept_agreements(user=alice, agreements=current_agreements("risk"))
    assert (Acceptance.objects.get().accepted_at, AuditEvent.objects.filter(verb="accept_agreements").count()) == (first.accepted_at, 1)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("kind", Agreement.Kind.values)
def test_everybody_reads_the_agreements(db: None, kind: str, language: str) -> None:
    client = browser()
    client.cookies["gallery_language"] = language
    page = client.get(f"/agreements/{kind}")
    found = Agreement.objects.get(kind=kind, version=1)
    assert page.status_code == 200
    assert (found.title_zh if language == "zh-hans" else found.title_en) in page.content.decode()
    assert client.get(f"/agreements/{kind}/1").status_code == 200


def test_older_version_stays_readable_and_says_so(db: None) -> None:
    publish("service")
    old = browser().get("/agreements/service/1").content.decode()
    assert "There is a newer version of this agreement." in old
    assert "There is a newer version" not in browser().get("/agreements/service").content.decode()
    for address in ("/agreements/service/3", "/agreements/other", "/agreements/service/0"):
        assert browser().get(address).status_code == 404


def test_text_of_an_agreement_is_made_harmless(db: None) -> None:
    made = publish("risk")
    Agreement.objects.filter(pk=made.pk).update(text_en="<script>alert(1)</script>\n\n**strong**")
    page = browser().get("/agreements/risk").content.decode()
    assert "<script>alert" not in page and "<strong>strong</strong>" in page


def test_service_refuses_who_is_not_onboarded(alice: Any) -> None:
    with pytest.raises(Forbidden) as caught:
        require_onboarded(alice)
    assert (caught.value.code, caught.value.extra) == ("onboarding_required", {"location": "/welcome"})


@onboarded
def write(request: HttpRequest) -> HttpResponse:
    return HttpResponse("written")


def visit(user: Any, method: str = "get") -> HttpResponse:
    request = getattr(RequestFactory(), method)("/articles/new?draft=1&x=%2F")
    request.user = user
    return write(request)


def test_page_that_needs_onboarding_leads_there_and_back(alice: Any) -> None:
    assert visit(alice)["Location"] == "/welcome?next=%2Farticles%2Fnew%3Fdraft%3D1%26x%3D%252F"
    assert visit(alice, "post")["Location"] == "/welcome?next=%2Farticles%2Fnew"
    client = browser(alice)
    client.post("/welcome", filled(ask_for_code(client)))
    assert visit(row(alice)).content == b"written"


def test_hosting_needs_no_onboarding(alice: Any) -> None:
    assert browser(alice).get("/models/new").status_code == 200
    assert api(alice).post("/api/v1/models", {"name": "tiny"}).status_code == 201


def test_profile_and_rail_lead_to_the_onboarding_until_it_is_done(alice: Any) -> None:
    client = browser(alice)
    before = client.get("/me/profile").content.decode()
    assert "Start the onboarding" in before and before.count('href="/welcome"') == 2
    client.post("/welcome", filled(ask_for_code(client)))
    assert 'href="/welcome"' not in client.get("/me/profile").content.decode()


def test_forbidden_word_in_the_nickname_is_refused_at_its_field(alice: Any) -> None:
    from accounts.models import WordList

    WordList.objects.create(name="test", words="brimstone")
    client = browser(alice)
    response = client.post("/welcome", filled(ask_for_code(client), nickname="Brimstone & Co"))
    assert (response.status_code, "“brimstone” must not stand here" in response.content.decode()) == (422, True)
    assert (row(alice).onboarded_at, EmailCode.objects.get().tries) == (None, 0)


# --- REST ---------------------------------------------------------------------------------------------------


def test_rest_onboards(alice: Any) -> None:
    client = api(alice)
    before = client.get("/api/v1/me/onboarding").json()
    assert (before["onboarded"], [one["kind"] for one in before["agreements"]]) == (False, ["publishing", "service"])
    sent = client.post("/api/v1/me/email/code", {"email": "alice@example.com", "purpose": "onboarding"})
    assert (sent.status_code, sent.json()["email"]) == (202, "alice@example.com")
    body = {"nickname": "A", "email": "alice@example.com", "code": code_in(mail.outbox[-1]), "agreements": newest(*BOTH)}
    after = client.post("/api/v1/me/onboarding", body)
    assert (after.status_code, after.json()["onboarded"], after.json()["agreements"]) == (200, True, [])
    assert client.post("/api/v1/me/onboarding", body).json()["code"] == "already_onboarded"
    assert client.get("/api/v1/me").json()["onboarded_at"] == after.json()["onboarded_at"]


@pytest.mark.parametrize("value", [None, "x", [], {}, ["x"], [None], [2**70], [0], [-1], "1"])
def test_rest_refuses_agreements_that_are_no_ids(alice: Any, value: Any) -> None:
    answer = api(alice).post("/api/v1/me/agreements", {"agreements": value})
    assert answer.status_code == (200 if value == [] else 400), answer.content
    assert Acceptance.objects.count() == 0


def test_rest_accepts_current_versions_and_lists_them(alice: Any, bob: Any) -> None:
    client = api(alice)
    assert client.post("/api/v1/me/agreements", {"agreements": [2**40]}).json()["code"] == "agreement_outdated"
    [risk] = newest("risk")
    answer = client.post("/api/v1/me/agreements", {"agreements": [risk, risk]})
    assert [(one["id"], one["kind"], one["version"]) for one in answer.json()] == [(risk, "risk", 1)]
    assert api(bob).get("/api/v1/me/agreements").json() == []
    newer = publish("risk")
    outdated = client.post("/api/v1/me/agreements", {"agreements": [risk]})
    assert (outdated.status_code, outdated.json()["code"]) == (409, "agreement_outdated")
    assert client.post("/api/v1/me/agreements", {"agreements": [newer.pk]}).status_code == 200


def test_rest_shows_agreements_to_everybody_in_their_language(db: None) -> None:
    found = api().get("/api/v1/agreements", headers={"Accept-Language": "zh-hans"}).json()
    assert [(one["kind"], one["version"], one["url"]) for one in found] == [
        ("service", 1, "/agreements/service/1"),
        ("publishing", 1, "/agreements/publishing/1"),
        ("risk", 1, "/agreements/risk/1"),
    ]
    assert found[0]["title"] == "服务协议"


@pytest.mark.parametrize("scope", ["read", "fine"])
def test_tokens_that_may_not_write_change_nothing(people: People, scope: str) -> None:
    client = api(people.alice, scope, verbs=["upload"], resources=["asset:1"]) if scope == "fine" else api(people.alice, scope)
    for address, body in {
        "email/code": {"email": "a@example.com"},
        "email": {"email": "a@example.com", "code": "123456"},
        "onboarding": {"nickname": "A", "email": "a@example.com", "code": "123456", "agreements": []},
        "agreements": {"agreements": newest("risk")},
    }.items():
        answer = client.post(f"/api/v1/me/{address}", body)
        assert (answer.status_code, answer.json()["code"]) == (403, "token_scope"), address
    assert mail.outbox == [] and Acceptance.objects.count() == 0
