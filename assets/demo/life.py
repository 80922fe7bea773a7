"""What happens to the assets of the demo once they are there: ranges, requests, marks, and what people do with them."""

from datetime import datetime, timedelta
from random import Random

from django.db.models import Sum

from accounts.models import User
from accounts.services import namespace_at, record
from assets.demo.access import ACCESS, COMMERCIAL, FEATURED, REJECTED, Access, Request
from assets.demo.exhibits import Exhibit
from assets.models import Asset, DailyViews, DownloadRecord, Submission
from assets.services import (
    applications,
    needed_agreements,
    publish_asset,
    set_approvers,
    set_favourite,
    set_like,
    set_terms,
    subscribe,
)
from repos.models import DailyDownloads
from repos.reading import resolve


def add_life(exhibit: Exhibit, asset: Asset, publisher: User, people: dict[str, User], now: datetime, published: datetime) -> None:
    """Publish an asset of the demo as its tables say, and let the others use it. Part of the transaction that adds it."""
    if exhibit.repo_id in REJECTED:
        _reject(asset, publisher, REJECTED[exhibit.repo_id], now)
    if not exhibit.public:
        return
    access = ACCESS.get(exhibit.repo_id, Access())
    _publish(asset, access, publisher, people, published)
    # Staff gives marks in the administration; there is nobody here to ask.
    Asset.objects.filter(pk=asset.pk).update(featured=exhibit.repo_id in FEATURED, commercial=exhibit.repo_id in COMMERCIAL)
    for request in access.requests:
        _apply(asset, request, publisher, people, now)
    _count_views(exhibit, asset)
    _react(exhibit, asset, people, now)


def _publish(asset: Asset, access: Access, publisher: User, people: dict[str, User], at: datetime) -> None:
    def held() -> Asset:
        return Asset.objects.for_user(publisher).get(pk=asset.pk)

    if access.terms:
        set_terms(asset=held(), actor=publisher, **access.terms)
    if access.approvers:
        set_approvers(asset=held(), actor=publisher, users=[people[handle] for handle in access.approvers])
    publish_asset(
        asset=held(),
        actor=publisher,
        visibility=Asset.Visibility.CHOSEN if access.audience else Asset.Visibility.PUBLIC,
        availability=Asset.Availability.ON_APPLICATION if access.on_application else Asset.Availability.FREE,
        audience=[namespace_at(handle, user=publisher)[0] for handle in access.audience],
        at=at,
    )


def _reject(asset: Asset, publisher: User, reason: str, now: datetime) -> None:
    """Submit it and turn it down, as a reviewer would where people review."""
    at = now - timedelta(days=6)
    row = Asset.objects.for_user(publisher).select_related("namespace", "repository").get(pk=asset.pk)
    head = resolve(row.open_repository()).commit.sha
    row.submit(visibility=Asset.Visibility.PUBLIC, availability=Asset.Availability.ON_APPLICATION)
    row.reject()
    Submission.objects.create(
        asset=row, submitter=publisher, revision=head, state=Submission.State.REJECTED, reason=reason, created_at=at,
        decided_at=at + timedelta(hours=5),
    )  # fmt: skip
    for actor, verb in ((publisher, "submit"), (None, "reject")):
        record(actor=actor, verb=verb, target_kind="asset", target_id=row.pk, target=row.repo_id, kind=row.kind, revision=head, demo=True)


def _apply(asset: Asset, request: Request, publisher: User, people: dict[str, User], now: datetime) -> None:
    person, at = people[request.by], now - timedelta(days=request.day, hours=3)
    seen = Asset.objects.for_user(person).get(pk=asset.pk)
    version = 1 if ACCESS[asset.repo_id].terms.get("agreement") else 0
    made = applications.apply(asset=seen, actor=person, reason=request.reason, answers=request.answers, agreement_version=version, at=at)
    decided = at + timedelta(hours=2)
    if request.outcome == "approved":
        applications.approve(application=made, actor=publisher, at=decided)
    elif request.outcome == "declined":
        applications.reject(application=made, actor=publisher, note=request.note, at=decided)
    elif request.outcome == "asked":
        applications.ask_back(application=made, actor=publisher, question=request.note, at=decided)


def _count_views(exhibit: Exhibit, asset: Asset) -> None:
    """Write views for the days that have downloads: more people look than fetch."""
    random = Random(f"views of {exhibit.repo_id}")
    days = DailyDownloads.objects.filter(repository=asset.repository_id).values_list("day", "count")
    rows = [DailyViews(asset=asset, day=day, count=round(count * random.uniform(1.6, 2.4))) for day, count in days]
    DailyViews.objects.bulk_create(rows)
    total = DailyViews.objects.filter(asset=asset).aggregate(total=Sum("count"))["total"] or 0
    Asset.objects.filter(pk=asset.pk).update(views=total)


def _react(exhibit: Exhibit, asset: Asset, people: dict[str, User], now: datetime) -> None:
    """Let everybody who sees it decide by a throw of dice that always falls the same."""
    for handle, person in people.items():
        random = Random(f"{handle} and {exhibit.repo_id}")
        throws = [random.random() for _throw in range(4)]
        at = now - timedelta(days=random.uniform(0.1, min(60, exhibit.revisions[0].day)))
        seen = Asset.objects.for_user(person).select_related("namespace").filter(pk=asset.pk).first()
        if seen is None:
            continue
        if throws[0] < 0.3:
            set_favourite(asset=seen, actor=person, wanted=True, at=at)
        if throws[1] < 0.4:
            set_like(asset=seen, actor=person, wanted=True, at=at)
        if "subscribe" not in seen.allowed or asset.namespace_id == person.pk:
            continue
        if throws[2] < 0.2:
            subscribe(asset=seen, actor=person, agreements={row.kind: row.version for row in needed_agreements(seen)}, at=at)
        if throws[3] < 0.25:
            DownloadRecord.objects.create(asset=asset, user=person, first_at=at, last_at=at)
