"""Names of environments, and the interpreter that they stand on."""

import hashlib
import json
import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from toolchain.environments.bases import BASES
from toolchain.runners.base import Mount

# Counted up whenever environments built before must be built again.
FORMAT = 1


def identify(base: str, requirements: Sequence[str] = ()) -> str:
    """Return the id of what `requirements`, as `parse` gives them, make over `base`; without any it is the base's own.

    It changes with the base's pins, the platform and the interpreter, whose path is part of an environment.
    """
    facts = [FORMAT, base, BASES[base].requirements, list(requirements), sysconfig.get_platform(), sys.version, interpreter()]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def interpreter() -> str:
    """Return the path of the Python behind the portal's own environment."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def interpreter_mounts() -> tuple[Mount, ...]:
    """Return what a run must see to start the interpreter; nothing where it belongs to the system."""
    prefixes = {sys.base_prefix, sys.base_exec_prefix, str(Path(interpreter()).parents[1])}
    outside = sorted({os.path.realpath(prefix) for prefix in prefixes} | prefixes)
    return tuple(Mount(prefix, prefix) for prefix in outside if not Path(prefix).is_relative_to("/usr") and prefix != "/")
