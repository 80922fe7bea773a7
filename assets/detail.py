"""What the page of an asset shows beside its introduction."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from assets.addresses import spellings
from assets.availability import Availability
from assets.heads import Head, head_of
from assets.labels import Fact, label
from assets.models import Asset
from assets.publication import Publication
from assets.statistics import PERIODS, Statistics, statistics_of
from assets.vocabulary import Terms
from core.charts import stack
from jobs.models import Job

PIGMENTS = ("azurite", "malachite", "gamboge", "ochre", "wisteria", "cinnabar", "stone")


@dataclass(frozen=True)
class Part:
    """A share of the parameters, in per cent."""

    name: str
    count: int
    share: float
    pigment: str

    @property
    def percent(self) -> str:
        return "< 0.1%" if self.share < 0.1 else f"{self.share:.1f}%"


@dataclass(frozen=True)
class Use:
    """How many assets that the viewer may see build on this one, and the list of them."""

    name: str
    url: str
    count: int


class Detail:
    """The facts beside the introduction of `asset`, which was read for `user`."""

    def __init__(self, user: Any, asset: Asset, tab: str = "card", days: int = PERIODS[0]) -> None:
        self.user, self.asset, self.days = user, asset, days
        self.terms = Terms.load()
        self.head: Head = head_of(asset, tab, self.terms)

    @cached_property
    def availability(self) -> Availability:
        """How its use is got, where that has to be asked for."""
        return Availability(self.user, self.asset)

    @property
    def number(self) -> str:
        """The asset's number in the gallery, such as `M-000382`."""
        return f"{'M' if self.asset.kind == Asset.Kind.MODEL else 'D'}-{self.asset.pk:06d}"

    @cached_property
    def publication(self) -> Publication:
        """Where it stands between its members and everybody."""
        return Publication(self.asset)

    @cached_property
    def label(self) -> Sequence[Fact]:
        """Every known fact in its fixed order."""
        return label(self.asset, self.terms, self.user)

    @property
    def job(self) -> Job | None:
        """The job that reads the files."""
        return self.asset.ingest_job

    @property
    def is_reading(self) -> bool:
        """Whether the files are still being read, so that the label may change."""
        return self.job is not None and self.job.active

    @property
    def reading_failed(self) -> bool:
        """Whether the files could not be read, so that the label may be out of date."""
        return self.job is not None and self.job.state == Job.State.FAILED

    @cached_property
    def statistics(self) -> Statistics:
        """Views and downloads of the chosen days."""
        return statistics_of(self.asset, self.days)

    @property
    def periods(self) -> list[tuple[int, str, bool]]:
        """The days to choose from: the number, the address, and whether it is the present one."""
        url = self.asset.get_absolute_url()
        return [(days, f"{url}?days={days}#statistics", days == self.days) for days in PERIODS]

    @property
    def counts(self) -> list[tuple[str, int]]:
        """What people did with it since it is there."""
        asset = self.asset
        return [
            (_("Views"), asset.views),
            (_("Favourites"), asset.favourites),
            (_("Likes"), asset.likes),
            (_("Subscriptions"), asset.subscriptions),
        ]

    @cached_property
    def parts(self) -> list[Part]:
        """The make-up of the parameters, the largest first."""
        names = {
            "mlp": _("MLP"),
            "attention": _("Attention"),
            "embedding": _("Embedding"),
            "head": _("Output head"),
            "norm": _("Norms"),
            "convolution": _("Convolution"),
            "other": _("Other"),
        }
        total = self.asset.parameters or 0
        found = self.asset.structure.get("parts", {}) if total and "preview" in self.asset.allowed else {}
        ordered = sorted(found.items(), key=lambda item: -item[1])
        return [
            Part(names.get(name, name), count, count * 100 / total, "stone" if name in ("other", "norm") else PIGMENTS[min(index, 5)])
            for index, (name, count) in enumerate(ordered)
        ]

    @property
    def parts_bar(self) -> SafeString:
        """The make-up as one bar."""
        words = ", ".join(f"{part.name} {part.percent}" for part in self.parts)
        return mark_safe(
            stack([(part.share / 100, part.pigment) for part in self.parts], _("Share of parameters: %(parts)s") % {"parts": words})
        )

    @property
    def parts_source(self) -> str:
        """Where the numbers come from: the format and the types, such as `safetensors · BF16`; for those who may read the files."""
        if "preview" not in self.asset.allowed:
            return ""
        dtypes: dict[str, int] = self.asset.structure.get("dtypes", {})
        return " · ".join([self.asset.structure.get("format", ""), *sorted(dtypes, key=lambda dtype: -dtypes[dtype])])

    @cached_property
    def uses(self) -> list[Use]:
        """What is built on the asset: lists that have at least one row for this viewer."""
        names = spellings(self.asset)
        visible = Asset.objects.for_user(self.user)
        column = "base_models__overlap" if self.asset.kind == Asset.Kind.MODEL else "datasets__overlap"
        parameter = "base_model" if self.asset.kind == Asset.Kind.MODEL else "dataset"
        models = visible.of_kind(Asset.Kind.MODEL).filter(**{column: names}).count()
        datasets = visible.of_kind(Asset.Kind.DATASET).filter(**{column: names}).count()
        model_name = _("Models made from it") if self.asset.kind == Asset.Kind.MODEL else _("Models trained on it")
        found = [
            Use(model_name, f"/models?{parameter}={self.asset.repo_id}", models),
            Use(_("Datasets made from it"), f"/datasets?{parameter}={self.asset.repo_id}", datasets),
        ]
        return [use for use in found if use.count]
