"""Sandboxes: what a run can see, reach and use up. Levels are those of `Level`; `probe` says which one a machine can give."""

from toolchain.runners.sandbox.accounts import account, shared_memory, sweep
from toolchain.runners.sandbox.command import Command, Level, command
from toolchain.runners.sandbox.probing import Probe, probe

__all__ = ["Command", "Level", "Probe", "account", "command", "probe", "shared_memory", "sweep"]
