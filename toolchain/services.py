"""What other rooms ask the toolchain, and have it do."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from assets.models import Asset
from core.permissions import require
from core.problems import Conflict
from inspection.models import Inspection
from inspection.services import inspect, inspect_again
from repos.reading import resolve
from toolchain.standing import standing_of
from toolchain.steps import CODE
from toolchain.validator import Verdicts


def verdict_of(asset: Asset) -> Verdicts | None:
    """Return what may be done with `asset`, read for a viewer, as its newest commit stands; None while that is not read."""
    standing = standing_of(asset)
    return standing.verdicts if standing.is_current else None


@transaction.atomic
def read_again(*, asset: Asset, actor: User) -> Inspection:
    """Have the newest commit of a model read against the specification again. Raises `Conflict` while it is being read."""
    require(asset, "upload")
    standing = standing_of(asset)
    found = standing.inspection
    if found is None and standing.is_reading:
        raise Conflict("inspection_running", _("This is being read already. Wait for the result."))
    if found is not None:
        found.repository = asset.open_repository()
        return inspect_again(inspection=found, actor=actor)
    repository = asset.open_repository()
    rows = inspect(repository=repository, commit=resolve(repository).commit.sha, kind=asset.kind, owner=actor)
    row = next((row for row in rows if row.step == CODE), None)
    if row is None:
        raise Conflict("nothing_to_validate", _("Only models are read against the specification."))
    return row
