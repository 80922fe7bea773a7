"""Runners by name, and where on this machine things lie."""

import logging
import threading
from functools import cache
from pathlib import Path

from django.conf import settings

from toolchain.environments.index import Index, from_settings
from toolchain.models import Spec
from toolchain.runners.base import Runner, RunnerError
from toolchain.runners.local import LocalRunner
from toolchain.runners.ray.runner import RayRunner
from toolchain.runners.sandbox import Level, Probe, probe
from toolchain.runners.supervisor.placing import BEST, BEST_OR_OFF

logger = logging.getLogger(__name__)
_probing = threading.Lock()


def runs_folder() -> Path:
    """Return the folder with a folder for each run of this machine."""
    return _made(settings.RUNS_DIR / "runs")


def cluster_folder() -> Path:
    """Return the folder with a folder for each run of the Ray cluster, which all its machines see at the same path."""
    return _made(settings.RUNS_DIR / "ray")


def environments_folder() -> Path:
    """Return the folder with the environments."""
    return _made(settings.RUNS_DIR / "environments")


def inputs_folder() -> Path:
    """Return the folder with the repositories that runs were given."""
    return _made(settings.RUNS_DIR / "inputs")


def runner_of(name: str) -> Runner:
    """Return the runner with this name; `RunnerError` where it is not set up."""
    return _local(runs_folder(), level_used()) if name == Spec.Runner.LOCAL else cluster()


def cluster() -> RayRunner:
    """Return the runner of the Ray cluster; `RunnerError` where there is none."""
    if not settings.RAY_ADDRESS:
        raise RunnerError("ray_missing", "RAY_ADDRESS is not set.")
    return _cluster(cluster_folder(), settings.RAY_ADDRESS, settings.RAY_TOKEN, BEST_OR_OFF if settings.ALLOW_UNSANDBOXED else BEST)


def level_used() -> Level:
    """Return the sandbox that runs get: what works here, or none where an administrator said so."""
    found = probed().level
    return Level.OFF if found == Level.NONE and settings.ALLOW_UNSANDBOXED else found


def probed() -> Probe:
    """Return what sandbox works on this machine; found out once for each process."""
    with _probing:
        return _probe(settings.RUNS_DIR)


def index() -> Index:
    """Return where packages come from, as configured; by default as pip is."""
    return from_settings(settings.PACKAGE_INDEX_URL, settings.PACKAGE_EXTRA_INDEX_URLS, settings.PACKAGE_FIND_LINKS)


@cache
def _local(folder: Path, level: Level) -> LocalRunner:
    if level == Level.OFF:
        logger.critical(
            "ALLOW_UNSANDBOXED: code of users runs without a sandbox and can read all that the gallery can. %s", probed().detail
        )
    return LocalRunner(folder, level=level, index=index().indexes(settings.PACKAGE_HOSTS))


@cache
def _cluster(folder: Path, address: str, token: str, level: str) -> RayRunner:
    return RayRunner(folder, address, token, level=level, index=index().indexes(settings.PACKAGE_HOSTS))


def _made(folder: Path) -> Path:
    """Return a folder that others may pass through but not list: sandboxes run under accounts of their own."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
    return folder


@cache
def _probe(folder: Path) -> Probe:
    return probe(_made(folder / "runs"))
