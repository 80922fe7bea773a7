"""Counting downloads: one viewer counts once a day, whatever the number of files and requests."""

import hashlib
import logging

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from repos.models import DailyDownloads, Repository

logger = logging.getLogger(__name__)


def count_download(*, repository: Repository, viewer_key: str) -> bool:
    """Count that the viewer fetched content of `repository` today (UTC), and say whether it was the first time.

    The viewer's key is kept for a day, hashed. When the cache is down the download is not counted; it is never stopped.
    """
    today = timezone.now().date()
    seen = hashlib.blake2b(f"{repository.pk}:{viewer_key}".encode(), key=settings.SECRET_KEY.encode()[:64], digest_size=12).hexdigest()
    try:
        if not cache.add(f"download:{today}:{seen}", 1, 26 * 3600):
            return False
    except Exception:
        logger.warning("download of repository %s not counted: the cache is down", repository.pk)
        return False
    table = connection.ops.quote_name(DailyDownloads._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (repository_id, day, count) VALUES (%s, %s, 1) ON CONFLICT (repository_id, day) DO UPDATE SET count = {table}.count + 1",
            [repository.pk, today],
        )
    return True
