import re

import pytest
from django.core import mail
from django.template import Context, Template, engines
from django.test import Client, RequestFactory
from django.utils import translation

from core.problems import Conflict, Forbidden, Missing, Problem, TooLarge
from core.testing import PASSWORD, browser
from portal import shell

pytestmark = pytest.mark.django_db

ENTRANCES = ("login", "signup", "password/reset", "password/reset/done", "password/reset/key/done", "confirm-email", "inactive")
ROOMS = ("password/change", "2fa", "2fa/webauthn", "sessions", "3rdparty")


def language_of(response):
    return re.search(r'<html lang="([^"]+)"', response.content.decode())[1]


def test_language_switch_keeps_page_and_query(client):
    response = client.post("/language", {"language": "zh-hans", "next": "/design?a=1&b=2"})
    assert (response.status_code, response.url) == (302, "/design?a=1&b=2")
    page = client.get(response.url)
    assert language_of(page) == "zh-Hans"
    assert page.headers["Content-Language"] == "zh-Hans"
    assert "Accept-Language" in page.headers["Vary"]


def test_language_switch_refuses_other_sites(client):
    for target in ("https://evil.example/", "//evil.example", "javascript:alert(1)", "", "/\\evil.example"):
        assert client.post("/language", {"language": "en", "next": target}).url == "/"


def test_language_switch_ignores_unknown_languages(client):
    assert "gallery_language" not in client.post("/language", {"language": "xx", "next": "/"}).cookies


def test_language_switch_is_a_post_with_a_token():
    assert Client().get("/language").status_code == 405
    assert Client(enforce_csrf_checks=True).post("/language", {"language": "en"}).status_code == 403


def test_browser_language_decides_for_new_visitors(client):
    assert language_of(client.get("/design", headers={"accept-language": "zh-CN,zh;q=0.9,en;q=0.5"})) == "zh-Hans"
    assert language_of(client.get("/design", headers={"accept-language": "de"})) == "en"


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_page_of_parts_shows_every_component(client, language):
    response = client.get("/design", headers={"accept-language": language})
    page = response.content.decode()
    for name in (
        "btn-primary",
        "radio-card",
        "seal",
        "status-failed",
        "card-link",
        "label-list",
        "commitline",
        "table-cards",
        "chart",
        "note-danger",
        "steps-v",
        "state-art",
        "skel",
    ):
        assert f"{name}" in page, name
    assert page.count("<h1") == 1


def test_robots_and_favicon(client):
    assert "Disallow: /me/\n" in client.get("/robots.txt").content.decode()
    assert client.get("/favicon.ico").url == "/static/favicon.svg"


def test_pages_keep_to_a_strict_policy(client):
    policy = client.get("/design").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("problem", "status", "heading"),
    [
        (Problem("bad_path", "Say it otherwise."), 400, "That could not be read"),
        (Forbidden("no", "Ask the owner."), 403, "Your account may not do this"),
        (Missing("gone", "Not here."), 404, "Nothing hangs here"),
        (Conflict("head_moved", "Read it again."), 409, "Somebody was faster"),
        (TooLarge("big", "Send less."), 413, "That is too much at once"),
        (Problem("too_many", "Wait.", status=429), 429, "Too many tries"),
    ],
)
def test_error_page_says_what_happened_and_the_request_id(people, problem, status, heading):
    request = RequestFactory().get("/models/x/y")
    request.user, request.request_id, request.session = people.alice, "abcdef0123456789", {}
    with translation.override("en"):
        response = shell.problem_response(request, problem)
    page = response.content.decode()
    assert response.status_code == status
    assert f"<h1>{heading}</h1>" in re.sub(r">\s+|\s+<", lambda found: found[0].strip(), page)
    assert str(problem.detail) in page
    assert "abcdef0123456789" in page
    assert problem.code in page


def test_unknown_address_is_a_designed_page(client):
    response = client.get("/models/nobody/nothing")
    assert response.status_code == 404
    assert "Nothing hangs here" in response.content.decode()
    assert response.headers["X-Request-Id"] in response.content.decode()


def test_last_resort_needs_no_database(django_db_blocker):
    request = RequestFactory().get("/")
    request.request_id = "abcdef0123456789"
    with django_db_blocker.block(), translation.override("zh-hans"):
        response = shell.server_error(request)
    assert response.status_code == 500
    assert "系统出了错" in response.content.decode()
    assert "abcdef0123456789" in response.content.decode()


