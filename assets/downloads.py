"""How often assets are fetched: the column that lists sort by."""

from datetime import date, timedelta

from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from assets.models import Asset
from repos.models import DailyDownloads

DAYS = 30


def tally(today: date | None = None) -> int:
    """Bring `Asset.downloads` up to date everywhere and return how many assets changed."""
    today = today or timezone.now().date()
    recent = DailyDownloads.objects.filter(repository=OuterRef("repository"), day__gt=today - timedelta(days=DAYS), day__lte=today)
    total = Coalesce(Subquery(recent.order_by().values("repository").annotate(total=Sum("count")).values("total")), 0)
    return Asset.objects.annotate(fresh=total).exclude(downloads=total).update(downloads=total)
