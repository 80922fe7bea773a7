"""Which processors a run may use, so that a run of one does not take the whole machine, and two runs take two."""

import math
import os
from pathlib import Path

from toolchain.runners.folders import take_lock


def choose(cpus: float, claims: Path) -> tuple[set[int], list[int]]:
    """Return the processors for a run of `cpus`, and descriptors that hold our claim to them until they are closed.

    Those that no other run of this folder of claims holds come first. The set is empty where the run may use all there are.
    """
    available = sorted(os.sched_getaffinity(0))
    wanted = max(1, math.ceil(cpus))
    if wanted >= len(available):
        return set(), []
    claims.mkdir(mode=0o700, exist_ok=True)
    # Starting elsewhere each time spreads runs that share what is taken already.
    turn = os.getpid() % len(available)
    chosen: list[int] = []
    held: list[int] = []
    for number in available[turn:] + available[:turn]:
        if len(chosen) == wanted:
            break
        descriptor = take_lock(claims / str(number))
        if descriptor is not None:
            chosen.append(number)
            held.append(descriptor)
    shared = [number for number in available[turn:] + available[:turn] if number not in chosen]
    return {*chosen, *shared[: wanted - len(chosen)]}, held
