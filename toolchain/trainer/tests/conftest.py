"""Fixtures of this room's tests."""

from toolchain.tests.environments import bases  # noqa: F401
from toolchain.trainer.tests.training import python  # noqa: F401
