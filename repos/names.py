"""Finding files by name, and all files in pages."""

from itertools import islice

from django.db.models import Q

from core.permissions import require
from repos.models import Commit, Entry
from repos.models.git import FOLDER_MODE
from repos.paths import split_path
from repos.reading import Item, Revision, walk


def named(revision: Revision, text: str, *, limit: int = 50) -> list[Item]:
    """Return up to `limit` files whose path contains every word of `text`, shortest paths first, whatever the case."""
    require(revision.repository, "view")
    words = text.lower().split()[:8]
    if not words:
        return []
    branch = revision.branch
    if branch is None or branch.commit != revision.commit.sha:
        found = (item for item in walk(revision) if all(word in item.path.lower() for word in words))
        return sorted(islice(found, limit), key=lambda item: (len(item.path), item.path))
    rows = Entry.objects.filter(branch=branch).exclude(mode=FOLDER_MODE)
    rows = rows.extra(select={"length": "length(folder) + length(name)"})
    for word in words:
        rows = rows.extra(where=["position(%s in lower(folder || '/' || name)) > 0"], params=[word])
    entries = list(rows.extra(order_by=["length", "folder", "name"])[:limit])
    commits = {row.sha: row for row in Commit.objects.filter(repository=revision.repository, sha__in={entry.commit for entry in entries})}
    return [_item(revision, entry, commits.get(entry.commit)) for entry in entries]


def files_after(revision: Revision, folder: str = "", after: str = "", *, limit: int = 1000) -> list[Item]:
    """Return up to `limit` files below `folder` that follow the path `after`, without commits, ordered by folder and name.

    At a branch's head each page is one indexed query, however deep it lies.
    """
    require(revision.repository, "view")
    folder, start = folder.strip("/"), split_path(after)
    branch = revision.branch
    if branch is None or branch.commit != revision.commit.sha:
        items = sorted(walk(revision, folder), key=lambda item: split_path(item.path))
        return list(islice((item for item in items if not after or split_path(item.path) > start), limit))
    rows = Entry.objects.filter(branch=branch).exclude(mode=FOLDER_MODE)
    if folder:
        rows = rows.filter(Q(folder=folder) | Q(folder__startswith=f"{folder}/"))
    if after:
        rows = rows.filter(folder__gte=start[0]).filter(Q(folder__gt=start[0]) | Q(name__gt=start[1]))
    return [_item(revision, entry) for entry in rows.order_by("folder", "name")[:limit]]


def _item(revision: Revision, entry: Entry, commit: Commit | None = None) -> Item:
    return Item(revision.repository, entry.path, entry.mode, entry.oid, entry.size, entry.files, entry.sha256, commit)
