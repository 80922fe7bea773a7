"""Datasets to train with: which ones somebody may choose, and whether one has the form that the gallery's own training reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.utils.translation import gettext as _

from assets.models import Asset
from assets.tables.opening import Tables, tables_of
from assets.tables.states import state_of
from inspection.files import Unreadable
from inspection.models import Sheet
from inspection.tables import rows
from inspection.tables.parts import table
from toolchain.choices import usable
from toolchain.trainer import builtin
from toolchain.trainer.builtin import checking, conversations, squad
from toolchain.trainer.builtin.checking import Finding, Row, Split
from toolchain.trainer.offers import told

MOST = 8
LOOKED_AT = 100
"""Rows of a split that are looked at before submission; the run looks at all of them."""
READ = frozenset(
    {name for forms in (conversations.FORMS, squad.FORMS) for names in forms.values() for name in names}
    | {"input", "system", "history", "id", "answer_start", "is_impossible"}
)
"""The columns that the check looks into."""
CACHE_SECONDS = 24 * 3600
_MARKS = {"error": "bad", "warning": "warn", "note": "ok"}


@dataclass(frozen=True)
class Check:
    """What a dataset is to a task. `state` is "checked", or how far the reading of its tables is: waiting, reading, unread, failed or none.

    `fits` is None unless it was checked. `findings` are what was found, errors first.
    """

    state: str
    fits: bool | None = None
    findings: Sequence[Finding] = ()
    reason: str = ""

    @property
    def moves(self) -> bool:
        """Whether it changes by itself."""
        return self.state in ("waiting", "reading")

    @property
    def objections(self) -> list[str]:
        """Why no training may begin with it, in sentences; empty where it fits, or where the run itself will tell."""
        return [text for mark, text in self.lines if mark == "bad"] if self.fits is False else []

    @property
    def lines(self) -> list[tuple[str, str]]:
        """The findings in words, each with "ok", "warn" or "bad"."""
        if self.state == "checked":
            return [(_MARKS[finding.severity], told(finding)) for finding in self.findings]
        words = {
            "waiting": _("The files are about to be read. The format is checked after that."),
            "reading": _("The files are being read. The format is checked after that."),
            "unread": _("The files of this version were not read. The format is checked when the job begins."),
            "failed": _("The files could not be read. The format is checked when the job begins."),
            "none": _("There is no table in these files."),
        }
        return [("bad" if self.state == "none" else "warn", f"{words[self.state]} {self.reason}".strip())]


def usable_named(user: Any, kind: str, repo_id: str) -> Asset | None:
    """Return the asset `owner/name` where `user` may use it, else None."""
    namespace, slash, name = repo_id.strip().partition("/")
    if not slash or "\0" in repo_id or len(repo_id) > 300:
        return None
    found: Asset | None = usable(user, kind).named(namespace, name).first()
    return found if found is not None and "train" in found.allowed else None


def check_of(dataset: Asset, revision: str, task: str, subset: str = "") -> Check | None:
    """Return what `dataset`, read for a viewer who may use it, is to a task; None for tasks that the gallery does not train by itself."""
    if task not in builtin.TASKS:
        return None
    tables = tables_of(dataset, revision)
    state = state_of(tables)
    if state.code != "ready" or tables.is_earlier or tables.shown is None:
        return Check("waiting" if tables.is_earlier else state.code, reason=state.reason if state.code in ("none", "failed") else "")
    # Another reading of the same commit has other sheets.
    moment = tables.shown.finished_at.timestamp() if tables.shown.finished_at else 0
    key = f"training-check:1:{task}:{tables.shown.pk}:{moment}:{sha256(subset.encode()).hexdigest()[:16]}"
    kept: Check | None = cache.get(key)
    if kept is None:
        kept = _checked(tables, task, subset)
        cache.set(key, kept, CACHE_SECONDS)
    return kept


def _checked(tables: Tables, task: str, subset: str) -> Check:
    if subset and subset not in tables.configs:
        facts = {"subset": subset[:80], "subsets": ", ".join(tables.configs)[:300]}
        return Check("checked", False, (Finding("subset_unknown", "error", facts),))
    config = subset or tables.default_config
    sheets = [sheet for sheet in tables.described() if sheet.config == config and not sheet.error]
    try:
        outcome = checking.check(task, [_split(tables, sheet) for sheet in sheets])
    except Unreadable:
        return Check("failed")
    order = ("error", "note", "warning")
    return Check("checked", outcome.fits, tuple(sorted(outcome.findings, key=lambda finding: order.index(finding.severity))))


def _split(tables: Tables, sheet: Sheet) -> Split:
    columns = {column["name"]: str(column.get("kind", "")) for column in sheet.columns}
    return Split(sheet.split, columns, partial(_rows, tables, sheet, [name for name in columns if name in READ]), sheet.rows)


def _rows(tables: Tables, sheet: Sheet, columns: Sequence[str]) -> Iterator[Row]:
    whole = tables.sheet(sheet.config, sheet.split)
    for number, (values, cut) in enumerate(rows.first(table(whole), LOOKED_AT, columns), 1):
        yield Row(values, number, cut=cut)
