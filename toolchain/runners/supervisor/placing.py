"""What is only known on the machine on which a run comes to lie, where a cluster chose that: its sandbox, its cards."""

import dataclasses
import os
from pathlib import Path

from toolchain.runners.folders import Order
from toolchain.runners.sandbox import Level, probe

BEST, BEST_OR_OFF = "best", "best-or-off"
"""Levels of an order: the best sandbox of the machine; the second runs without one where there is none."""
CLAIMS = Path("/tmp")
# What clusters set for a program they lend cards to.
_TOLD = {"gpu": "CUDA_VISIBLE_DEVICES", "npu": "ASCEND_RT_VISIBLE_DEVICES"}


def placed(order: Order, folder: Path) -> Order:
    """Return the order with the sandbox that works here and the cards that were lent to us."""
    level = order.level
    if level in (BEST, BEST_OR_OFF):
        found = probe(folder.parent).level
        level = Level.OFF if found is Level.NONE and level == BEST_OR_OFF else found
    wanted = order.spec.accelerators
    if wanted.count and not wanted.indexes:
        told = os.environ.get(_TOLD.get(wanted.kind, ""), "").split(",")
        indexes = tuple(int(each) for each in told if each.isdigit())[: wanted.count]
        wanted = dataclasses.replace(wanted, indexes=indexes)
    return dataclasses.replace(order, level=level, spec=dataclasses.replace(order.spec, accelerators=wanted))


def claims() -> Path:
    """Return the folder in which runs of this machine say which processors they use."""
    return CLAIMS / f"gallery-processors-{os.geteuid()}"
