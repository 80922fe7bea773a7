"""What inspections of its files say of an asset, in its own columns, for lists and filters."""

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Concat

from assets.models import Asset
from inspection.models import Inspection
from inspection.registry import Step, steps_for, when_read
from inspection.services import inspect
from jobs.models import Job
from repos.models import Ref
from repos.models.git import HEADS

BATCH = 100
_HEAD = Ref.objects.filter(repository=OuterRef("repository"), name=Concat(Value(HEADS), OuterRef("repository__default_branch")))


def listen() -> None:
    """Hear of results from now on."""
    when_read("headers", keep_weights)
    when_read("safety", keep_safety)


def keep_weights(inspection: Inspection) -> None:
    """Keep how many parameters a model has and what they are made of."""
    found = inspection.result
    structure = (
        {key: found[key] for key in ("format", "dtypes", "parts", "quantisation") if found.get(key)} if found.get("parameters") else {}
    )
    _update(inspection, parameters=found.get("parameters") or None, structure=structure)


def keep_safety(inspection: Inspection) -> None:
    """Keep the gravest verdict on its files."""
    _update(inspection, safety=inspection.result["verdict"])


def _update(inspection: Inspection, **values: Any) -> None:
    """Write columns while the inspected commit is the head of the default branch, so that a late result of an older one changes nothing."""
    branch = HEADS + inspection.repository.default_branch
    Asset.objects.filter(
        pk__in=Asset.objects.filter(
            repository=inspection.repository_id, repository__refs__name=branch, repository__refs__commit=inspection.commit
        ).values("pk")
    ).update(**values)


def inspect_heads() -> int:
    """Have heads read that were never read by the present rules, a batch of each step at a time, and return how many heads."""
    begun = 0
    for kind in Asset.Kind.values:
        for step in steps_for(kind):
            for asset in _unread(kind, step)[:BATCH]:
                inspect(repository=asset.repository, commit=asset.head, kind=kind)
                begun += 1
    return begun


def _unread(kind: str, step: Step) -> QuerySet[Any]:
    """Return assets with their `head` that `step` has not read; what failed waits for somebody to begin it again."""
    done = Q(finished_at__isnull=False, version__gte=step.version)
    known = Inspection.objects.filter(repository=OuterRef("repository"), commit=OuterRef("head"), step=step.code)
    known = known.filter(done | Q(job__state__in=[*Job.ACTIVE, Job.State.FAILED]))
    heads = Asset.objects.filter(kind=kind, repository__deleted_at=None).annotate(head=Subquery(_HEAD.values("commit")[:1]))
    return heads.filter(~Exists(known), head__isnull=False).select_related("repository").order_by(F("updated_at").desc())
