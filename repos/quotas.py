"""How much the repositories of each namespace take, counted in SQL."""

from typing import Any

from django.conf import settings
from django.db.models import BigIntegerField, Count, F, FloatField, QuerySet, Sum, Value
from django.db.models.functions import Cast, Coalesce, NullIf

from accounts.models import Namespace
from repos.models import LargeObject


def with_storage() -> QuerySet[Namespace]:
    """Return the namespaces with `repository_total`, `used` and `limit` in bytes (None without one), and `part` of the limit in use."""
    number = BigIntegerField()
    used = Coalesce(Sum("repositories__stored"), Value(0), output_field=number)
    limit = Coalesce(F("storage_quota"), NullIf(Value(settings.NAMESPACE_QUOTA, number), Value(0, number)), output_field=number)
    rows = Namespace.objects.annotate(used=used, repository_total=Count("repositories"), limit=limit)
    return rows.annotate(part=Cast(F("used"), FloatField()) / NullIf(Cast(F("limit"), FloatField()), Value(0.0)))


def nearly_full() -> QuerySet[Namespace]:
    """Return the namespaces that have used nine tenths of their limit or more."""
    rows: QuerySet[Any] = with_storage()
    return rows.filter(used__gte=F("limit") * 0.9)


def stored_bytes() -> int:
    """Return the size of all large objects, each once."""
    return LargeObject.objects.aggregate(total=Sum("size"))["total"] or 0
