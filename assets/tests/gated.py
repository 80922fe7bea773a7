"""An asset on application with files in it, and the ways people ask for it, for the tests of applications and grants."""

from datetime import UTC, datetime, timedelta
from typing import Any

from assets.models import AccessTerms, Application, Asset, Grant
from assets.services import applications, grants
from assets.tests.factories import make_asset, read_for, shelve
from assets.tests.files import ADDRESS, REST, make_files
from core.testing import People, api

NOON = datetime(2031, 5, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
QUESTIONS = [
    {"id": "use", "label": "What for?", "kind": "text", "required": True, "choices": []},
    {"id": "plan", "label": "Plan", "kind": "long", "required": False, "choices": []},
    {"id": "size", "label": "How large?", "kind": "choice", "required": False, "choices": ["small", "large"]},
    {"id": "alone", "label": "Only I", "kind": "check", "required": True, "choices": []},
]
ANSWERS = {"use": "Study", "alone": True}
__all__ = ["ADDRESS", "ANSWERS", "DAY", "NOON", "QUESTIONS", "REST"]


def gated_asset(people: People, **terms: Any) -> Asset:
    """Return `atelier/tiny` on application, read for its owner."""
    asset = make_asset(people.alice, people.atelier, name="tiny")
    return gate(people, asset, **terms)


def gated_files(people: People, **more: bytes) -> Asset:
    """Return `atelier/tiny` on application with the files of `assets.tests.files`."""
    return gate(people, make_files(people, "public", **more))


def gate(people: People, asset: Asset, **terms: Any) -> Asset:
    shelve(asset, visibility=terms.pop("visibility", "public"), availability="on_application")
    if terms:
        organisations = terms.pop("organisations", [])
        row = AccessTerms.objects.create(asset=asset, **terms)
        row.organisations.set(organisations)
    return read_for(people.alice, asset)


def ask(asset: Asset, user: Any, **values: Any) -> Application:
    """Return the application of `user`."""
    return applications.apply(asset=read_for(user, asset), actor=user, **{"reason": "I study it.", **values})


def give(asset: Asset, owner: Any, user: Any, **values: Any) -> Grant:
    """Return a grant that `owner` gave without being asked."""
    return grants.add_users(asset=read_for(owner, asset), actor=owner, users=[user], **values)[0]


def post(user: Any, path: str, data: Any = None) -> Any:
    """Send a REST request below `/api/v1` as `user`."""
    return api(user).post(f"/api/v1{path}", data or {}, format="json")


def may_download(asset: Asset, user: Any, at: datetime | None = None) -> bool:
    """Whether the catalogue lets `user` have the files at a moment."""
    found = Asset.objects.for_user(user, at).filter(pk=asset.pk).first()
    return found is not None and "download" in found.allowed
