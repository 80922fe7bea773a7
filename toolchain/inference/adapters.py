"""Adapters: what a training of low rank changed in a model. They are served together with that model, their base."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from assets.models import Asset
from core.problems import Missing
from repos.reading import resolve
from toolchain.choices import usable
from toolchain.runners.trees import open_below
from toolchain.standing import standing_at
from toolchain.validator import verdict
from toolchain.validator.wording import sentence

CONFIG, MAX_CONFIG = "adapter_config.json", 1 << 20


@dataclass(frozen=True)
class Base:
    """The model that an adapter is served with, read for whoever deploys it, and its commit; else `lacks` says in a sentence what is missing."""

    asset: Asset | None = None
    commit: str = ""
    lacks: str = ""


NO_BASE = Base()


def base_of(user: Any, adapter: Asset) -> Base:
    """Return the newest version of the base of `adapter`, the one model that its card was made from, if `user` may deploy that too."""
    if not adapter.base_models:
        return Base(
            lacks=_("These files are an adapter, and the card does not name the model that it belongs to. Name its base model there.")
        )
    if len(adapter.base_models) > 1:
        return Base(lacks=_("These files are an adapter, and the card names several base models. Leave the one that it was trained on."))
    name = adapter.base_models[0]
    namespace, _slash, rest = name.partition("/")
    found: Asset | None = usable(user, "model").named(namespace, rest).first()
    if found is None or "deploy" not in found.allowed:
        return Base(
            lacks=_("These files are an adapter of “%(name)s”, which is not in this gallery, or which you may not use.") % {"name": name}
        )
    try:
        commit = resolve(found.open_repository()).commit.sha
    except Missing:
        commit = ""
    if why := _unserved(found, commit, adapter.task):
        return Base(
            lacks=_("These files are an adapter of “%(name)s”, which cannot be served now: %(reason)s") % {"name": name, "reason": why}
        )
    return Base(found, commit)


def rank_of(folder: Path) -> int:
    """Return the rank of the adapter in a folder of its files; 0 where they do not say it."""
    try:
        with os.fdopen(open_below(str(folder), CONFIG, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            found = json.loads(file.read(MAX_CONFIG))
    except (OSError, ValueError, RecursionError):
        return 0
    rank = found.get("r") if isinstance(found, dict) else 0
    return rank if isinstance(rank, int) and rank > 0 else 0


def _unserved(base: Asset, commit: str, task: str) -> str:
    """Return why an engine of ours cannot load a commit of `base`, empty where it can."""
    report = standing_at(base, commit).report
    if report is None:
        return _("The files of its newest version were not read yet.")
    if report.adapter:
        return _("It is an adapter itself.")
    found = verdict(report, task=task).inference
    if "built_in" in found.modes:
        return ""
    return " ".join(sentence(reason) for reason in found.reasons if reason.severity == "error") or _("It brings an image of its own.")
