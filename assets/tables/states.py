"""How far the reading of a dataset's tables is, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from assets.tables.opening import Tables
from inspection.models import Inspection
from inspection.tables.wording import explain

MOST_NAMED = 8
NOT_TABLES = frozenset({"format_not_read", "no_data_files"})
"""Errors of splits that say that these files are no tables at all."""


@dataclass(frozen=True)
class State:
    """`code` is ready, waiting, reading, failed, none or unread; `done` of `of` parts are read, both 0 where that is not known.

    `reason` says why there is nothing to see; `seen` names what was found instead of tables.
    """

    code: str
    done: int = 0
    of: int = 0
    reason: str = ""
    seen: Sequence[str] = ()

    @property
    def percent(self) -> int:
        """How much is read, in per cent."""
        return self.done * 100 // self.of if self.of else 0

    @property
    def is_moving(self) -> bool:
        """Whether it changes by itself."""
        return self.code in ("waiting", "reading")


def state_of(tables: Tables) -> State:
    """Return the state of the commit that was asked for."""
    inspection = tables.inspection
    if inspection is None:
        job = tables.asset.ingest_job
        return State("waiting" if job is not None and job.active and not tables.given else "unread")
    done, of = inspection.progress
    match inspection.state:
        case Inspection.State.WAITING:
            # A job that stumbled waits for its next try; what went wrong is worth telling.
            return State("waiting", reason=inspection.job.error if inspection.job else "")
        case Inspection.State.RUNNING:
            return State("reading", done, of)
        case Inspection.State.FAILED:
            return State("failed", reason=inspection.job.error if inspection.job else "")
        case Inspection.State.SUPERSEDED:
            return State("unread")
    failed = [sheet for sheet in tables.sheets if sheet.error in NOT_TABLES]
    if tables.sheets and len(failed) < len(tables.sheets):
        return State("ready")
    if failed:
        return State("none", reason=explain(failed[0].error, failed[0].facts))
    return State("none", reason=_reason(inspection.result), seen=_seen(inspection.result))


def config_errors(tables: Tables) -> list[tuple[str, str]]:
    """Return the subsets that have no splits, with the sentence that says why."""
    found = tables.shown.result.get("configs", ()) if tables.shown else ()
    return [(config["name"], explain(config["error"], config.get("facts"))) for config in found if config.get("error")]


def _reason(result: dict[str, Any]) -> str:
    if result.get("error"):
        return explain(result["error"], result.get("facts"))
    return next((explain(config["error"], config.get("facts")) for config in result.get("configs", ()) if config.get("error")), "")


def _seen(result: dict[str, Any]) -> list[str]:
    return [
        _("%(count)s × %(ending)s") % {"count": found["files"], "ending": found["ending"] or _("no ending")}
        for found in result.get("seen", ())[:MOST_NAMED]
    ]
