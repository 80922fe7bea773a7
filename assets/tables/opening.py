"""Which tables a viewer gets to see: the commit, what was found in it, the split."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts.models import User
from assets.models import Asset
from assets.revisions import open_asset, plain
from core.problems import Missing
from inspection.models import Inspection, Sheet
from repos.reading import Revision, resolve

STEP = "tables"
HEAVY = ("columns", "statistics", "bad", "parts")
"""Columns of a split that a list of splits does without."""


@dataclass(frozen=True)
class Tables:
    """The tables of `asset`, which was read for a viewer who may preview it.

    `inspection` is that of the commit asked for, None where nothing has begun to read it. `shown` is the one whose splits these are: the
    same, or the last one before it while the newest commit is being read. `given` is the revision as it was written, empty without one.
    """

    asset: Asset
    revision: Revision
    given: str
    inspection: Inspection | None
    shown: Inspection | None
    sheets: Sequence[Sheet]

    @property
    def url(self) -> str:
        """The address of the page of the dataset."""
        return self.asset.get_absolute_url()

    @property
    def is_earlier(self) -> bool:
        """Whether these are the tables of an earlier commit than the one asked for."""
        return self.shown is not None and self.shown.commit != self.revision.commit.sha

    @property
    def may_retry(self) -> bool:
        """Whether the viewer may have the commit read again."""
        return "upload" in self.asset.allowed

    @property
    def configs(self) -> list[str]:
        """The names of the subsets in their order."""
        return list(dict.fromkeys(sheet.config for sheet in self.sheets))

    def splits(self, config: str) -> list[Sheet]:
        """Return the splits of a subset in their order, without their heavy columns."""
        return [sheet for sheet in self.sheets if sheet.config == config]

    def described(self) -> list[Sheet]:
        """Return the splits with their columns and what could not be read of them."""
        return list(self.shown.sheets.defer("statistics", "parts")) if self.shown is not None and self.sheets else []

    def address(self, page: str = "preview", **query: Any) -> str:
        """Return the address of one of these pages; the revision is kept, empty values are left out."""
        kept = {"revision": self.given, **query}
        words = [(key, value) for key, value in kept.items() if value not in ("", None, [])]
        return f"{self.url}/{page}" + (f"?{urlencode(words, doseq=True)}" if words else "")

    def sheet(self, config: str = "", split: str = "") -> Sheet:
        """Return a split as a whole; the first one of the default subset, or of `config`, unless told otherwise. Raises `Missing`."""
        chosen = config or self.default_config
        found = [sheet for sheet in self.splits(chosen) if not split or sheet.split == split]
        if not found:
            raise Missing(
                "split_not_found",
                _("There is no split “%(split)s” in the subset “%(config)s”. Choose one that is listed.")
                % {"split": split[:100] or "–", "config": chosen[:100] or "–"},
            )
        # Of several splits the first that could be read, so that one that failed does not hide the others.
        best = next((sheet for sheet in found if not sheet.error), found[0])
        return Sheet.objects.select_related("inspection").get(pk=best.pk)

    @property
    def default_config(self) -> str:
        """The subset that is shown first."""
        stated = self.shown.result.get("default_config", "") if self.shown else ""
        names = self.configs
        return stated if stated in names else (names[0] if names else "")


def open_tables(user: User | AnonymousUser, namespace: str, name: str, revision: str = "") -> Tables:
    """Return the tables of a dataset as `user` may read them, at the head of its default branch or at `revision`.

    Not visible is 404; visible but not to be read is 403, with the way to apply where there is one.
    """
    return tables_of(open_asset(user, "datasets", namespace, name, "preview"), revision)


def tables_of(asset: Asset, revision: str = "") -> Tables:
    """Return the tables of a dataset that was read for a viewer who may preview it."""
    given = plain(revision.strip())
    place = resolve(asset.open_repository(), given)
    known = Inspection.objects.filter(repository=asset.repository, step=STEP).select_related("job")
    inspection = known.filter(commit=place.commit.sha).first()
    sheets = _sheets(inspection)
    shown = inspection if sheets else None
    # While a new commit is being read, what was found in the one before it is better than nothing.
    if shown is None and not given and (inspection is None or inspection.finished_at is None):
        shown = known.finished().exclude(sheets=None).order_by("-finished_at", "-pk").first()
        sheets = _sheets(shown)
    if inspection is not None:
        inspection.repository = asset.repository
    return Tables(asset, place, given, inspection, shown or inspection, sheets)


def _sheets(inspection: Inspection | None) -> list[Sheet]:
    return list(inspection.sheets.defer(*HEAVY)) if inspection is not None else []
