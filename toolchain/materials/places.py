"""Where a run finds what it was given, as it sees it."""

from pathlib import PurePosixPath

CACHE = PurePosixPath("/home/ma-user/.cache/gallery")
OUTPUT = CACHE / "output"


def place_of(kind: str, repo_id: str) -> str:
    """Return the path at which a run sees the files of a model or dataset: `<cache>/model/<user>--<name>`."""
    owner, _slash, name = repo_id.partition("/")
    return str(CACHE / kind / f"{owner}--{name}")
