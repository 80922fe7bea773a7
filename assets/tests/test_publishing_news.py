"""Who hears of publishing, rejecting and delisting, each once: notices and webhooks."""

from typing import Any

import pytest

from accounts.models import Follow, Notification, Webhook, WebhookDelivery
from assets import services
from assets.tests.factories import make_asset, read_for
from assets.tests.test_publishing import pending, reviewer, told
from core.problems import Conflict
from core.testing import People, person

pytestmark = pytest.mark.django_db


def test_everybody_concerned_is_told_once(settings: Any) -> None:
    settings.REVIEW = "manual"
    alice, fan, vera = person("alice"), person("fan"), reviewer()
    Follow.objects.create(follower=fan, namespace=alice)
    asset = services.publish_asset(asset=make_asset(alice, visibility="private"), actor=alice)
    assert told(vera) == ["publish.submitted"]
    assert Notification.objects.get(receiver=vera).url == f"{asset.get_absolute_url()}/review"
    assert told(alice) == []
    services.reject_submission(submission=pending(asset), actor=vera, reason="No licence")
    assert told(alice) == ["publish.rejected"]
    assert Notification.objects.get(receiver=alice).facts["reason"] == "No licence"
    services.publish_asset(asset=read_for(alice, asset), actor=alice)
    services.approve_submission(submission=pending(asset), actor=vera)
    assert told(vera) == ["publish.submitted", "publish.submitted"]
    assert told(alice) == ["publish.rejected", "publish.approved"]
    assert told(fan) == ["asset.published"]
    services.delist_asset(asset=read_for(alice, asset), actor=alice)
    services.publish_asset(asset=read_for(alice, asset), actor=alice)
    services.approve_submission(submission=pending(asset), actor=vera)
    assert told(fan) == ["asset.published"]


def test_followers_hear_of_what_they_may_see_when_they_may(people: People) -> None:
    dora = person("dora")
    for follower in (people.charlie, dora):
        Follow.objects.create(follower=follower, namespace=people.atelier)
    asset = make_asset(people.alice, people.atelier, visibility="chosen", audience=[dora])
    assert (told(people.charlie), told(dora)) == ([], ["asset.published"])
    services.set_ranges(asset=asset, actor=people.alice, visibility="public")
    assert (told(people.charlie), told(dora)) == (["asset.published"], ["asset.published"])


def test_webhooks_are_told_once_of_each_step(settings: Any) -> None:
    settings.REVIEW = "manual"
    alice, vera = person("alice"), reviewer()
    events = ["asset.published", "asset.rejected", "asset.delisted"]
    Webhook.objects.create(namespace=alice, creator=alice, name="w", url="https://example.org/", events=events)
    asset = services.publish_asset(asset=make_asset(alice, visibility="private"), actor=alice)
    services.reject_submission(submission=pending(asset), actor=vera, reason="No licence")
    services.publish_asset(asset=read_for(alice, asset), actor=alice)
    services.approve_submission(submission=pending(asset), actor=vera)
    services.delist_asset(asset=read_for(alice, asset), actor=alice, reason="Old")
    sent = [(row.event, row.payload["data"]) for row in WebhookDelivery.objects.order_by("pk")]
    base = {"repo_id": asset.repo_id, "kind": "model", "url": f"{settings.PUBLIC_URL}{asset.get_absolute_url()}"}
    assert sent == [
        ("asset.rejected", {**base, "reason": "No licence"}),
        ("asset.published", {**base, "visibility": "public", "availability": "free"}),
        ("asset.delisted", {**base, "reason": "Old"}),
    ]


def test_nobody_is_told_of_what_is_refused(settings: Any) -> None:
    settings.REVIEW = "manual"
    alice, vera = person("alice"), reviewer()
    asset = services.publish_asset(asset=make_asset(alice, visibility="private"), actor=alice)
    services.approve_submission(submission=pending(asset), actor=vera)
    rows = Notification.objects.count()
    with pytest.raises(Conflict):
        services.approve_submission(submission=pending(asset), actor=vera)
    assert Notification.objects.count() == rows
