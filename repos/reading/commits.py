"""Commits on the first-parent line, and what they changed."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from core.permissions import require
from repos.index import contents_of
from repos.models import Commit, Repository
from repos.models.git import FOLDER_MODE
from repos.objects import EMPTY_TREE, Leaf, Objects, is_folder
from repos.paths import split_path
from repos.reading.items import Change, Item, Revision
from repos.trees import changed_leaves

HISTORY_DEPTH = 300
PATH_BATCH = 200


def history(revision: Revision, path: str = "", *, offset: int = 0, limit: int = 30) -> list[Commit]:
    """Return commits on the first-parent line, newest first; with `path`, those that changed it."""
    require(revision.repository, "view")
    line = _first_parents(revision.commit)
    found: list[Commit] = []
    path = path.strip("/")
    if not path:
        for position, commit in enumerate(line):
            if position >= offset + limit:
                break
            if position >= offset:
                found.append(commit)
        return found
    for commit, changed in _changing(revision.repository, line, path):
        if changed:
            found.append(commit)
            if len(found) >= offset + limit:
                break
    return found[offset : offset + limit]


def changes(repository: Repository, old: str | None, new: str, *, limit: int = 1000) -> list[Change]:
    """Return what differs between two commits (from nothing for None), by path; equal content elsewhere is a rename."""
    require(repository, "view")
    trees = {c.sha: c.tree for c in Commit.objects.filter(repository=repository, sha__in=[s for s in (old, new) if s])}
    objects = Objects(repository)
    pairs: list[tuple[str, Leaf | None, Leaf | None]] = []
    for change in changed_leaves(objects, trees[old] if old else EMPTY_TREE, trees[new]):
        pairs.append(change)
    pairs.sort(key=lambda pair: pair[0])
    shown = pairs[:limit]
    sizes = contents_of(objects, {leaf[1] for _p, a, b in shown for leaf in (a, b) if leaf})

    def item(path: str, leaf: Leaf | None) -> Item | None:
        if leaf is None:
            return None
        content = sizes.get(leaf[1])
        return Item(repository, path, leaf[0], leaf[1], content.size if content else 0, sha256=content.sha256 if content else "")

    gone = {before: path for path, before, after in shown if before and not after}
    came = {after: path for path, before, after in shown if after and not before}
    renamed = {came[leaf]: gone[leaf] for leaf in gone.keys() & came.keys()}
    sources = set(renamed.values())
    result: list[Change] = []
    for path, before, after in shown:
        if path in sources:
            continue
        if path in renamed:
            result.append(Change(path, "renamed", item(renamed[path], after), item(path, after), renamed[path]))
        else:
            result.append(
                Change(
                    path, "added" if before is None else "deleted" if after is None else "modified", item(path, before), item(path, after)
                )
            )
    return result


def _first_parents(commit: Commit) -> Iterator[Commit]:
    """Yield a commit and its first-parent ancestors; commits are read in blocks by generation, not one by one."""
    rows = Commit.objects.filter(repository=commit.repository_id).select_related("author")
    current, block = commit, dict[str, Commit]()
    yield current
    while current.parents:
        if current.parents[0] not in block:
            # The first parent's generation is one less, so the block that ends there holds it.
            low = max(0, current.generation - PATH_BATCH)
            block = {row.sha: row for row in rows.filter(generation__gte=low, generation__lt=current.generation)}
        current = block[current.parents[0]]
        yield current


def _changing(repository: Repository, line: Iterable[Commit], path: str) -> Iterator[tuple[Commit, bool]]:
    """Yield each commit with whether it changed `path`, looking paths up for a block of commits at once."""
    pending: list[Commit] = []
    newer: tuple[Commit, Leaf | None] | None = None
    for block in _blocks(line, PATH_BATCH):
        pending = block
        leaves = _leaves_in(repository, {commit.tree for commit in pending}, path)
        for commit in pending:
            leaf = leaves.get(commit.tree)
            if newer is not None:
                yield newer[0], newer[1] != leaf
            newer = (commit, leaf)
    if newer is not None:
        yield newer[0], newer[1] is not None


def _blocks(line: Iterable[Commit], size: int) -> Iterator[list[Commit]]:
    block: list[Commit] = []
    for commit in line:
        block.append(commit)
        if len(block) == size:
            yield block
            block = []
    if block:
        yield block


def _leaves_in(repository: Repository, roots: set[str], path: str) -> dict[str, Leaf]:
    """Return what stands at `path` in each of several root trees; one query a level."""
    objects = Objects(repository)
    where = {root: root for root in roots}
    *parents, name = path.split("/")
    for parent in parents:
        trees = objects.trees(where.values())
        step: dict[str, str] = {}
        for root, sha in where.items():
            leaf = trees[sha].get(parent)
            if leaf and is_folder(leaf):
                step[root] = leaf[1]
        where = step
    trees = objects.trees(where.values())
    return {root: trees[sha][name] for root, sha in where.items() if name in trees[sha]}


def attributed(revision: Revision, items: list[Item]) -> list[Item]:
    """Fill in which commit last changed each item, searching at most `HISTORY_DEPTH` commits back."""
    if not items:
        return items
    folder = split_path(items[0].path)[0]
    wanted = {item.name: (item.mode, item.oid) for item in items}
    found: dict[str, Commit] = {}
    objects = Objects(revision.repository)
    newer: Commit | None = None
    block = []
    for depth, commit in enumerate(_first_parents(revision.commit)):
        if depth > HISTORY_DEPTH:
            break
        block.append(commit)
    folders = _leaves_in(revision.repository, {c.tree for c in block}, folder) if folder else {c.tree: (FOLDER_MODE, c.tree) for c in block}
    objects.fetch({leaf[1] for leaf in folders.values()})
    for commit in block:
        leaf = folders.get(commit.tree)
        tree = objects.tree(leaf[1]) if leaf else {}
        for name in [n for n, was in wanted.items() if tree.get(n) != was]:
            if newer is not None:
                found[name] = newer
            del wanted[name]
        newer = commit
        if not wanted:
            break
    if newer is not None and not newer.parents:
        found.update(dict.fromkeys(wanted, newer))
    return [replace(item, commit=found.get(item.name)) for item in items]
