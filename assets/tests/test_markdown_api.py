"""Rendering Markdown over REST."""

from typing import Any

import pytest

from assets.tests.factories import make_asset
from core.testing import api, assert_access

pytestmark = pytest.mark.django_db


def test_text_is_rendered_and_its_head_is_read(alice: Any) -> None:
    asset = make_asset(alice, name="tiny")
    text = "---\nlicense: MIT License\nlanguage: {a: b}\n---\n# A\n\n![p](x.png) [up](../../y)\n"
    answer = api(alice).post(f"/api/v1{asset.get_absolute_url()}/markdown", {"text": text, "path": "docs/a.md"}, format="json")
    assert answer.status_code == 200
    assert answer.json()["html"] == (
        '<h2 id="md-a">A<a class="anchor" href="#md-a" aria-label="Link to “A”">#</a></h2>\n'
        '<p><img src="/models/alice/tiny/resolve/main/docs/x.png?inline=1" alt="p" loading="lazy"> <a>up</a></p>\n'
    )
    assert answer.json()["settings"]["licence"] == "mit" and "languages" not in answer.json()["settings"]
    assert answer.json()["problems"] == [
        {"code": "wrong_shape", "line": 3, "params": {"key": "language"}, "detail": "Line 3: “language” must be a word or a list of words."}
    ]


@pytest.mark.parametrize("data", [{"text": 5}, {"text": "a\0"}, {"text": "x", "path": ["a"]}])
def test_other_than_text_is_refused(alice: Any, data: dict[str, Any]) -> None:
    asset = make_asset(alice)
    answer = api(alice).post(f"/api/v1{asset.get_absolute_url()}/markdown", data, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_private_asset_renders_for_its_members_only(people: Any) -> None:
    asset = make_asset(people.alice, people.atelier, visibility="private")
    expected = {"visitor": 404, "stranger": 404, "reader": 200, "contributor": 200, "maintainer": 200, "owner": 200, "administrator": 200}
    assert_access(
        people=people, surface="rest", expected=expected, state=lambda: None,
        request=lambda client: client.post(f"/api/v1{asset.get_absolute_url()}/markdown", {"text": "x"}, format="json"),
    )  # fmt: skip
