"""Counting downloads: one viewer counts once a day, whatever the number of files and requests."""

from core.daily import add_one, first_today
from repos.models import DailyDownloads, Repository


def count_download(*, repository: Repository, viewer_key: str) -> bool:
    """Count that the viewer fetched content of `repository` today (UTC), and say whether it was the first time.

    When the cache is down the download is not counted; it is never stopped.
    """
    if not first_today(f"download:{repository.pk}", viewer_key):
        return False
    add_one(DailyDownloads, "repository_id", repository.pk)
    return True
