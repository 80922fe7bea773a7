"""Compute: its specs, limits and ledger; what runs on it; and the environments it runs in."""

from toolchain.models.compute import Entry, Limit, Node, Spec
from toolchain.models.environments import Environment
from toolchain.models.owned import Owned, OwnedQuerySet
from toolchain.models.runs import Excerpt, Run, Sample

__all__ = ["Entry", "Environment", "Excerpt", "Limit", "Node", "Owned", "OwnedQuerySet", "Run", "Sample", "Spec"]
