"""The configured store for large objects."""

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from core.problems import Conflict, Problem
from repos.backends.base import Store, StoreError


def store() -> Store:
    """Return the store that `BLOB_STORE` names; only its module is imported."""
    return _store(settings.BLOB_STORE, settings.AWS_ACCESS_KEY_ID, settings.AWS_SECRET_ACCESS_KEY)


@lru_cache(maxsize=4)
def _store(address: str, access_key: str, secret_key: str) -> Store:
    scheme, _colon, rest = address.partition(":")
    if scheme == "file":
        found: Store = import_module("repos.backends.files").FileStore(Path(rest))
        return found
    if scheme == "s3":
        parts = urlsplit(address)
        options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        found = import_module("repos.backends.s3").S3Store(
            parts.netloc,
            endpoint=options.get("endpoint"),
            region=options.get("region"),
            access_key=access_key,
            secret_key=secret_key,
            public_endpoint=options.get("public_endpoint"),
        )
        return found
    raise ImproperlyConfigured("BLOB_STORE: must start with file: or s3://.")


def store_problem(error: StoreError) -> Problem:
    """Return the sentence for a store that is down or full, or that lost something."""
    if error.code == "blob_missing":
        return Problem("content_missing", _("The content of this file is missing from the storage. Tell an administrator."), status=503)
    if error.code == "store_full":
        return Problem("store_full", _("The storage is full. Ask an administrator to add space."), status=507)
    if error.code == "parts_in_flight":
        return Conflict("parts_in_flight", _("A part is still being written. Finish again in a moment."))
    return Problem(
        "store_unavailable", _("The object storage does not answer. Lists can be browsed; try the transfer again in a minute."), status=503
    )
