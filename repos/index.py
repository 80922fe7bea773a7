"""Keeping a branch's `Entry` rows in step with its head."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from core.problems import Conflict, TooLarge
from repos.attributes import POINTER_LIMIT, parse_pointer
from repos.models import Entry, GitObject, Ref
from repos.models.git import FOLDER_MODE
from repos.objects import EMPTY_TREE, Leaf, Objects, is_folder
from repos.paths import ancestors, collision_key, split_path
from repos.trees import changed_leaves

BATCH = 5_000


@dataclass(frozen=True)
class Content:
    """How large a blob's content is, and which large object it points to, if any."""

    size: int
    sha256: str = ""


@dataclass
class _Folder:
    size: int = 0
    files: int = 0


@dataclass
class IndexChange:
    """What a commit did to a branch's index: bytes and files at the head, and the large objects it mentions."""

    size: int = 0
    files: int = 0
    large: set[str] = field(default_factory=set)
    paths: list[str] = field(default_factory=list)


def contents_of(objects: Objects, shas: set[str]) -> dict[str, Content]:
    """Return size and pointer of blobs by id; pointer files are read, other content is not."""
    found: dict[str, Content] = {}
    for sha in shas & objects.known.keys():
        found[sha] = _content(len(objects.known[sha]), objects.known[sha])
    missing = list(shas - found.keys())
    for start in range(0, len(missing), BATCH):
        ids = missing[start : start + BATCH]
        rows = GitObject.objects.filter(repository=objects.repository, sha__in=ids, kind=GitObject.Kind.BLOB)
        small = dict(rows.filter(size__lte=POINTER_LIMIT).values_list("sha", "data"))
        for sha, size in rows.values_list("sha", "size"):
            found[sha] = _content(size, bytes(small[sha]) if sha in small else b"")
    return found


def _content(size: int, data: bytes) -> Content:
    if size <= POINTER_LIMIT and (known := parse_pointer(data)):
        return Content(size=known[1], sha256=known[0])
    return Content(size=size)


def update_index(*, branch: Ref, objects: Objects, old_tree: str, new_tree: str, commit: str, at: datetime) -> IndexChange:
    """Bring the entries of `branch` from `old_tree` to `new_tree`; raise when limits or collisions forbid the result.

    Costs a few queries whatever the number of changed paths, and touches changed paths and the folders above them only.
    """
    changes = {path: after for path, _before, after in changed_leaves(objects, old_tree, new_tree)}
    blobs = contents_of(objects, {leaf[1] for leaf in changes.values() if leaf})
    result = IndexChange(paths=sorted(changes))
    result.large = {content.sha256 for content in blobs.values() if content.sha256}

    folders = sorted({above for path in changes for above in ancestors(path)})
    old_rows = _rows_at(branch, [*changes, *folders])
    deltas: dict[str, _Folder] = defaultdict(_Folder)
    rows: list[tuple[str, Leaf, int, int, str]] = []
    for path, leaf in changes.items():
        old = old_rows.get(path)
        was = old if old is not None and not old.is_folder else None
        size = files = 0
        if leaf is not None:
            content = blobs.get(leaf[1], Content(0))
            size, files = content.size, 1
            rows.append((path, leaf, size, 1, content.sha256))
        delta_size, delta_files = size - (was.size if was else 0), files - (1 if was else 0)
        for above in ["", *ancestors(path)]:
            deltas[above].size += delta_size
            deltas[above].files += delta_files

    folder_ids = _folder_ids(objects, new_tree, folders)
    for folder in folders:
        old = old_rows.get(folder)
        was = old if old is not None and old.is_folder else None
        sha = folder_ids.get(folder)
        if sha is not None:
            size = (was.size if was else 0) + deltas[folder].size
            files = (was.files if was else 0) + deltas[folder].files
            rows.append((folder, (FOLDER_MODE, sha), size, files, ""))

    _check_collisions(branch, {path for path, *_rest in rows}, set(old_rows) | set(changes) | set(folders))
    Entry.objects.filter(pk__in=[row.pk for row in old_rows.values()]).delete()
    _insert(branch, rows, commit, at)
    _check_folder_sizes(branch, {split_path(path)[0] for path, *_rest in rows})
    totals = Entry.objects.filter(branch=branch, folder="").aggregate(size=Sum("size"), files=Sum("files"))
    result.size, result.files = totals["size"] or 0, totals["files"] or 0
    if result.files > settings.MAX_FILES and deltas[""].files > 0:
        raise TooLarge(
            "too_many_files",
            _("The repository would hold %(count)d files; at most %(limit)d are allowed. Pack small files into archives.")
            % {"count": result.files, "limit": settings.MAX_FILES},
            extra={"limit": settings.MAX_FILES},
        )
    return result


