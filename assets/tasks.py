"""Job handlers of the catalog."""

from datetime import timedelta

from assets import downloads
from assets.ingest import read_asset
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
