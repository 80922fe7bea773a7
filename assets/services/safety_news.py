"""Who is told what the safety scan found: webhooks of every result, the maintainers of dangerous files that are new."""

import hashlib
import json
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from accounts.models import Membership, User
from accounts.services import emit, notify
from assets.models import Asset
from inspection.models import Inspection
from repos.models.git import HEADS

LOOKED_BACK = 20
NAMED = 3
REMEMBERED = timedelta(days=7)


def tell_of_safety(inspection: Inspection) -> None:
    """Tell of a scan of the head of a default branch, as part of the transaction that keeps it; hearing of the same twice tells once."""
    asset = Asset.objects.select_related("namespace", "repository").filter(repository=inspection.repository_id).first()
    if (
        asset is None
        or not inspection.repository.refs.filter(name=HEADS + asset.repository.default_branch, commit=inspection.commit).exists()
    ):
        return
    found = inspection.result
    same = hashlib.sha256(json.dumps([found.get("verdict"), found.get("counts"), found.get("files")], sort_keys=True).encode()).hexdigest()
    told = f"scanned:{asset.pk}:{inspection.commit}:{same}"
    if not cache.get(told):
        # Remembered with the commit: what is rolled back is told with the next try.
        transaction.on_commit(lambda: cache.set(told, 1, REMEMBERED.total_seconds()), robust=True)
        emit(
            namespace_id=asset.namespace_id,
            event="asset.scanned",
            payload={
                "repo_id": asset.repo_id,
                "kind": asset.kind,
                "commit": inspection.commit,
                "verdict": found["verdict"],
                "counts": found.get("counts", {}),
                "dangerous": dangerous_paths(inspection),
                "url": f"{settings.PUBLIC_URL}{asset.get_absolute_url()}",
            },
        )
    if new := newly_dangerous(inspection):
        notify(
            receivers=list(maintainers_of(asset)), kind="asset.dangerous", key=f"asset.dangerous:{asset.pk}:{inspection.commit}",
            url=asset.get_absolute_url(), asset=asset.repo_id, count=len(new), files=new[:NAMED],
        )  # fmt: skip


def dangerous_paths(inspection: Inspection) -> list[str]:
    """Return the paths of the files that a scan found dangerous."""
    return [path for path, verdict in inspection.result.get("files", {}).items() if verdict == "dangerous"]


def newly_dangerous(inspection: Inspection) -> list[str]:
    """Return those paths that no earlier scan of the repository named."""
    earlier = Inspection.objects.finished().filter(repository=inspection.repository_id, step=inspection.step).exclude(pk=inspection.pk)
    known = {path for row in earlier.order_by("-finished_at")[:LOOKED_BACK] for path in dangerous_paths(row)}
    return [path for path in dangerous_paths(inspection) if path not in known]


def maintainers_of(asset: Asset) -> list[User]:
    """Return who can mend it: its owner, or the owners and maintainers of the organisation."""
    members = Membership.objects.filter(organisation=asset.namespace_id, role__gte=Membership.Role.MAINTAINER).values("user")
    return list(User.objects.filter(pk=asset.namespace_id) | User.objects.filter(pk__in=members))
