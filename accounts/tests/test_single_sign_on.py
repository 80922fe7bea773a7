"""Single sign-on against a provider that runs beside the test."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache

from accounts.models import AuditEvent, User
from core.testing import PASSWORD, browser

LOGIN = "/account/oidc/oidc/login/"


class Provider(BaseHTTPRequestHandler):
    """Answers what an OpenID Connect provider answers; `person` is who signs in there."""

    person: dict[str, Any] = {}
    received: list[dict[str, list[str]]] = []

    def do_GET(self) -> None:
        host = f"http://{self.headers['Host']}"
        if self.path == "/.well-known/openid-configuration":
            self.answer({
                "issuer": host, "authorization_endpoint": f"{host}/authorize", "token_endpoint": f"{host}/token",
                "userinfo_endpoint": f"{host}/userinfo", "jwks_uri": f"{host}/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            })  # fmt: skip
        elif self.headers.get("Authorization") == "Bearer given":
            self.answer(self.person)
        else:
            self.send_error(401)

    def do_POST(self) -> None:
        self.received.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        self.answer({"access_token": "given", "token_type": "Bearer"})

    def answer(self, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def provider(settings: Any) -> Iterator[type[Provider]]:
    cache.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    app = {
        "provider_id": "oidc", "name": "Yunling", "client_id": "gallery", "secret": "hush",
        "settings": {"server_url": f"http://127.0.0.1:{server.server_port}"},
    }  # fmt: skip
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
    Provider.person = {"sub": "42", "email": "w@example.com", "email_verified": True, "preferred_username": "wanzhou", "name": "林晚舟"}
    Provider.received = []
    yield Provider
    server.shutdown()
    server.server_close()


def sign_on(client: Any) -> Any:
    """Go to the provider and come back, and return the gallery's answer."""
    sent = client.post(LOGIN)
    assert sent.status_code == 302
    query = parse_qs(urlsplit(sent["Location"]).query)
    assert (query["client_id"], query["response_type"], query["code_challenge_method"]) == (["gallery"], ["code"], ["S256"])
    return client.get(f"{LOGIN}callback/", {"code": "a code", "state": query["state"][0]})


def test_sign_in_page_offers_the_provider(db: None, provider: type[Provider]) -> None:
    assert "Yunling" in browser().get("/account/login/").content.decode()


def test_first_time_makes_an_account_and_the_second_finds_it(db: None, provider: type[Provider]) -> None:
    client = browser()
    assert sign_on(client)["Location"] == "/"
    user = User.objects.get()
    assert (user.handle, user.nickname, user.email, user.has_usable_password()) == ("wanzhou", "林晚舟", "w@example.com", False)
    assert client.get("/me/profile").status_code == 200
    assert provider.received[0]["client_secret"] == ["hush"]
    assert len(provider.received[0]["code_verifier"][0]) >= 43
    assert sign_on(browser()).status_code == 302
    assert User.objects.count() == 1
    assert AuditEvent.objects.get(verb="sign_up").details == {"by": "single sign-on"}


@pytest.mark.parametrize("name", ["alice", "Alice", "models", "not a handle", "名字", "x" * 100, ""])
def test_name_that_cannot_be_a_handle_is_replaced(alice: Any, provider: type[Provider], name: str) -> None:
    provider.person |= {"preferred_username": name, "name": "n" * 200}
    assert sign_on(browser()).status_code == 302
    user = User.objects.get(email="w@example.com")
    assert user.handle.startswith("ur") and len(user.handle) == 9
    assert user.nickname == "n" * 64


def test_address_of_somebody_else_is_not_taken_over(alice: Any, provider: type[Provider]) -> None:
    provider.person |= {"email": "ALICE@example.com"}
    client = browser()
    assert sign_on(client)["Location"] == "/account/3rdparty/signup/"
    assert client.get("/me/profile").status_code == 302
    refused = client.post("/account/3rdparty/signup/", {"email": "alice@example.com", "username": ""})
    assert refused.status_code == 200
    assert b'id="id_email-error"' in refused.content
    assert User.objects.count() == 1
    assert client.post("/account/3rdparty/signup/", {"email": "other@example.com", "username": "wanzhou"}).status_code == 302
    assert User.objects.get(handle="wanzhou").email == "other@example.com"


def test_missing_address_is_asked_for(db: None, provider: type[Provider]) -> None:
    provider.person.pop("email")
    client = browser()
    assert sign_on(client)["Location"] == "/account/3rdparty/signup/"
    page = client.get("/account/3rdparty/signup/")
    assert (page.status_code, b'name="email"' in page.content) == (200, True)


def test_answer_of_another_session_is_refused(db: None, provider: type[Provider]) -> None:
    sent = browser().post(LOGIN)
    state = parse_qs(urlsplit(sent["Location"]).query)["state"][0]
    response = browser().get(f"{LOGIN}callback/", {"code": "a code", "state": state})
    assert response.status_code in (302, 401)
    assert User.objects.count() == 0


def test_account_is_connected_by_whoever_is_signed_in(alice: Any, provider: type[Provider]) -> None:
    client = browser()
    client.post("/account/login/", {"login": "alice", "password": PASSWORD})
    sent = client.post(f"{LOGIN}?process=connect")
    if sent["Location"].startswith("/account/reauthenticate/"):
        client.post(sent["Location"], {"password": PASSWORD})
        sent = client.post(f"{LOGIN}?process=connect")
    state = parse_qs(urlsplit(sent["Location"]).query)["state"][0]
    assert client.get(f"{LOGIN}callback/", {"code": "a code", "state": state})["Location"] == "/account/3rdparty/"
    assert sign_on(browser())["Location"] == "/"
    assert User.objects.count() == 1
    assert AuditEvent.objects.get(verb="connect_provider").actor == "alice"


def test_provider_that_does_not_answer_is_no_error_of_ours(db: None, provider: type[Provider], settings: Any) -> None:
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"]["server_url"] = "http://127.0.0.1:9"
    response = browser().post(LOGIN)
    assert response.status_code == 502
    assert b"Single sign-on does not answer now" in response.content


@pytest.mark.parametrize("person", [{}, {"sub": "42"}, {"sub": "42", "email": ["x"], "preferred_username": 7, "name": {"a": 1}}, []])
def test_odd_answers_of_the_provider_make_no_account(db: None, provider: type[Provider], person: Any) -> None:
    provider.person = person
    response = sign_on(browser())
    assert response.status_code in (200, 302, 502)
    assert User.objects.count() == 0
