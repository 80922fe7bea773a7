"""Job handlers of the catalog."""

from datetime import timedelta

from assets import downloads
from assets.ingest import read_asset
from assets.models import Asset
from assets.services import recount
from assets.services.grants import expire_grants, remind_of_expiry
from assets.subscribers import announce_version
from assets.understanding import inspect_heads
from inspection.services import inspect
from jobs.models import Job
from jobs.services import handler, recurring


@handler("assets.ingest")
def ingest(job: Job) -> None:
    """Read the card at a commit into the asset's columns, and have everything else at that commit inspected."""
    asset = Asset.objects.select_related("repository").filter(pk=job.params["asset"], repository__deleted_at=None).first()
    if asset is None:
        return
    inspect(repository=asset.repository, commit=job.params["commit"], kind=asset.kind, owner=job.owner)
    read_asset(asset_id=asset.pk, commit=job.params["commit"])


@recurring("assets.inspect_heads", every=timedelta(minutes=10))
def inspect_unread(job: Job) -> None:
    """Have heads inspected that were never read by the present rules."""
    inspect_heads()


@recurring("assets.tally", every=timedelta(minutes=10))
def tally(job: Job) -> None:
    """Bring the download counts that lists sort by up to date."""
    downloads.tally()


@recurring("assets.recount", every=timedelta(days=1))
def recount_reactions(job: Job) -> None:
    """Bring favourites, likes, subscriptions and views in line with their rows."""
    recount()


@handler("assets.announce")
def announce(job: Job) -> None:
    """Tell subscribers of a new version."""
    announce_version(asset_id=job.params["asset"], ref_id=job.params["ref"], actor=job.owner)


@recurring("assets.expire", every=timedelta(minutes=10))
def expire(job: Job) -> None:
    """Write down which grants have ended, and remind the holders of those that will."""
    expire_grants()
    remind_of_expiry()
