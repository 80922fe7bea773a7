"""Reading a repository: revisions, listings, contents, history, changes.

The repository comes from a row that was read for a viewer, and every function asks it for the verb `view` (names and
history) or `preview`/`download` (contents).
"""

from repos.reading.commits import changes, history
from repos.reading.contents import large_object, read, read_all
from repos.reading.items import Change, Item, Revision
from repos.reading.listing import Sort, find, listing, walk
from repos.reading.revisions import branches, resolve, split, tags

__all__ = [
    "Change", "Item", "Revision", "Sort", "branches", "changes", "find", "history", "large_object", "listing", "read", "read_all", "resolve",
    "split", "tags", "walk",
]  # fmt: skip
