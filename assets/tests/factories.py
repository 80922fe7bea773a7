"""Assets for tests, made through the services that everybody uses."""

from itertools import count
from typing import Any

from django.utils import timezone

from accounts.models import Namespace
from assets import services
from assets.models import Asset, Term
from jobs.models import Job
from repos.models import Repository

_numbers = count(1)


def make_asset(
    actor: Any,
    namespace: Any = None,
    *,
    name: str = "",
    kind: str = "model",
    visibility: str = "public",
    availability: str = "free",
    audience: Any = (),
    **facts: Any,
) -> Asset:
    """Return a new asset of `namespace` (else of `actor`), read for `actor`: published, unless `visibility` is `private`."""
    place = Namespace.objects.for_user(actor).get(pk=(namespace or actor).pk)
    made = services.create_asset(actor=actor, namespace=place, kind=kind, name=name or f"asset-{next(_numbers)}", **facts)
    if visibility == "private":
        return made
    if "publish" in made.allowed:
        return services.publish_asset(asset=made, actor=actor, visibility=visibility, availability=availability, audience=audience)
    shelve(made, visibility=visibility, availability=availability)
    return read_for(actor, made)


def shelve(asset: Asset, **columns: Any) -> None:
    """Put an asset on the shelf as if it had been published, for tests about something else."""
    Asset.objects.filter(pk=asset.pk).update(state=Asset.State.PUBLISHED, published_at=timezone.now(), **columns)


def hang_asset(owner: Any, *, kind: str = "model", visibility: str = "public", name: str = "", **columns: Any) -> Asset:
    """Return an asset with these columns over an empty repository: for lists, which read no files."""
    return Asset.objects.create(
        namespace_id=owner.pk,
        kind=kind,
        name=name or f"asset-{next(_numbers)}",
        **({} if visibility == "private" else {"state": Asset.State.PUBLISHED, "visibility": visibility}),
        repository=Repository.objects.create(namespace_id=owner.pk),
        **columns,
    )


def read_for(user: Any, asset: Asset) -> Asset:
    """Return the asset as `user` sees it."""
    return Asset.objects.for_user(user).whole().get(pk=asset.pk)


def term(vocabulary: str, code: str, **fields: Any) -> Term:
    """Return the term with this code, made or changed to have `fields`."""
    fields = {"name_en": code.title(), "name_zh": code, **fields}
    found, _created = Term.objects.update_or_create(vocabulary=vocabulary, code=code, defaults=fields)
    return found


def finish_jobs() -> None:
    """Run every due job as a worker would."""
    from jobs.services import run

    for job in Job.objects.due():
        run(job.pk)


def finish_everything() -> None:
    """Run jobs as workers would until none is due: those that others began too."""
    while Job.objects.due().exists():
        finish_jobs()
