"""Configuration of the toolchain; `portal.settings` takes it over."""

import os
from pathlib import Path

from portal import env

IMAGE_REGISTRIES = env.words(
    "IMAGE_REGISTRIES", help="Registries that custom images may come from, separated by commas: a host, or a host and the beginning of a "
    "path, such as `registry.example.com:5000/team`. Empty: from any, with a warning.",
)  # fmt: skip
TOOLCHAIN_CONCURRENCY = env.number(
    "TOOLCHAIN_CONCURRENCY", 4, least=1, help="Runs that one toolchain worker looks after at the same moment; each turn is short."
)
RUN_CPUS = env.number(
    "RUN_CPUS",
    len(os.sched_getaffinity(0)),
    least=1,
    shown="all of them",
    help="Processors of this machine that training jobs and services may take. More than there are: they share them.",
)

RUN_MEMORY = env.size("RUN_MEMORY", "0", help="Memory of this machine that training jobs and services may take; 0 means all but 2 GiB.")
RUN_DISK = env.size("RUN_DISK", "50GB", least="100MB", help="Disk space that one training job or service may fill.")
RUN_LOG_SIZE = env.size(
    "RUN_LOG_SIZE", "8MiB", least="64KiB", help="Bytes kept of the log of a run; what comes after is counted and dropped."
)
RUN_QUEUE = env.number("RUN_QUEUE", 200, least=1, help="Training jobs and services of one namespace that may wait for a machine.")
CHECKPOINT_DAYS = env.number("CHECKPOINT_DAYS", 14, help="Days for which the files of a stopped training job are kept.")
INPUT_CACHE_SIZE = env.size(
    "INPUT_CACHE_SIZE", "100GB", least="1GB", help="Disk space for the models and datasets that runs were given, kept for the next run."
)
ENVIRONMENT_DAYS = env.number("ENVIRONMENT_DAYS", 30, least=1, help="Days after which a Python environment that nobody used is removed.")
ALLOW_UNSANDBOXED = env.flag(
    "ALLOW_UNSANDBOXED", False,
    help="Run code of users although no sandbox works here. Everybody who may train can then read all that the gallery can.",
)  # fmt: skip
PACKAGE_INDEX_URL = env.text("PACKAGE_INDEX_URL", "", shown="as pip is configured", help="Package index for the environments of user code.")
PACKAGE_EXTRA_INDEX_URLS = env.words("PACKAGE_EXTRA_INDEX_URLS", help="Further package indexes, separated by commas.")
PACKAGE_FIND_LINKS = env.words("PACKAGE_FIND_LINKS", help="Folders or pages with packages, separated by commas.")
PACKAGE_HOSTS = env.words(
    "PACKAGE_HOSTS", help="Hosts besides those of the indexes from which packages come, where an index hands out addresses elsewhere.",
)  # fmt: skip
RAY_ADDRESS = env.text(
    "RAY_ADDRESS",
    "",
    help="Address of the dashboard of a Ray cluster, such as http://head:8265; its machines see RUNS_DIR at the same path. Empty: none.",
)
RAY_TOKEN = env.text("RAY_TOKEN", "", help="Token that the Ray cluster asks for.")
CURRENCY = env.text("CURRENCY", "CNY", help="Currency of the prices of compute specs.")


def runs_folder(data: Path) -> Path:
    """Return the folder in which runs, inputs and environments lie."""
    return Path(
        env.text("RUNS_DIR", str(data / "runs"), shown="./data/runs", help="Folder for what runs, and for what it needs and makes.")
    ).absolute()


__all__ = [name for name in dir() if name.isupper()]
