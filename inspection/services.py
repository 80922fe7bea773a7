"""Having commits inspected, and keeping what was found."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import record
from core.permissions import require
from core.problems import Conflict
from inspection.models import FileReport, Inspection, Sheet, SheetObject
from inspection.registry import STEPS, steps_for
from jobs.services import BACKGROUND, enqueue
from repos.models import LargeObject, Repository
from repos.services import keep_bytes


@transaction.atomic
def inspect(*, repository: Repository, commit: str, kind: str, owner: User | None = None) -> list[Inspection]:
    """Have every step for a `kind` of asset read `commit`, and return them; what has a result of the present rules stays as it is."""
    found = []
    for step in steps_for(kind):
        row, _created = Inspection.objects.get_or_create(repository=repository, commit=commit, step=step.code)
        if row.finished_at is None or row.version < step.version:
            _enqueue(row, owner)
        found.append(row)
    return found


@transaction.atomic
def inspect_again(*, inspection: Inspection, actor: User) -> Inspection:
    """Begin a step again. Raises `Conflict` where it waits or runs already."""
    repository = inspection.repository
    require(repository, "upload")
    row = Inspection.objects.select_for_update(of=("self",)).select_related("job", "repository").get(pk=inspection.pk)
    if row.job is not None and row.job.active:
        raise Conflict("inspection_running", _("This is being read already. Wait for the result."))
    row.finished_at = None
    row.save(update_fields=["finished_at"])
    _enqueue(row, actor, again=True)
    record(
        actor=actor, verb="inspect", target_kind="repository", target_id=repository.pk, target=str(row), step=row.step, commit=row.commit
    )
    return row


def _enqueue(row: Inspection, owner: User | None, *, again: bool = False) -> None:
    row.job = enqueue(
        kind="inspection.read",
        params={"inspection": row.pk, "again": again},
        owner=owner,
        dedupe_key=f"inspection:{row.pk}",
        priority=BACKGROUND,
    )
    row.save(update_fields=["job"])


@transaction.atomic
def keep_reports(*, step: str, repository: Repository, found: Mapping[tuple[str, str], tuple[str, Mapping[str, Any]]]) -> None:
    """Keep verdicts and reports by content and form, a few dozen with three queries."""
    contents, forms = {content for content, _form in found}, {form for _content, form in found}
    old = FileReport.objects.filter(Q(repository=None) | Q(repository=repository), step=step, content__in=contents, form__in=forms)
    old.filter(pk__in=[row.pk for row in old.only("pk", "content", "form") if (row.content, row.form) in found]).delete()
    # A report on the same object by another worker at the same time says the same.
    FileReport.objects.bulk_create(
        [
            FileReport(
                step=step, repository=_scope(repository, content), content=content, form=form,
                version=STEPS[step].version, verdict=verdict, report=dict(report),
            )
            for (content, form), (verdict, report) in found.items()
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def reports(*, step: str, repository: Repository, contents: Iterable[str]) -> dict[tuple[str, str], FileReport]:
    """Return what `step` knows by the present rules of these contents, by content and form; one query for each thousand."""
    wanted, found = list(dict.fromkeys(contents)), {}
    for start in range(0, len(wanted), 1000):
        rows = FileReport.objects.filter(
            Q(repository=None) | Q(repository=repository), step=step, content__in=wanted[start : start + 1000], version=STEPS[step].version
        )
        found.update({(row.content, row.form): row for row in rows})
    return found


def _scope(repository: Repository, content: str) -> Repository | None:
    return None if len(content) == 64 else repository


@transaction.atomic
def keep_sheet(*, inspection: Inspection, config: str, split: str, parts: Sequence[Mapping[str, Any]] = (), **facts: Any) -> Sheet:
    """Keep one split of a dataset in place of what was kept before; `parts` name large objects, `facts` are the other columns of `Sheet`."""
    Sheet.objects.filter(inspection=inspection, config=config, split=split).delete()
    sheet = Sheet.objects.create(inspection=inspection, config=config, split=split, parts=[dict(part) for part in parts], **facts)
    objects = {
        row.pk: row for row in LargeObject.objects.select_for_update().filter(pk__in={part["sha256"] for part in parts}).order_by("pk")
    }
    for part in parts:
        objects[part["sha256"]].rescue()
    SheetObject.objects.bulk_create([SheetObject(sheet=sheet, object=row) for row in objects.values()])
    return sheet


__all__ = ["inspect", "inspect_again", "keep_bytes", "keep_reports", "keep_sheet", "reports"]
