"""Collected static files, collected again only where a file changed."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

UNUSED = ["rest_framework", "drf_spectacular_sidecar/redoc"]
"""Folders of packages whose pages are not served here."""


def fingerprint() -> str:
    """Return a digest over the names, sizes and times of all static files."""
    digest = hashlib.sha256(str(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for name, storage in finder.list(UNUSED):
            found = Path(storage.path(name)).stat()
            # Whole seconds: image layers keep no finer time.
            digest.update(f"{name}\0{found.st_size}\0{int(found.st_mtime)}\n".encode())
    return digest.hexdigest()


def collect() -> bool:
    """Collect the static files unless that is done already, and say whether there was something to do."""
    mark = Path(settings.STATIC_ROOT) / ".collected"
    wanted = fingerprint()
    if mark.exists() and mark.read_text() == wanted:
        return False
    mark.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=UNUSED)
    mark.write_text(wanted)
    return True
