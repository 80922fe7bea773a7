"""A repository of Alice's, opened with all her rights."""

from typing import Any

import pytest

from repos.models import Repository
from repos.services import create_repository

ALL = frozenset({"view", "preview", "download", "upload", "commit", "tag", "branch", "transfer", "delete"})


def opened(repository: Repository, *verbs: str) -> Repository:
    """Return the repository as a viewer with these verbs (default: all) would hold it."""
    repository.allowed = frozenset(verbs) or ALL
    return repository


@pytest.fixture
def repository(alice: Any, settings: Any, tmp_path: Any) -> Repository:
    settings.BLOB_STORE = f"file:{tmp_path / 'blobs'}"
    return opened(create_repository(namespace=alice, actor=alice, files={"README.md": b"# Tiny\n"}))
