"""Job handlers of the catalog."""

from datetime import timedelta

from assets import downloads
from assets.ingest import read_asset
from assets.services import recount
from assets.services.grants import expire_grants, remind_of_expiry
from assets.subscribers import announce_version
from jobs.models import Job
from jobs.services import handler, recurring


@handler("assets.ingest")
def ingest(job: Job) -> None:
    """Read the files at a commit into the asset's columns."""
    read_asset(asset_id=job.params["asset"], commit=job.params["commit"])


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
