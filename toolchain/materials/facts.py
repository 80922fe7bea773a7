"""What is known about a training that made a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accounts.models import Namespace
from assets.models import Asset
from toolchain.materials.curves import Curve

INHERITED = ("task", "frameworks", "languages", "licence", "minimum_spec")


@dataclass(frozen=True)
class Origin:
    """A model or dataset (`owner/name`) at the commit that was used."""

    repo_id: str
    commit: str


@dataclass(frozen=True)
class Facts:
    """A training that ended well. `key` names its run, `namespace` was read for whoever submitted it, `name` is that of the new model.

    `task` is the code of a task or "custom"; `parameters` are as the program got them; `inherited` is what `inherited_from` gave for the
    model it began with. `curves` have at most a few thousand points; `metrics` are numbers by name, shown beside those that the
    output holds. `language` is that of the README: "en", "zh-hans", or empty for the submitter's.
    """

    key: str
    namespace: Namespace
    name: str
    model: Origin
    dataset: Origin | None
    task: str
    method: str
    spec: str
    environment: str
    started_at: datetime
    ended_at: datetime
    parameters: Mapping[str, str] = field(default_factory=dict)
    curves: Sequence[Curve] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    inherited: Mapping[str, Any] = field(default_factory=dict)
    language: str = ""


def inherited_from(asset: Asset) -> dict[str, Any]:
    """Return the settings that a model made from `asset` has as well, by column: those that say something."""
    return {column: value for column in INHERITED if (value := getattr(asset, column))}