def copy_index(*, source: Ref, target: Ref) -> None:
    """Give a new branch the entries of the branch whose head it starts from."""
    columns = "folder, name, key, mode, oid, size, files, sha256, commit, changed_at"
    table = connection.ops.quote_name(Entry._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (branch_id, {columns}) SELECT %s, {columns} FROM {table} WHERE branch_id = %s",
            [target.pk, source.pk],
        )


def _rows_at(branch: Ref, paths: list[str]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    keys = {collision_key(path) for path in paths}
    ordered = list(keys)
    for start in range(0, len(ordered), BATCH):
        for row in Entry.objects.filter(branch=branch, key__in=ordered[start : start + BATCH]):
            found[row.path] = row
    wanted = set(paths)
    return {path: row for path, row in found.items() if path in wanted}


def _folder_ids(objects: Objects, root: str, folders: list[str]) -> dict[str, str]:
    """Return the tree id of each folder that exists below `root`."""
    ids = {"": root}
    by_depth: dict[int, list[str]] = defaultdict(list)
    for folder in folders:
        by_depth[folder.count("/")].append(folder)
    for depth in sorted(by_depth):
        parents = {split_path(folder)[0] for folder in by_depth[depth]}
        trees = objects.trees({ids[parent] for parent in parents if parent in ids})
        for folder in by_depth[depth]:
            parent, name = split_path(folder)
            leaf = trees.get(ids.get(parent, EMPTY_TREE), {}).get(name)
            if leaf and is_folder(leaf):
                ids[folder] = leaf[1]
    ids.pop("")
    return ids


def _check_collisions(branch: Ref, new_paths: set[str], replaced: set[str]) -> None:
    by_key: dict[str, str] = {}
    for path in new_paths:
        other = by_key.setdefault(collision_key(path), path)
        if other != path:
            raise _collision(path, other)
    keys = list(by_key)
    for start in range(0, len(keys), BATCH):
        for row in Entry.objects.filter(branch=branch, key__in=keys[start : start + BATCH]):
            if row.path not in replaced and row.path != by_key[row.key]:
                raise _collision(by_key[row.key], row.path)


def _collision(path: str, other: str) -> Conflict:
    return Conflict(
        "path_collision",
        _("“%(path)s” and “%(other)s” are the same name on some systems. Rename one of them.") % {"path": path, "other": other},
        extra={"path": path, "other": other},
    )


def _insert(branch: Ref, rows: list[tuple[str, Leaf, int, int, str]], commit: str, at: datetime) -> None:
    table = connection.ops.quote_name(Entry._meta.db_table)
    with (
        connection.cursor() as cursor,
        cursor.copy(
            f"COPY {table} (branch_id, folder, name, key, mode, oid, size, files, sha256, commit, changed_at) FROM STDIN (FORMAT BINARY)"
        ) as copy,
    ):
        copy.set_types(["int8", "text", "text", "text", "int4", "varchar", "int8", "int4", "varchar", "varchar", "timestamptz"])
        for path, (mode, oid), size, files, sha256 in rows:
            folder, name = split_path(path)
            copy.write_row((branch.pk, folder, name, collision_key(path), mode, oid, size, files, sha256, commit, at))


def _check_folder_sizes(branch: Ref, folders: set[str]) -> None:
    limit = settings.MAX_FOLDER_ENTRIES
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(Entry._meta.db_table)
        cursor.execute(
            f"SELECT folder, count(*) FROM {table} WHERE branch_id = %s AND folder = ANY(%s) GROUP BY folder HAVING count(*) > %s LIMIT 1",
            [branch.pk, list(folders), limit],
        )
        if row := cursor.fetchone():
            raise TooLarge(
                "folder_too_full",
                _("The folder “%(folder)s” would hold %(count)d entries; at most %(limit)d are allowed. Use sub-folders.")
                % {"folder": row[0] or "/", "count": row[1], "limit": limit},
                extra={"folder": row[0], "limit": limit},
            )