@pytest.mark.parametrize("page", ENTRANCES)
def test_entrance_is_in_our_design(client, page):
    response = client.get(f"/account/{page}/")
    assert response.status_code == 200, page
    assert 'class="auth"' in response.content.decode()


@pytest.mark.parametrize("page", ROOMS)
def test_room_of_the_account_is_in_our_design(people, page):
    client = browser(people.alice)
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    response = client.get(f"/account/{page}/")
    assert response.status_code == 200, page
    assert 'class="rail"' in response.content.decode()


def test_wrong_password_is_announced(client, alice):
    response = client.post("/account/login/", {"login": "alice", "password": "wrong"})
    page = response.content.decode()
    assert 'role="alert"' in page
    assert 'name="password"' in page


def test_person_signs_in_and_out_through_the_pages(client, alice):
    assert client.post("/account/login/", {"login": "alice", "password": PASSWORD}).status_code == 302
    assert "Account menu" in client.get("/design").content.decode()
    assert "Sign out?" in client.get("/account/logout/").content.decode()
    client.post("/account/logout/")
    assert "Account menu" not in client.get("/design").content.decode()


def test_forgotten_password_is_reset_by_the_link_in_the_mail(client, alice):
    client.post("/account/password/reset/", {"email": "alice@example.com"})
    message = mail.outbox[0]
    assert message.subject == "Choose a new password for AI Gallery"
    assert "account alice" in message.body
    link = re.search(r"https?://[^/\s]+(/account/password/reset/key/\S+)", message.body)[1]
    page = client.get(link, follow=True)
    assert "Choose a new password" in page.content.decode()
    done = client.post(
        page.redirect_chain[-1][0], {"password1": "another long passphrase", "password2": "another long passphrase"}, follow=True
    )
    assert done.status_code == 200
    assert Client().post("/account/login/", {"login": "alice", "password": "another long passphrase"}).status_code == 302
    assert "This link no longer works" in Client().get(link, follow=True).content.decode()


def test_sessions_are_listed_and_the_others_signed_out(alice):
    here, there = (Client(headers={"user-agent": "Mozilla/5.0 (X11; Linux) Firefox/121.0"}) for _ in range(2))
    for client in (here, there):
        client.post("/account/login/", {"login": "alice", "password": PASSWORD})
    page = here.get("/account/sessions/").content.decode()
    assert page.count("<b>Firefox, Linux</b>") == 2
    assert len(re.findall(r"This browser\s*</span>", page)) == 1
    here.post("/account/sessions/")
    assert there.get("/account/sessions/").status_code == 302
    assert here.get("/account/sessions/").status_code == 200


def test_server_messages_become_toasts(alice):
    client = Client()
    client.post("/account/login/", {"login": "alice", "password": PASSWORD})
    page = client.post("/account/logout/", follow=True).content.decode()
    assert re.search(r'class="toast" data-toast-sent><span></span><span class="grow">Signed out.</span>', page)


def test_slot_hands_markup_to_a_component():
    template = engines["django"].from_string(
        '{% slot actions %}<a href="/x">{{ name }}</a>{% endslot %}{% include "components/state.html" with title="T" actions=actions only %}'
    )
    assert '<div class="row"><a href="/x">a &amp; b</a></div>' in template.render({"name": "a & b"})


def test_quotes_in_a_copied_command_stay_inside_the_attribute():
    template = engines["django"].from_string(
        '{% slot command %}curl -H "A: B" {{ address }}{% endslot %}{% include "components/copy.html" with text=command label="Copy" only %}'
        '{% include "components/copy.html" with text=plain label="Copy" only %}'
    )
    page = template.render({"address": "/x?a=1&b=2", "plain": 'say "hi" & <go>'})
    assert 'data-copy="curl -H &quot;A: B&quot; /x?a=1&amp;b=2"' in page
    assert 'data-copy="say &quot;hi&quot; &amp; &lt;go&gt;"' in page


def test_query_changes_one_parameter_and_keeps_the_others():
    request = RequestFactory().get("/models?task=a&task=b&page=3")
    template = Template('{% query page=None sort="size" %}|{% query task=None page=None %}')
    assert template.render(Context({"request": request})) == "?task=a&amp;task=b&amp;sort=size|?"
