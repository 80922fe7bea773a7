"""Every address below an asset, an application and a grant, found in the tables of addresses themselves: outsiders get nowhere.

A new address is asked at once, without a line here, unless it has a parameter that nobody has named in `SAMPLES` yet.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import AuditEvent, Notification
from assets.models import (
    AccessTerms,
    Application,
    Approver,
    Asset,
    Audience,
    CollectionItem,
    Favourite,
    Grant,
    Like,
    Submission,
    Subscription,
)
from assets.tests.files import head, make_files
from assets.tests.gated import ask, gate, give
from core.testing import People, api, browser, person, rolled_back
from repos.models import Commit, Ref, Upload

pytestmark = pytest.mark.django_db

METHODS = ("get", "head", "post", "put", "patch", "delete")
SAMPLES = {"kind": "models", "namespace": "atelier", "name": "tiny", "space": "tags", "ref_name": "v1", "step": "safety"}
RESTS = {"resolve": "main/config.json", "zip": "main", "files": "main/config.json", "history": "main"}
OWN_MARKS = {"favourite", "like", "collect", "subscribe", "unsubscribe", "apply", "applications", "markdown", "subscription"}
"""The last words of addresses at which everybody who is signed in may write something of their own about what they see."""


@dataclass(frozen=True)
class Door:
    """An address with its values filled in, and the methods that it answers."""

    path: str
    methods: tuple[str, ...]
    rest: bool


def doors(marker: str, **values: Any) -> list[Door]:
    """Return the addresses of the whole gallery whose route contains `marker`."""
    found = []
    for route, pattern in routes(get_resolver().url_patterns, ""):
        if marker in route:
            actions = getattr(pattern.callback, "actions", None)
            found.append(Door(filled(route, values), tuple(actions) if actions else METHODS[:3], route.startswith("api/")))
    assert found
    return found


def routes(patterns: Any, before: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = before + str(pattern.pattern).removeprefix("^").removesuffix(r"\Z").removesuffix("$")
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route, pattern


def filled(route: str, values: dict[str, Any]) -> str:
    def value(parameter: re.Match[str]) -> str:
        name = parameter["name"]
        if name == "rest":
            return RESTS.get(route[: parameter.start()].rstrip("/").rpartition("/")[2], "main/config.json")
        return str({**SAMPLES, **values}[name])

    return "/" + re.sub(r"<(?:\w+:)?(?P<name>\w+)>", value, route)


def rows() -> list[Any]:
    """Return everything about assets that a request could change."""
    return [
        list(Asset.objects.order_by("pk").values_list("pk", "namespace", "name", "state", "visibility", "availability", "description")),
        *(model._default_manager.count() for model in (Audience, Approver, AccessTerms, Commit, Ref, Upload, AuditEvent, Notification)),
        *(model._default_manager.count() for model in (CollectionItem, Favourite, Like, Subscription)),
        list(Submission.objects.order_by("pk").values_list("pk", "state")),
        list(Application.objects.order_by("pk").values_list("pk", "state", "question", "reply", "reminded_at")),
        list(Grant.objects.order_by("pk").values_list("pk", "state", "expires_at")),
    ]


def knock(door: Door, user: Any, client: Any = None) -> Iterator[tuple[str, int | str, bytes]]:
    """Yield method, status and body of each request that `user` sends; a redirect counts as where it leads."""
    client = client or (api(user) if door.rest else browser(user))
    before = rows()
    for method in door.methods:
        with rolled_back():
            answer = getattr(client, method)(door.path, **({"format": "json"} if door.rest and method in METHODS[2:] else {}))
            leads = answer["Location"].split("?")[0] if answer.status_code == 302 else answer.status_code
            body = b"".join(answer) if getattr(answer, "streaming", False) and not answer.is_async else getattr(answer, "content", b"")
            if method in METHODS[2:] and rows() != before:
                yield method, "changed something", body
            yield method, leads, body


def below_the_asset(asset: Asset) -> list[Door]:
    application = Application.objects.first()
    return doors("<asset:name>", sha=head(asset), pk=application.pk if application else "00000000-0000-0000-0000-000000000000")


def test_what_is_not_published_is_nowhere_for_outsiders(people: People) -> None:
    asset = make_files(people)
    Asset.objects.filter(pk=asset.pk).update(title_zh="秘密", description="a secret word")
    wrong = []
    for door in below_the_asset(asset):
        for who, right in ((people.charlie, {404, 405}), (None, {404, 405, 401, "/account/login/"})):
            for method, got, body in knock(door, who):
                if got not in right or b"a secret word" in body:
                    wrong.append((door.path, method, who and who.handle, got))
    assert wrong == []


def test_outsiders_write_nothing_but_their_own_marks(people: People) -> None:
    asset = gate(people, make_files(people, "public"))
    wrong = []
    for door in below_the_asset(asset):
        for who in (people.charlie, None):
            if who is not None and door.path.rpartition("/")[2] in OWN_MARKS:
                continue
            for method, got, _body in knock(door, who):
                if got == "changed something" or (method in METHODS[2:] and got in (200, 201, 202, 204)):
                    wrong.append((door.path, method, who and who.handle, got))
    assert wrong == []


def test_a_read_token_of_the_owner_writes_nowhere(people: People) -> None:
    asset = gate(people, make_files(people, "public"))
    client, wrong = api(people.alice, scope="read"), []
    for door in below_the_asset(asset):
        if door.rest and not door.path.endswith("/markdown"):
            for method, got, _body in knock(door, people.alice, client):
                if got == "changed something" or (method in METHODS[2:] and got not in (400, 403, 404, 405)):
                    wrong.append((door.path, method, got))
    assert wrong == []


@pytest.mark.parametrize("marker", ["applications/<int:pk>", "requests/<int:pk>", "approvals/<int:pk>", "grants/<int:pk>"])
def test_wishes_and_grants_of_others_are_nowhere(people: People, marker: str) -> None:
    asset, dora = gate(people, make_files(people, "public")), person("dora")
    row = give(asset, people.alice, dora, days=9) if "grants" in marker else ask(asset, dora)
    wrong = []
    for door in doors(marker, pk=row.pk):
        for who, right in ((people.charlie, {404, 405}), (people.rita, {404, 405}), (None, {401, 404, 405, "/account/login/"})):
            for method, got, _body in knock(door, who):
                if got not in right:
                    wrong.append((door.path, method, who and who.handle, got))
    assert wrong == []
