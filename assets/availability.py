"""How an asset on application stands to its viewer: who decides, how long that takes, what became of an own request."""

from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

from accounts.models import User
from assets.deciders import deciders_of
from assets.models import Application, Asset, Grant

RECENT = 30
SHOWN = 5


@dataclass(frozen=True)
class Availability:
    """Read lazily: pages ask only for what they show."""

    user: Any
    asset: Asset

    @property
    def on_application(self) -> bool:
        """Whether use has to be granted at all."""
        return self.asset.availability == Asset.Availability.ON_APPLICATION

    @property
    def apply_url(self) -> str:
        return f"{self.asset.get_absolute_url()}/apply"

    @cached_property
    def reviewers(self) -> list[User]:
        """The first of those who decide."""
        return list(deciders_of(self.asset)[:SHOWN])

    @cached_property
    def seconds(self) -> float | None:
        """The median time from a request to its decision."""
        return decision_seconds(self.asset)

    @cached_property
    def application(self) -> Application | None:
        """The viewer's newest request."""
        return Application.objects.for_user(self.user).own().filter(asset=self.asset.pk).order_by("-pk").first()

    @cached_property
    def grant(self) -> Grant | None:
        """What lets the viewer in."""
        return Grant.objects.for_user(self.user).in_force().own().filter(asset=self.asset.pk).first()


def decision_seconds(asset: Asset) -> float | None:
    """Return the median time in which people decided on the last 30 requests, None where there were none."""
    rows = Application.objects.filter(asset=asset.pk, state__in=Application.DECIDED, automatic=False).order_by("-decided_at")
    waits = [(decided - created).total_seconds() for created, decided in rows.values_list("created_at", "decided_at")[:RECENT] if decided]
    return median(waits) if waits else None
