"""Editing and comparing trees, touching only the folders that change."""

from collections.abc import Iterable, Iterator

from django.utils.translation import gettext_lazy as _

from core.problems import Conflict, Missing
from repos.models.git import FOLDER_MODE
from repos.objects import EMPTY_TREE, Leaf, Objects, build_tree, is_folder


class _Folder:
    """A folder being edited; children not yet touched stay as ids."""

    __slots__ = ("children", "leaves")

    def __init__(self, leaves: dict[str, Leaf]) -> None:
        self.leaves = leaves
        self.children: dict[str, _Folder] = {}


class TreeEditor:
    """Applies changes of paths to a root tree and writes the trees that result.

    Call `prefetch` with every path that will be touched: it loads their folders with one query a level.
    """

    def __init__(self, objects: Objects, root: str) -> None:
        self.objects = objects
        self.root = _Folder(objects.tree(root))

    def prefetch(self, paths: Iterable[str]) -> None:
        """Load the folders on the way to `paths`."""
        level: list[tuple[_Folder, list[list[str]]]] = [(self.root, [p.split("/") for p in paths])]
        while level:
            wanted: list[tuple[_Folder, str, list[list[str]]]] = []
            for folder, rests in level:
                below: dict[str, list[list[str]]] = {}
                for rest in rests:
                    if len(rest) > 1:
                        below.setdefault(rest[0], []).append(rest[1:])
                for name, deeper in below.items():
                    leaf = folder.leaves.get(name)
                    if leaf and is_folder(leaf):
                        wanted.append((folder, name, deeper))
            trees = self.objects.trees({folder.leaves[name][1] for folder, name, _d in wanted})
            level = []
            for folder, name, deeper in wanted:
                child = folder.children.setdefault(name, _Folder(dict(trees[folder.leaves[name][1]])))
                level.append((child, deeper))

    def _child(self, folder: _Folder, name: str, path: str) -> _Folder:
        if name in folder.children:
            return folder.children[name]
        leaf = folder.leaves.get(name)
        if leaf is None:
            child = _Folder({})
        elif is_folder(leaf):
            child = _Folder(self.objects.tree(leaf[1]))
        else:
            raise Conflict(
                "path_file_in_the_way",
                _("“%(path)s” cannot be written: a folder on its way is a file.") % {"path": path},
                extra={"path": path},
            )
        folder.leaves.setdefault(name, (FOLDER_MODE, EMPTY_TREE))
        folder.children[name] = child
        return child

    def find(self, path: str) -> Leaf | None:
        """Return what stands at `path` now; for an edited folder its id is not yet known and reads as the old one."""
        folder = self.root
        *parents, name = path.split("/")
        for parent in parents:
            leaf = folder.leaves.get(parent)
            if leaf is None or not is_folder(leaf):
                return None
            folder = self._child(folder, parent, path)
        return folder.leaves.get(name)

    def put(self, path: str, leaf: Leaf) -> None:
        """Set what stands at `path`, making folders on the way; a file never replaces a folder silently."""
        folder = self.root
        *parents, name = path.split("/")
        for parent in parents:
            folder = self._child(folder, parent, path)
        old = folder.leaves.get(name)
        if old and is_folder(old) != is_folder(leaf):
            raise Conflict(
                "path_folder_in_the_way",
                _("“%(path)s” cannot be written: something of another kind has that name. Delete it first.") % {"path": path},
                extra={"path": path},
            )
        folder.leaves[name] = leaf
        folder.children.pop(name, None)

    def remove(self, path: str) -> Leaf:
        """Take away a file or folder and return what it was, with its edits written."""
        folder = self.root
        *parents, name = path.split("/")
        for parent in parents:
            leaf = folder.leaves.get(parent)
            if leaf is None or not is_folder(leaf):
                raise missing(path)
            folder = self._child(folder, parent, path)
        leaf = folder.leaves.get(name)
        if leaf is None:
            raise missing(path)
        if name in folder.children:
            leaf = (FOLDER_MODE, self._write(folder.children.pop(name)) or EMPTY_TREE)
        del folder.leaves[name]
        return leaf

    def current(self, path: str) -> Leaf:
        """Return what stands at `path`, writing edits below it so that the id is true; raise `Missing` if nothing does."""
        leaf = self.remove(path)
        self.put(path, leaf)
        return leaf

    def write(self) -> str:
        """Keep the changed trees for writing and return the new root's id; empty folders vanish."""
        return self._write(self.root) or self.objects.add(build_tree({}))

    def _write(self, folder: _Folder) -> str | None:
        for name, child in folder.children.items():
            sha = self._write(child)
            if sha is None:
                folder.leaves.pop(name, None)
            else:
                folder.leaves[name] = (FOLDER_MODE, sha)
        folder.children.clear()
        return self.objects.add(build_tree(folder.leaves)) if folder.leaves else None


def missing(path: str) -> Missing:
    """Return the problem of a path that is not there."""
    return Missing("path_not_found", _("There is no “%(path)s” in this revision.") % {"path": path}, extra={"path": path})


def changed_leaves(objects: Objects, old: str, new: str) -> Iterator[tuple[str, Leaf | None, Leaf | None]]:
    """Yield `(path, before, after)` for every file that differs between two trees; one query a level of folders."""
    level: list[tuple[str, str, str]] = [("", old, new)] if old != new else []
    while level:
        objects.fetch({sha for _p, a, b in level for sha in (a, b)})
        deeper: list[tuple[str, str, str]] = []
        for prefix, a, b in level:
            before, after = objects.tree(a), objects.tree(b)
            for name in before.keys() | after.keys():
                x, y = before.get(name), after.get(name)
                if x == y:
                    continue
                path = f"{prefix}{name}"
                folder_x = x[1] if x and is_folder(x) else None
                folder_y = y[1] if y and is_folder(y) else None
                if folder_x or folder_y:
                    deeper.append((f"{path}/", folder_x or EMPTY_TREE, folder_y or EMPTY_TREE))
                file_x, file_y = (None if folder_x else x), (None if folder_y else y)
                if file_x or file_y:
                    yield path, file_x, file_y
        level = deeper


def leaves_below(objects: Objects, tree: str, prefix: str = "") -> Iterator[tuple[str, Leaf]]:
    """Yield every file below a tree with its path."""
    for path, _before, after in changed_leaves(objects, EMPTY_TREE, tree):
        if after:
            yield f"{prefix}{path}", after
