"""Tables of the version store."""

from repos.models.content import DailyDownloads, LargeObject, LargeReference
from repos.models.git import Commit, Entry, GitObject, Ref, Repository
from repos.models.uploads import Part, Upload

__all__ = [
    "Commit", "DailyDownloads", "Entry", "GitObject", "LargeObject", "LargeReference", "Part", "Ref", "Repository", "Upload",
]  # fmt: skip
