"""Who is told when an asset comes to the shelf, is turned down, or leaves it. Everything here belongs into the caller's transaction."""

from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import Q
from django.utils import timezone

from accounts.models import Follow, Membership, User
from accounts.services import notify
from assets.models import Asset, Audience, Submission, Subscription


def tell_reviewers(submission: Submission, asset: Asset, actor: User) -> None:
    """Tell everybody who may decide on a submission, except who made it."""
    right = Permission.objects.filter(codename="review_asset", content_type__app_label="assets")
    entitled = Q(is_superuser=True) | Q(groups__permissions__in=right) | Q(user_permissions__in=right)
    notify(
        receivers=list(User.objects.filter(entitled, is_staff=True).exclude(pk=actor.pk).distinct()), kind="publish.submitted", key=f"publish.submitted:{submission.pk}",
        url=f"{asset.get_absolute_url()}/review", actor=actor, asset=asset.repo_id,
    )  # fmt: skip


def tell_submitter(submission: Submission, asset: Asset, reviewer: User, kind: str, url: str, **facts: Any) -> None:
    """Tell who submitted it what somebody else decided."""
    if submission.submitter is not None and submission.submitter_id != reviewer.pk:
        notify(receivers=[submission.submitter], kind=kind, key=f"{kind}:{submission.pk}", url=url, asset=asset.repo_id, **facts)


def tell_subscribers(asset: Asset, actor: User, reason: str) -> None:
    """Tell those who use it that it left the shelf; they cannot open its page any more, so there is no address."""
    receivers = User.objects.filter(pk__in=Subscription.objects.filter(asset=asset.pk).values("user")).exclude(pk=actor.pk)
    notify(
        receivers=list(receivers), kind="asset.delisted", key=f"asset.delisted:{asset.pk}:{timezone.now().isoformat()}",
        asset=asset.repo_id, reason=reason or "-",
    )  # fmt: skip


def tell_followers(asset: Asset, actor: User | None) -> None:
    """Tell the followers of its owner, those who may see it, once in the life of an asset; whoever may see it later hears of it then."""
    receivers = User.objects.filter(pk__in=Follow.objects.filter(namespace=asset.namespace_id).values("follower"))
    if asset.visibility == Asset.Visibility.CHOSEN:
        chosen = Audience.objects.filter(asset=asset.pk).values("namespace")
        members = Membership.objects.filter(Q(organisation__in=chosen) | Q(organisation=asset.namespace_id)).values("user")
        receivers = receivers.filter(Q(pk__in=chosen) | Q(pk__in=members) | Q(is_superuser=True))
    if actor is not None:
        receivers = receivers.exclude(pk=actor.pk)
    notify(
        receivers=list(receivers), kind="asset.published", key=f"asset.published:{asset.pk}", url=asset.get_absolute_url(),
        owner=asset.namespace.name, asset=asset.repo_id,
    )  # fmt: skip
