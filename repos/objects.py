"""Reading and writing git objects as rows."""

from collections.abc import Iterable, Mapping

from django.db import connection
from dulwich.objects import Blob, ObjectID, ShaFile, Tree

from repos.models import GitObject, Repository
from repos.models.git import FOLDER_MODE

Leaf = tuple[int, str]
"""A tree entry: `(mode, object id)`."""

EMPTY_TREE = Tree().id.decode()


class Objects:
    """The git objects of one repository, with those not yet written kept at hand.

    `get` and `fetch` read through an in-memory copy; `add` keeps an object until `flush` writes all of them at once.
    """

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.known: dict[str, bytes] = {EMPTY_TREE: b""}
        self.fresh: dict[str, tuple[int, bytes]] = {}

    def add(self, obj: ShaFile) -> str:
        """Keep `obj` for writing and return its id."""
        return self.add_raw(obj.id.decode(), obj.type_num, obj.as_raw_string())

    def add_raw(self, sha: str, kind: int, data: bytes) -> str:
        self.fresh[sha] = (kind, data)
        self.known[sha] = data
        return sha

    def add_blob(self, data: bytes) -> str:
        """Keep file content for writing and return its git id."""
        return self.add(Blob.from_string(data))

    def fetch(self, shas: Iterable[str]) -> dict[str, bytes]:
        """Return content by id for every id that exists; one query for all that are not at hand."""
        wanted = set(shas)
        if missing := [sha for sha in wanted if sha not in self.known]:
            rows = GitObject.objects.filter(repository=self.repository, sha__in=missing).values_list("sha", "data")
            self.known.update((sha, bytes(data)) for sha, data in rows)
        return {sha: self.known[sha] for sha in wanted if sha in self.known}

    def tree(self, sha: str) -> dict[str, Leaf]:
        """Return a tree's entries by name."""
        return parse_tree(self.fetch([sha])[sha])

    def trees(self, shas: Iterable[str]) -> dict[str, dict[str, Leaf]]:
        """Return several trees at once."""
        return {sha: parse_tree(data) for sha, data in self.fetch(shas).items()}

    def flush(self) -> int:
        """Write what is new and return its bytes; the caller holds the repository's lock."""
        if not self.fresh:
            return 0
        there = set(GitObject.objects.filter(repository=self.repository, sha__in=list(self.fresh)).values_list("sha", flat=True))
        table = connection.ops.quote_name(GitObject._meta.db_table)
        written = 0
        with connection.cursor() as cursor:
            copy_sql = f"COPY {table} (repository_id, sha, kind, size, data) FROM STDIN (FORMAT BINARY)"
            with cursor.copy(copy_sql) as copy:
                copy.set_types(["int8", "varchar", "int2", "int4", "bytea"])
                for sha, (kind, data) in self.fresh.items():
                    if sha not in there:
                        copy.write_row((self.repository.pk, sha, kind, len(data), data))
                        written += len(data)
        self.fresh.clear()
        return written


def parse_tree(data: bytes) -> dict[str, Leaf]:
    """Return the entries of a raw tree object: `<octal mode> <name>\\0<20 bytes>` repeated."""
    entries: dict[str, Leaf] = {}
    position, end = 0, len(data)
    while position < end:
        space = data.index(b" ", position)
        nul = data.index(b"\0", space)
        name = data[space + 1 : nul].decode("utf-8", "surrogateescape")
        entries[name] = (int(data[position:space], 8), data[nul + 1 : nul + 21].hex())
        position = nul + 21
    return entries


def build_tree(entries: Mapping[str, Leaf]) -> Tree:
    """Return the git tree with these entries, in git's order."""
    tree = Tree()
    for name, (mode, sha) in entries.items():
        tree.add(name.encode("utf-8", "surrogateescape"), mode, ObjectID(sha.encode()))
    return tree


def is_folder(leaf: Leaf) -> bool:
    return leaf[0] == FOLDER_MODE
