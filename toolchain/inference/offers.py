"""What may be deployed of a model, and with which engines: section 12.1 of the specification."""

from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from assets.models import Asset
from repos.reading import Revision
from toolchain.compute.limits import fits
from toolchain.environments.bases import BASES
from toolchain.inference.adapters import NO_BASE, Base, base_of
from toolchain.inference.engines import ANSWERS, CUSTOM_TASK, GENERATION, IMAGE, VLLM, engines_for
from toolchain.models import Spec
from toolchain.offering import Offering, revision_for

BUILT_IN = (GENERATION, ANSWERS)
USUAL = "current"
PACKAGES = {USUAL: frozenset({"transformers"}), VLLM: frozenset({"vllm"})}
"""What engines need and each environment of ours holds."""


class Offer(Offering):
    """What may be deployed of one commit of a model, which was read for a viewer who may deploy it."""

    def __init__(self, asset: Asset, revision: Revision, user: Any) -> None:
        super().__init__(asset, revision, "inference")
        self.user = user

    @cached_property
    def base(self) -> Base:
        """The model that an adapter is served with by the gallery itself."""
        report = self.standing.report
        is_adapter = report is not None and report.adapter and "built_in" in self.modes
        return base_of(self.user, self.asset) if is_adapter else NO_BASE

    def base_for(self, task: str) -> Base:
        """Return the model that it is served with as a task type; scripts of its own see to that themselves."""
        return NO_BASE if task == CUSTOM_TASK else self.base

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """The inference task types to choose from, the usual one first: codes of tasks that the gallery serves by itself, and "custom"."""
        found: list[str] = []
        for mode in self.modes:
            if mode != "built_in":
                found.append(CUSTOM_TASK)
            elif not self.base.lacks:
                found += [task for task in BUILT_IN if task == self.asset.task]
        return tuple(found)

    def task(self, code: str) -> str | None:
        """Return the inference task type of this code where it may be chosen, else None."""
        return code if code in self.tasks else None

    @property
    def reasons(self) -> list[str]:
        """Why nothing may be deployed, in sentences; empty where something may."""
        return [] if self.tasks else [self.base.lacks] if self.base.lacks else self.obstacles

    def unfit(self, spec: Spec) -> str:
        """Return why a spec cannot run this model, or the one that it is served with; empty where it can."""
        return super().unfit(spec) or (fits(spec, self.base.asset.minimum_spec) if self.base.asset is not None else "")

    def engines(self, task: str, spec: Spec) -> list[str]:
        """Return the engines that can serve a task type on a spec, the one to prefer first."""
        if self.fixed:
            return [IMAGE]
        packages = {name for environment, names in PACKAGES.items() if environment in BASES for name in names}
        return engines_for(task, accelerator=spec.accelerator, packages=packages)

    def unserved(self, task: str, spec: Spec) -> str:
        """Return why a spec cannot serve this model as a task type; empty where it can."""
        return self.unfit(spec) or ("" if self.engines(task, spec) else _("No engine serves this model on this spec."))

    def environments(self, task: str, engine: str = "") -> list[str]:
        """Return the base environments that a task type may run in, the usual one first; an engine of ours has its own."""
        if engine == IMAGE:
            return [IMAGE]
        if engine == VLLM:
            return [VLLM]
        return [USUAL, "compatible"] if task == CUSTOM_TASK else [USUAL]


def offer_of(user: Any, asset: Asset, revision: str = "") -> Offer:
    """Return what `user`, for whom `asset` was read, may deploy of it at a branch, tag or commit, the default branch without one.

    Raises `Forbidden` where the viewer may not deploy it, `Missing` where there is no such revision.
    """
    return Offer(asset, revision_for(asset, revision, "deploy"), user)
