"""Fixtures of several parts of the toolchain."""

from collections.abc import Iterator

import pytest

from toolchain.runners.tests.clusters import LocalCluster


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[LocalCluster]:
    """A real Ray cluster of two machines; a test that kills one of them has another one join."""
    made = LocalCluster()
    try:
        made.add_second()
        made.wait_for(2)
        yield made
    finally:
        made.close()
