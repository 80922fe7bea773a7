"""The gallery's own training: folders `gallery_train` of ours that keep the contract every model's own folder keeps.

This package is seen by the portal and, read-only at `TARGET`, by the run. Only `wording` knows Django; the rest imports the standard
library, and what the base environment holds inside the functions and folders that train.
"""

from pathlib import Path

ENVIRONMENT = "current"
"""The base environment that the scripts are written for."""
TASKS = {"text-generation": "text_generation", "question-answering": "question_answering"}
"""The tasks that can be trained, and the folder of each."""
TARGET = "/gallery/toolchain/trainer/builtin"
"""Where a run sees `source()`; the first part of it is the only one that is on the path of modules there."""


def source() -> Path:
    """Return the folder of this machine that a run is to see at `TARGET`."""
    return Path(__file__).parent


def folder(task: str) -> Path:
    """Return the `gallery_train` of a task on this machine. Raises `KeyError` for a task that is not in `TASKS`."""
    return source() / TASKS[task] / "gallery_train"


def script(task: str) -> str:
    """Return the path of the training script as the run sees it."""
    return f"{TARGET}/{TASKS[task]}/gallery_train/train.py"
