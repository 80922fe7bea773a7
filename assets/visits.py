"""Who comes to an asset: what a request says of it, for the figures by day and for people's own lists."""

import re

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from assets.models import Asset, DownloadRecord
from assets.services import count_view
from repos.services import count_download

MACHINE = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|fetch|preview|monitor|headless|curl|wget|python|aiohttp|httpx|okhttp|java/|go-http|libwww|scrapy", re.I
)
NOTED_EVERY = 60
"""Seconds in which the many files of one download are noted once."""


def note_view(request: HttpRequest, asset: Asset) -> bool:
    """Count that somebody opened the page of `asset`, and say whether it counted; programs and pages fetched ahead do not."""
    agent = request.headers.get("User-Agent", "")
    ahead = "prefetch" in f"{request.headers.get('Sec-Purpose', '')} {request.headers.get('Purpose', '')}"
    if request.method != "GET" or ahead or not agent or MACHINE.search(agent):
        return False
    return count_view(asset=asset, viewer=request.user, viewer_key=_key(request, request.user))


def note_download(request: HttpRequest, asset: Asset, viewer: User | AnonymousUser) -> None:
    """Count one viewer a day, and note for somebody signed in when it was; pictures and sounds that a page shows are no downloads."""
    if request.headers.get("Sec-Fetch-Dest") in ("image", "audio", "video"):
        return
    count_download(repository=asset.repository, viewer_key=_key(request, viewer))
    if viewer.is_authenticated and cache.add(f"fetched:{asset.pk}:{viewer.pk}", 1, NOTED_EVERY):
        # An insert that becomes an update, because two files may be fetched at once.
        row = DownloadRecord(asset_id=asset.pk, user_id=viewer.pk, last_at=timezone.now())
        with transaction.atomic():
            DownloadRecord.objects.bulk_create([row], update_conflicts=True, unique_fields=["user", "asset"], update_fields=["last_at"])


def _key(request: HttpRequest, viewer: User | AnonymousUser) -> str:
    return f"user:{viewer.pk}" if viewer.is_authenticated else f"address:{request.META.get('REMOTE_ADDR', '')}"
