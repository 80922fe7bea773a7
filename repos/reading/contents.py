"""The bytes of files."""

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from core.problems import Forbidden, Missing, TooLarge
from repos.backends.base import StoreError
from repos.blobs import store, store_problem
from repos.models import GitObject, LargeObject, LargeReference, Repository
from repos.reading.items import Item
from repos.trees import missing


def read(item: Item, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Yield the content of a file in pieces, from byte `start` to `end` (exclusive)."""
    _require_contents(item.repository)
    if item.is_large:
        try:
            yield from store().open(large_object(item).location, start, end)
        except StoreError as error:
            raise store_problem(error) from error
        return
    row = GitObject.objects.filter(repository=item.repository, sha=item.oid, kind=GitObject.Kind.BLOB).first()
    if row is None:
        raise missing(item.path)
    yield bytes(row.data)[start:end]


def read_all(item: Item, limit: int | None = None) -> bytes:
    """Return the whole content of a file of at most `limit` bytes (default: what is previewed)."""
    limit = settings.MAX_PREVIEW_SIZE if limit is None else limit
    if item.size > limit:
        raise TooLarge(
            "too_large_to_show", _("“%(name)s” is too large to be shown here. Download it.") % {"name": item.name}, extra={"limit": limit}
        )
    return b"".join(read(item))


def large_object(item: Item) -> LargeObject:
    """Return the object behind a file, if the file's repository refers to it: a pointer alone grants nothing."""
    _require_contents(item.repository)
    reference = LargeReference.objects.filter(repository=item.repository, object=item.sha256).select_related("object").first()
    if reference is None:
        raise Missing(
            "object_not_found", _("The content of “%(name)s” has not been uploaded.") % {"name": item.name}, extra={"sha256": item.sha256}
        )
    return reference.object


def _require_contents(repository: Repository) -> None:
    if not repository.allowed & {"preview", "download"}:
        raise Forbidden(
            "not_permitted", _("You may see the names of these files, but not read them. Ask the owner."), extra={"verb": "download"}
        )
