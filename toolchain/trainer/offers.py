"""What may be trained of a model, and how: section 11.1 of the specification."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from django.core.cache import cache
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from assets.models import Asset
from assets.revisions import Place
from core.markdown import render
from core.problems import Problem, TooLarge
from repos import reading
from repos.reading import Revision
from toolchain.choices import CUSTOM, IMAGE, task_name
from toolchain.environments.bases import BASES
from toolchain.offering import Offering, revision_for
from toolchain.trainer import builtin
from toolchain.trainer.builtin import feasibility, wording
from toolchain.trainer.builtin import settings as own_settings
from toolchain.trainer.builtin.checking import Finding
from toolchain.trainer.parameters import BadParams, Method, methods_of
from toolchain.validator.architectures import CONFIG, MAX_CONFIG
from toolchain.validator.params import MAX_PARAMS
from toolchain.validator.verdicts import Mode
from toolchain.validator.wording import sentence

FOLDER = "gallery_train"
PARAMS, README = f"{FOLDER}/train_params.json", f"{FOLDER}/dataset_readme.md"
MAX_README = 1 << 20
LONGEST_METHOD = 200
CACHE_SECONDS = 24 * 3600


@dataclass(frozen=True)
class TaskType:
    """A training task type: a task that the gallery trains by itself (`mode` "built_in"), or "custom" with scripts or an image."""

    code: str
    mode: Mode

    @property
    def name(self) -> str:
        return task_name(self.code)

    @property
    def hint(self) -> str:
        return str(_HINTS[self.mode])


_HINTS: Mapping[str, Any] = {
    "built_in": gettext_lazy("With the gallery's own training methods."),
    "custom": gettext_lazy("With the model's own training scripts."),
    "image": gettext_lazy("In the model's own image."),
}


class Offer(Offering):
    """What may be trained of one commit of a model, which was read for a viewer who may train it.

    `tasks` are the training task types to choose from, the usual one first; where there are none, `reasons` say why.
    """

    def __init__(self, asset: Asset, revision: Revision) -> None:
        super().__init__(asset, revision, "fine_tuning")
        self._methods: dict[str, tuple[Method, ...]] = {}
        self._refused: dict[str, list[Finding]] = {}

    @cached_property
    def tasks(self) -> tuple[TaskType, ...]:
        """The training task types to choose from."""
        found: list[TaskType] = []
        for mode in self.modes:
            if mode == "built_in":
                found += [TaskType(code, mode) for code in self._by_relevance if not self._against(code)]
            else:
                found.append(TaskType(CUSTOM, mode))
        return tuple(found)

    @property
    def _by_relevance(self) -> list[str]:
        return sorted(builtin.TASKS, key=lambda code: code != self.asset.task)

    def task(self, code: str) -> TaskType | None:
        """Return the training task type of this code where it may be chosen, else None."""
        return next((task for task in self.tasks if task.code == code), None)

    @cached_property
    def reasons(self) -> list[str]:
        """Why nothing may be trained, in sentences; empty where something may."""
        if self.tasks:
            return []
        return self.obstacles or [told(finding) for finding in self._against(self._by_relevance[0])]

    def methods(self, code: str) -> tuple[Method, ...]:
        """Return the training methods of a task type that may be chosen. Raises `Problem` where the files do not say them."""
        if code not in self._methods:
            self._methods[code] = _own_methods(code) if code in builtin.TASKS else self._custom_methods()
        return self._methods[code]

    def _custom_methods(self) -> tuple[Method, ...]:
        try:
            found = methods_of(PARAMS, self._file(PARAMS, MAX_PARAMS))
        except BadParams as error:
            raise Problem("training_not_ready", sentence(error.finding)) from error
        if any(len(method.name) > LONGEST_METHOD or "\0" in method.name for method in found):
            raise Problem(
                "training_not_ready",
                _("The name of a training method is longer than %(most)s characters, or holds a null byte. Correct it in %(file)s.")
                % {"most": LONGEST_METHOD, "file": PARAMS},
            )
        return found

    def checked(self, code: str, method: Method, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Return the hyperparameters to hand over, and the sentences about those that are not valid, by name."""
        good, bad = method.checked(values)
        if bad or code not in builtin.TASKS:
            return good, bad
        settings, findings = own_settings.read(_own_params(code), json.dumps(good))
        findings += [] if findings else feasibility.check(code, self._names, self._config, settings)
        for finding in findings:
            if finding.severity == "error":
                bad[finding.facts.get("name", "max_length")] = told(finding)
        return good, bad

    @cached_property
    def _names(self) -> list[str]:
        return [item.name for item in reading.listing(self.revision) if not item.is_folder]

    @cached_property
    def _config(self) -> bytes | None:
        if CONFIG not in self._names:
            return None
        try:
            return self._file(CONFIG, MAX_CONFIG)
        except TooLarge:
            return b""

    def _against(self, code: str) -> list[Finding]:
        """Return what stands against the gallery's own training of a task, whatever the settings."""
        if code not in self._refused:
            found = feasibility.check(code, self._names, self._config, {})
            self._refused[code] = [finding for finding in found if finding.severity == "error"]
        return self._refused[code]

    def requirements(self, code: str) -> SafeString:
        """Return what a task type asks of a dataset, as HTML that may stand below a heading of level 2, inside `hx-ignore`."""
        if code in builtin.TASKS:
            own: SafeString = render(own_readme(code), id_prefix="data-", top_heading=3)
            return own
        key = f"training-data:1:{self.asset.pk}:{self.asset.repo_id}:{self.commit}:{get_language()}"
        kept: str | None = cache.get(key)
        if kept is None:
            text = self._file(README, MAX_README).decode(errors="replace")
            link = Place(self.asset, self.revision, README).link
            kept = str(render(text, resolve_link=link, id_prefix="data-", top_heading=3))
            cache.set(key, kept, CACHE_SECONDS)
        return mark_safe(kept)

    def environments(self, code: str) -> list[str]:
        """Return the base environments that a task type may run in, the usual one first; an image is its own."""
        if self.fixed:
            return [IMAGE]
        if code in builtin.TASKS:
            return [builtin.ENVIRONMENT]
        return sorted((each for each, base in BASES.items() if base.scripts), key=lambda each: each != builtin.ENVIRONMENT)

    def _file(self, path: str, limit: int) -> bytes:
        return reading.read_all(reading.find(self.revision, path), limit)


