"""Files and folders of a revision: from the index at a branch's head, from the trees elsewhere."""

from collections.abc import Iterator
from typing import Literal

from django.db.models import Sum

from core.permissions import require
from repos.index import contents_of
from repos.models import Commit, Entry, Ref, Repository
from repos.models.git import FOLDER_MODE, HEADS
from repos.objects import Leaf, Objects, is_folder
from repos.paths import split_path
from repos.reading.commits import attributed
from repos.reading.items import Item, Revision
from repos.trees import leaves_below, missing

Sort = Literal["name", "size", "changed"]


def find(revision: Revision, path: str) -> Item:
    """Return the file or folder at `path` (the root for an empty path): one indexed look-up at a branch's head."""
    require(revision.repository, "view")
    path = path.strip("/")
    if not path:
        size, files = _totals(revision)
        return Item(revision.repository, "", FOLDER_MODE, revision.commit.tree, size, files, commit=revision.commit)
    if branch := _index_of(revision):
        folder, name = split_path(path)
        entry = Entry.objects.filter(branch=branch, folder=folder, name=name).first()
        if entry is None:
            raise missing(path)
        return _with_commits(revision.repository, [entry])[0]
    leaf = _leaf_at(revision, path)
    item = _items(revision.repository, Objects(revision.repository), [(path, leaf)])[0]
    return attributed(revision, [item])[0]


def listing(
    revision: Revision, folder: str = "", *, sort: Sort = "name", descending: bool = False, offset: int = 0, limit: int = 1000
) -> list[Item]:
    """Return the entries of one folder, folders first; at a branch's head with one indexed query and one for commits."""
    require(revision.repository, "view")
    folder = folder.strip("/")
    if branch := _index_of(revision):
        order = {"name": "name", "size": "size", "changed": "changed_at"}[sort]
        sign = "-" if descending else ""
        rows = Entry.objects.filter(branch=branch, folder=folder).extra(select={"file": f"mode <> {FOLDER_MODE}"})
        entries = list(rows.order_by("file", f"{sign}{order}", "name")[offset : offset + limit])
        if (
            not entries
            and offset == 0
            and folder
            and not Entry.objects.filter(branch=branch, folder=split_path(folder)[0], name=split_path(folder)[1], mode=FOLDER_MODE).exists()
        ):
            raise missing(folder)
        return _with_commits(revision.repository, entries)
    objects = Objects(revision.repository)
    sha = revision.commit.tree
    if folder:
        mode, sha = _leaf_at(revision, folder)
        if mode != FOLDER_MODE:
            raise missing(folder)
    prefix = f"{folder}/" if folder else ""
    items = _items(revision.repository, objects, [(prefix + name, leaf) for name, leaf in objects.tree(sha).items()])
    items = attributed(revision, items)
    keys = {"name": lambda i: i.name, "size": lambda i: i.size, "changed": lambda i: (i.changed_at is not None, i.changed_at)}
    items.sort(key=lambda i: i.name)
    items.sort(key=keys[sort], reverse=descending)
    items.sort(key=lambda i: not i.is_folder)
    return items[offset : offset + limit]


def walk(revision: Revision, folder: str = "", *, indexed: bool = True) -> Iterator[Item]:
    """Yield every file below `folder` in path order, without commits.

    Not `indexed`, it reads the trees of the commit, which stay as they are while somebody commits to the branch.
    """
    require(revision.repository, "view")
    repository, folder = revision.repository, folder.strip("/")
    if indexed and (branch := _index_of(revision)):
        rows = Entry.objects.filter(branch=branch).exclude(mode=FOLDER_MODE)
        if folder:
            rows = rows.filter(folder=folder) | rows.filter(folder__startswith=f"{folder}/")
        for entry in rows.order_by("folder", "name").iterator(chunk_size=2000):
            yield _item(repository, entry, None)
        return
    objects = Objects(repository)
    root = _leaf_at(revision, folder)[1] if folder else revision.commit.tree
    leaves = sorted(leaves_below(objects, root, f"{folder}/" if folder else ""))
    for start in range(0, len(leaves), 2000):
        yield from _items(repository, objects, leaves[start : start + 2000])


def _totals(revision: Revision) -> tuple[int, int]:
    """Return bytes and files of a whole revision, zeros where that is not known: away from the heads of branches."""
    branch = _index_of(revision)
    if branch is None:
        return 0, 0
    if branch.short == revision.repository.default_branch:
        return revision.repository.size, revision.repository.files
    found = Entry.objects.filter(branch=branch, folder="").aggregate(size=Sum("size"), files=Sum("files"))
    return found["size"] or 0, found["files"] or 0


def _index_of(revision: Revision) -> Ref | None:
    """Return a branch whose head is this commit: its entries describe the revision."""
    if revision.branch and revision.branch.commit == revision.commit.sha:
        return revision.branch
    return Ref.objects.filter(repository=revision.repository, name__startswith=HEADS, commit=revision.commit.sha).first()


def _item(repository: Repository, entry: Entry, commit: Commit | None) -> Item:
    return Item(repository, entry.path, entry.mode, entry.oid, entry.size, entry.files, entry.sha256, commit)


def _with_commits(repository: Repository, entries: list[Entry]) -> list[Item]:
    rows = Commit.objects.filter(repository=repository, sha__in={entry.commit for entry in entries}).select_related("author")
    by_sha = {row.sha: row for row in rows}
    return [_item(repository, entry, by_sha.get(entry.commit)) for entry in entries]


def _items(repository: Repository, objects: Objects, leaves: list[tuple[str, Leaf]]) -> list[Item]:
    sizes = contents_of(objects, {leaf[1] for _path, leaf in leaves if not is_folder(leaf)})
    made: list[Item] = []
    for path, (mode, oid) in leaves:
        content = sizes.get(oid)
        files = 0 if mode == FOLDER_MODE else 1
        made.append(Item(repository, path, mode, oid, content.size if content else 0, files, content.sha256 if content else ""))
    return made


def _leaf_at(revision: Revision, path: str) -> Leaf:
    objects, sha = Objects(revision.repository), revision.commit.tree
    *parents, name = path.split("/")
    for parent in parents:
        leaf = objects.tree(sha).get(parent)
        if leaf is None or not is_folder(leaf):
            raise missing(path)
        sha = leaf[1]
    found = objects.tree(sha).get(name)
    if found is None:
        raise missing(path)
    return found
