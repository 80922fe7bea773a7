"""What may be done with one commit of a model: the part that training and serving share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from assets.models import Asset
from assets.revisions import place_at
from core.permissions import require
from core.problems import Conflict, Missing
from inspection.models import Inspection
from inspection.services import inspect
from repos.models import Ref
from repos.reading import Revision
from toolchain.compute.limits import fits
from toolchain.compute.sizes import parse
from toolchain.models import Spec
from toolchain.standing import Standing, standing_at
from toolchain.steps import CODE
from toolchain.validator import Purpose, Verdict
from toolchain.validator.verdicts import Mode
from toolchain.validator.wording import sentence, summary


class Offering(ABC):
    """What may be done for a purpose with a commit of a model, which was read for a viewer who may do it."""

    def __init__(self, asset: Asset, revision: Revision, purpose: Purpose) -> None:
        self.asset, self.revision, self.purpose = asset, revision, purpose
        self.commit = revision.commit.sha

    @property
    @abstractmethod
    def tasks(self) -> Sequence[Any]:
        """The task types to choose from, the usual one first."""

    @abstractmethod
    def task(self, code: str) -> Any:
        """Return the task type of this code where it may be chosen, else None."""

    @property
    def minimum(self) -> str:
        """The code of the least spec that the model asks for, or empty."""
        return self.asset.minimum_spec

    @property
    def least(self) -> str:
        """The least spec as people read it, or empty."""
        size = parse(self.minimum)
        return size.words if size is not None else self.minimum

    @cached_property
    def standing(self) -> Standing:
        """What the validator says of this commit."""
        return standing_at(self.asset, self.commit)

    @property
    def verdict(self) -> Verdict | None:
        """Its verdict for the purpose; None while the files are not read."""
        return getattr(self.standing.verdicts, self.purpose) if self.standing.verdicts is not None else None

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The ways in which it may be done."""
        return self.verdict.modes if self.verdict is not None else ()

    @property
    def fixed(self) -> bool:
        """Whether the model leaves no choice, because it brings an image of its own."""
        return "image" in self.modes

    @property
    def may_be_read(self) -> bool:
        """Whether nothing has read this commit, but can be asked to."""
        leads = Ref.objects.filter(repository=self.asset.repository_id, commit=self.commit)
        return self.standing.state in ("unread", Inspection.State.SUPERSEDED, Inspection.State.FAILED) and leads.exists()

    @property
    def obstacles(self) -> list[str]:
        """Why it may not be done, in sentences; empty where there is a way."""
        verdict = self.verdict
        if verdict is None:
            return [self._unread()]
        if verdict.code == "ready":
            return []
        errors = [reason for reason in verdict.reasons if reason.severity == "error" and "preview" in self.asset.allowed]
        return [
            summary(self.purpose, verdict),
            *(f"{reason.place}: {sentence(reason)}" if reason.line else sentence(reason) for reason in errors),
        ]

    def _unread(self) -> str:
        if self.standing.is_reading:
            return _("The files of this version are being read. This page goes on by itself when that is done.")
        if self.standing.failed:
            return _("The files of this version could not be read. Have them read again.")
        if self.may_be_read:
            return _("The files of this version were not read yet. Have them read.")
        return _("The files of this version were not read. Make a tag or a branch at it, and choose that.")

    def unfit(self, spec: Spec) -> str:
        """Return why a spec cannot run this model; empty where it can."""
        if below := fits(spec, self.minimum):
            return below
        if self.fixed and spec.runner == Spec.Runner.LOCAL:
            return _("The model brings an image of its own, and only a cluster can run images. Choose a spec of a cluster.")
        return ""


@dataclass(frozen=True)
class Image:
    """The image that a model brings for a purpose, and the script that is started in it: relative to the model's files, or absolute in the image."""

    address: str
    command: str


NO_IMAGE = Image("", "")


def image_of(asset: Asset | None, commit: str, purpose: Purpose) -> Image:
    """Return the image of a commit of a model; `NO_IMAGE` where its card names none, or none that may be used."""
    standing = standing_at(asset, commit) if asset is not None else None
    if standing is None or standing.verdicts is None or standing.report is None or "image" not in getattr(standing.verdicts, purpose).modes:
        return NO_IMAGE
    use = standing.report.training if purpose == "fine_tuning" else standing.report.inference
    return Image(use.image, use.command)


def revision_for(asset: Asset, revision: str, verb: str) -> Revision:
    """Return a branch, tag or commit of `asset`, the default branch without one, for a viewer who may use `verb`.

    Raises `Forbidden`, and `Missing` where there is no such revision.
    """
    require(asset, verb)
    return place_at(asset, revision).revision


def have_read(*, offering: Offering, actor: Any, verb: str) -> None:
    """Have the commit of an offering held against the specification, for those who may use `verb`."""
    require(offering.asset, verb)
    if not offering.may_be_read:
        raise Conflict("inspection_running", _("This is being read already. Wait for the result."))
    rows = inspect(repository=offering.asset.open_repository(), commit=offering.commit, kind=offering.asset.kind, owner=actor)
    if not any(row.step == CODE for row in rows):
        raise Missing("nothing_to_validate", _("Only models are read against the specification."))
