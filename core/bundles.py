"""Static files as one request each: sources stay small files, collecting them puts imported files where the import stands."""

import re
from collections.abc import Iterator, Mapping
from posixpath import dirname, join, normpath
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

BUNDLES = ("css/gallery.css", "js/gallery.js")
_IMPORT = re.compile(r'^(?:@import|import) "(?:\./)?([\w./-]+)";$', re.MULTILINE)
_MODULE = (r"""(?P<matched>import (?P<names>\{[^}]*\}) from "(?P<url>\./[\w-]+\.js)";)""", 'import %(names)s from "%(url)s";')

Sources = Mapping[str, tuple[Storage, str]]


def bundle(name: str, paths: Sources) -> str:
    """Return the text of `name` with every import line replaced by the file it names; scripts keep a scope of their own."""

    def text_of(name: str) -> str:
        storage, path = paths[name]
        with storage.open(path) as file:
            return str(file.read().decode())

    def replace(match: re.Match[str]) -> str:
        part = text_of(normpath(join(dirname(name), match[1])))
        return f"{{\n{part}}}" if name.endswith(".js") else part

    return _IMPORT.sub(replace, text_of(name))


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise carries no types
    """Hashed, compressed static files in which the `BUNDLES` carry the files they import; other scripts import hashed ones."""

    # Only ours: comments and other syntax in packages' scripts look like imports too.
    patterns = (*CompressedManifestStaticFilesStorage.patterns, ("js/*.js", (_MODULE,)))

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        bundled = InMemoryStorage()
        for name in BUNDLES:
            if name in paths and not dry_run:
                bundled.save(name, ContentFile(bundle(name, paths).encode()))
                paths = {**paths, name: (bundled, name)}
        yield from super().post_process(paths, dry_run=dry_run, **options)
