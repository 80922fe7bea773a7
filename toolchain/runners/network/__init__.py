"""The only way out of a sandbox: to package indexes, through a proxy that runs outside, and a bridge that runs inside."""

from toolchain.runners.network.indexes import Indexes

# `proxy.serve` is imported where it is used: asyncio would make every start of a run wait.
__all__ = ["Indexes"]
