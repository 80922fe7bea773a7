from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User
from core.testing import person
from portal.first import new_token

FORM = {"handle": "olivia", "email": "olivia@example.com", "password": "a long enough passphrase"}
pytestmark = pytest.mark.django_db


def test_link_makes_an_administrator_and_signs_in(client: Client) -> None:
    response = client.post(f"/first/{new_token()}", FORM)

    user = User.objects.get()
    assert (response.status_code, response["Location"]) == (302, "/")
    assert (user.handle, user.email, user.is_superuser, user.is_staff, user.check_password(FORM["password"])) == (
        "olivia",
        "olivia@example.com",
        True,
        True,
        True,
    )
    assert client.session["_auth_user_id"] == str(user.pk)
    assert EmailAddress.objects.get(user=user).verified is True
    assert AuditEvent.objects.filter(verb="create_administrator").values_list("actor", "target").get() == ("olivia", "olivia")


def test_link_works_once(client: Client) -> None:
    link = f"/first/{new_token()}"
    client.post(link, FORM)

    again = Client().post(link, {**FORM, "handle": "oscar", "email": "oscar@example.com"})

    assert (Client().get(link).status_code, again.status_code) == (404, 404)
    assert User.objects.count() == 1


def test_looking_does_not_use_the_link_up(client: Client) -> None:
    link = f"/first/{new_token()}"

    assert [client.get(link).status_code for _visit in range(2)] == [200, 200]


def test_link_is_void_where_an_administrator_exists(client: Client) -> None:
    person("ada", is_staff=True, is_superuser=True)

    assert client.get(f"/first/{new_token()}").status_code == 404


def test_link_expires_after_a_day(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    link = f"/first/{new_token()}"
    later = (timezone.now() + timedelta(hours=24, seconds=2)).timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)

    assert client.get(link).status_code == 404


@pytest.mark.parametrize("token", ["nonsense", "ImZpcnN0Ig:1:x", "x" * 2000])
def test_made_up_link_leads_nowhere(client: Client, token: str) -> None:
    assert client.get(f"/first/{token}").status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [("handle", "admin"), ("handle", "a"), ("email", "nobody"), ("password", "short"), ("password", "olivia@example.com")],
)
def test_unfit_values_are_refused_and_change_nothing(client: Client, field: str, value: str) -> None:
    response = client.post(f"/first/{new_token()}", {**FORM, field: value})

    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert User.objects.count() == 0


def test_taken_handle_and_address_are_refused(client: Client) -> None:
    person("olivia")

    response = client.post(f"/first/{new_token()}", FORM)

    assert sorted(response.context["form"].errors) == ["email", "handle"]
    assert User.objects.count() == 1
