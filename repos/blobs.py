"""The configured store for large objects."""

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from repos.backends.base import Store


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
