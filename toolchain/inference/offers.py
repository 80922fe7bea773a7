"""What may be deployed of a model, and with which engines: section 12.1 of the specification."""

from functools import cached_property

from assets.models import Asset
from repos import reading
from toolchain.environments.bases import BASES
from toolchain.inference.engines import ANSWERS, CUSTOM_TASK, GENERATION, IMAGE, VLLM, engines_for
from toolchain.models import Spec
from toolchain.offering import Offering, revision_for

BUILT_IN = (GENERATION, ANSWERS)
USUAL = "current"
PACKAGES = {USUAL: frozenset({"transformers"}), VLLM: frozenset({"vllm"})}
"""What engines need and each environment of ours holds."""


class Offer(Offering):
    """What may be deployed of one commit of a model, which was read for a viewer who may deploy it."""

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """The inference task types to choose from, the usual one first: codes of tasks that the gallery serves by itself, and "custom"."""
        found: list[str] = []
        for mode in self.modes:
            found += [task for task in BUILT_IN if task == self.asset.task] if mode == "built_in" else [CUSTOM_TASK]
        return tuple(found)

    def task(self, code: str) -> str | None:
        """Return the inference task type of this code where it may be chosen, else None."""
        return code if code in self.tasks else None

    @property
    def reasons(self) -> list[str]:
        """Why nothing may be deployed, in sentences; empty where something may."""
        return [] if self.tasks else self.obstacles

    def engines(self, task: str, spec: Spec) -> list[str]:
        """Return the engines that can serve a task type on a spec, the one to prefer first."""
        if self.fixed:
            return [IMAGE]
        packages = {name for environment, names in PACKAGES.items() if environment in BASES for name in names}
        return engines_for(task, accelerator=spec.accelerator, files=self._files, packages=packages)

    def environments(self, task: str, engine: str = "") -> list[str]:
        """Return the base environments that a task type may run in, the usual one first; an engine of ours has its own."""
        if engine == IMAGE:
            return [IMAGE]
        if engine == VLLM:
            return [VLLM]
        return [USUAL, "compatible"] if task == CUSTOM_TASK else [USUAL]

    @cached_property
    def _files(self) -> list[str]:
        return [item.path for item in reading.listing(self.revision) if not item.is_folder]


def offer_of(asset: Asset, revision: str = "") -> Offer:
    """Return what may be deployed of `asset`, read for a viewer, at a branch, tag or commit, the default branch without one.

    Raises `Forbidden` where the viewer may not deploy it, `Missing` where there is no such revision.
    """
    return Offer(asset, revision_for(asset, revision, "deploy"), "inference")
