"""Figures by day (UTC) in which whoever comes twice counts once."""

import hashlib
from datetime import date

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Model
from django.utils import timezone


def first_today(subject: str, viewer: str) -> bool:
    """Whether `viewer` comes to `subject` for the first time today; said once. False while the cache is away: then nobody is counted.

    The two are kept for a day, hashed together with a secret.
    """
    seen = hashlib.blake2b(f"{subject}:{viewer}".encode(), key=settings.SECRET_KEY.encode()[:64], digest_size=12).hexdigest()
    key = f"today:{timezone.now().date()}:{seen}"
    # A cache that is away takes everything for new, and remembers nothing.
    return bool(cache.add(key, 1, 26 * 3600)) and cache.get(key) is not None


def add_one(table: type[Model], owner: str, pk: int, day: date | None = None) -> None:
    """Add one to the count of `day`, or today, in `table`: one row for each day of the row `pk` that its column `owner` names."""
    name = connection.ops.quote_name(table._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {name} ({owner}, day, count) VALUES (%s, %s, 1) ON CONFLICT ({owner}, day) DO UPDATE SET count = {name}.count + 1",
            [pk, day or timezone.now().date()],
        )
