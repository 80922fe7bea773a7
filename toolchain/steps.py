"""The step of reading a commit that holds a model against the specification."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from inspection import isolation
from inspection.files import File, Unreadable
from inspection.isolation import Beat, Limits
from inspection.registry import Step, Task
from toolchain.validator import VERSION, unread
from toolchain.validator.examining import wanted

CODE = "specification"


TARGET = "toolchain.validator.examining:examine_listing"
LIMITS = Limits(cpu=60, wall=120)


def examine_confined(
    listing: Sequence[tuple[str, int]], files: Sequence[File], refused: Mapping[str, str] | None = None, beat: Beat | None = None
) -> dict[str, Any]:
    """Return `Report.as_dict()` for a listing of paths and sizes, of which `files` can be read and others are `refused` by a code.

    The contents are parsed in a confined process.
    """
    arguments = {"listing": [list(pair) for pair in listing], "refused": dict(refused or {})}
    try:
        found: dict[str, Any] = isolation.run(TARGET, arguments, files=files, limits=LIMITS, beat=beat)
    except Unreadable as error:
        return unread(error.code).as_dict()
    return found


def read(task: Task) -> dict[str, Any]:
    """Return what the model's files say by the specification, `Report.as_dict()`; of most files only path and size are looked at."""
    listing = [(path, item.size) for path, item in task.items.items()]
    return examine_confined(listing, list(task.files([path for path, size in listing if wanted(path, size)])), beat=task.beat)


SPECIFICATION = Step(CODE, _("Custom model specification"), VERSION, read, frozenset({"model"}))
