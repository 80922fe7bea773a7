"""What the page of an asset shows beside its introduction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from assets.activity import Activity
from assets.addresses import spellings
from assets.availability import Availability
from assets.headers import Asked, Headers, asked_for, result_at, usual
from assets.heads import Head, head_of
from assets.labels import Fact, label
from assets.models import Asset
from assets.panels import panels_of
from assets.publication import Publication
from assets.revisions import Place
from assets.safety import Suspect, scan_of, suspects
from assets.statistics import PERIODS, Statistics, statistics_of
from assets.vocabulary import Terms
from core.charts import stack
from core.problems import Problem
from repos import reading
from repos.reading import Revision

SUSPECTS = 5
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
    """The facts beside the introduction of `asset`, which was read for `user`; `query` asks for a context length and a batch."""

    def __init__(self, user: Any, asset: Asset, tab: str = "card", days: int = PERIODS[0], query: Mapping[str, str] | None = None) -> None:
        self.user, self.asset, self.days, self.query = user, asset, days, query or {}
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

    @cached_property
    def revision(self) -> Revision:
        """The head of the default branch, which everything here is about."""
        return reading.resolve(self.asset.open_repository())

    @cached_property
    def place(self) -> Place:
        """The top folder there."""
        return Place(self.asset, self.revision)

    @cached_property
    def activity(self) -> Activity:
        """How far the reading of the files is."""
        return Activity(self.asset, self.revision)

    @property
    def activity_url(self) -> str:
        """Where the page asks how far it is."""
        return self.place.page("activity")

    @property
    def again_url(self) -> str:
        """Where a step is begun again."""
        return self.place.address("inspect")

    @cached_property
    def _dangerous(self) -> list[str]:
        return [path for path, word in scan_of(self.revision).get("files", {}).items() if word == "dangerous"]

    @cached_property
    def suspects(self) -> list[Suspect]:
        """The first of the dangerous files, with their reasons for those who may read them."""
        return suspects(self.revision, self._dangerous[:SUSPECTS], self._page_of, told="preview" in self.asset.allowed)

    @property
    def more_suspects(self) -> int:
        """How many dangerous files there are besides."""
        return max(0, len(self._dangerous) - SUSPECTS)

    def _page_of(self, path: str) -> str:
        return self.place.address(path=path)

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

    @cached_property
    def headers(self) -> Headers | None:
        """What the headers of the weights say, for those who may read the files; None while they are not read."""
        if self.asset.kind != Asset.Kind.MODEL or "preview" not in self.asset.allowed:
            return None
        result = result_at(self.revision)
        return Headers(result, self._asked(result)) if result.get("files") else None

    def _asked(self, result: Mapping[str, Any]) -> Asked:
        figures = result.get("config") or {}
        try:
            return asked_for(self.query, figures)
        except Problem:
            return usual(figures)

    @property
    def chosen_days(self) -> int:
        """The days of the statistics where they are not the usual ones, else 0."""
        return self.days if self.days != PERIODS[0] else 0

    @property
    def tensors_url(self) -> str:
        """The page of all tensors."""
        return self.place.page("tensors")

    @property
    def parts_source(self) -> str:
        """Where the numbers come from: the format and the types, such as `safetensors · BF16`; for those who may read the files."""
        if "preview" not in self.asset.allowed:
            return ""
        dtypes: dict[str, int] = self.asset.structure.get("dtypes", {})
        return " · ".join([self.asset.structure.get("format", ""), *sorted(dtypes, key=lambda dtype: -dtypes[dtype])])

    @cached_property
    def panels(self) -> list[tuple[str, Any]]:
        """What rooms above the catalogue show here: templates, each with its `panel`."""
        return panels_of(self.user, self.asset)

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
