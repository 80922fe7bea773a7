"""Bodies that nobody should send, for every field that the description of the API names: never an error of the server."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from assets.services import collections
from assets.tests.files import make_files
from assets.tests.gated import QUESTIONS, ask, gate, give
from core.testing import People, api, person, rolled_back

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

NUL = "a\x00b"
ODD: list[Any] = [NUL, "\ud800", 10**30, None, [None], [10**30], {"a": {"b": [NUL]}}]
DEEP: dict[str, list[Any]] = {
    "terms": [
        {"agreement": NUL}, {"grant_days": 10**30}, {"mail_domains": [NUL, "\ud800.org"]}, {"organisations": [NUL]},
        {"questions": [{"label": NUL}]}, {"questions": [{"label": "x", "id": NUL}]}, {"questions": [{"label": "x", "kind": "\ud800"}]},
        {"questions": [{"label": "x", "kind": "choice", "choices": [NUL, None, {}]}]}, {"questions": [{"label": {"a": 1}, "choices": 3}]},
    ],
    "answers": [{"use": NUL, "alone": True}, {"use": "\ud800", "alone": True}, {"use": {"a": 1}, "alone": "yes"}, {NUL: "x"}],
    "operations": [[{"op": "put", "path": NUL, "content": "a"}], [{"op": "put", "path": "a", "content": "\ud800"}], [{"op": NUL}]],
    "files": [[{"path": NUL, "size": 3}], [{"path": "a", "size": 10**30}], [{"path": {"a": 1}, "size": "x"}]],
    "mail": [{NUL: "now"}, {"application.received": NUL}],
    "resources": [["asset:x"], ["asset:99999999999999999999999"]],
}  # fmt: skip
"""Worse ones, for fields with something inside them."""
GOOD: dict[str, Any] = {
    "reason": "x", "note": "x", "question": "x", "reply": "x", "decision": "reject", "users": ["rita"], "days": 5, "type": "tag", "name": "v9",
    "message": "x", "operations": [{"op": "put", "path": "a.txt", "content": "a"}], "text": "x", "agreements": [], "title": "x", "kind": "model",
    "repo_id": "atelier/tiny", "owner": "alice", "handle": "workshop", "nickname": "x", "role": "reader", "scope": "read", "url": "https://example.com/x",
    "events": ["asset.commit"], "email": "alice@example.com", "code": "123456", "email_notifications": True, "mail": {}, "answers": {"use": "x", "alone": True},
    "files": [{"path": "a.bin", "size": 3}],
}  # fmt: skip
"""What makes the other fields of a body pass, so that the odd one is looked at as closely as can be."""


def operations() -> Iterator[tuple[str, str, list[str], list[str]]]:
    """Yield method, path, fields, and those that must be there, of everything that takes a body."""
    described = yaml.load((Path(settings.BASE_DIR) / "docs/reference/openapi.yaml").read_text(), yaml.CSafeLoader)
    for path, found in described["paths"].items():
        for method, operation in found.items():
            content = next(iter(operation.get("requestBody", {}).get("content", {}).values()), None) if method != "parameters" else None
            if content is not None:
                name = content["schema"].get("$ref", "").rpartition("/")[2]
                shape = described["components"]["schemas"].get(name, content["schema"])
                yield method, path, list(shape.get("properties", {})), list(shape.get("required", []))


def test_odd_values_are_never_an_error_of_the_server(people: People) -> None:
    asset, dora = gate(people, make_files(people, "public"), questions=QUESTIONS), person("dora")
    wish, grant = ask(asset, people.charlie, answers={"use": "x", "alone": True}), give(asset, people.alice, dora, days=9)
    listed = collections.create_collection(actor=people.alice, title="Mine")
    item, _new = collections.add_item(collection=listed, actor=people.alice, asset=asset)
    ids = {"applications": wish.pk, "grants": grant.pk, "collections": item.pk}
    values = {"kind": "models", "namespace": "atelier", "name": "tiny", "handle": "atelier", "member": "bob", "slug": listed.slug}
    clients = {who.handle: api(who) for who in (people.alice, people.charlie, dora)}
    for client in clients.values():
        client.raise_request_exception = False
    wrong, asked = [], 0
    for method, path, fields, required in operations():
        first = path.removeprefix("/api/v1/").split("/")[0]
        filled = re.sub(r"{(\w+)}", lambda found, first=first: str({**values, "id": ids.get(first, 1)}[found[1]]), path)
        who = "charlie" if path.endswith(("/reply", "{name}/applications")) else "dora" if path.endswith("/renew") else "alice"
        good = {name: GOOD[name] for name in required if name in GOOD} | ({"ids": [ids.get(first, 1)]} if "ids" in required else {})
        for field in fields:
            for odd in ODD + DEEP.get(field, []):
                asked += 1
                with rolled_back():
                    answer = getattr(clients[who], method)(filled, json.dumps({**good, field: odd}), content_type="application/json")
                if answer.status_code >= 500 and answer.status_code != 502:
                    wrong.append((method, path, field, str(odd)[:60]))
    assert asked > 700
    assert wrong == []