def offer_of(asset: Asset, revision: str = "") -> Offer:
    """Return what may be trained of `asset`, read for a viewer, at a branch, tag or commit, the default branch without one.

    Raises `Forbidden` where the viewer may not train it, `Missing` where there is no such revision.
    """
    return Offer(asset, revision_for(asset, revision, "train"))


def own_readme(task: str) -> str:
    """Return what the gallery's own training of a task asks of a dataset, as Markdown in the language in force."""
    folder = builtin.folder(task)
    chinese = folder / "dataset_readme.zh.md"
    file = chinese if (get_language() or "").startswith("zh") and chinese.is_file() else folder / "dataset_readme.md"
    return file.read_text(encoding="utf-8")


def told(finding: Finding) -> str:
    """Return what the gallery's own training says of a model, a dataset or a setting, in the language in force."""
    return wording.sentence(finding.code, finding.facts)


def _own_params(task: str) -> str:
    return (builtin.folder(task) / "train_params.json").read_text(encoding="utf-8")


@lru_cache(maxsize=8)
def _own_methods(task: str) -> tuple[Method, ...]:
    found = methods_of(PARAMS, _own_params(task).encode())
    return tuple(
        replace(
            method, parameters=tuple(replace(each, choices=tuple(own_settings.CHOICES.get(each.name, ()))) for each in method.parameters)
        )
        for method in found
    )
