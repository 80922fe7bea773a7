"""What the front page shows: real numbers, and only of what the viewer may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count

from assets.facets import count, value_name
from assets.filters import AssetFilter
from assets.labels import Card, Item, cards
from assets.models import Asset, Term
from assets.models.assets import AssetQuerySet
from assets.vocabulary import Terms

WALL, RECENT, RANKED, COLUMNS, TASKS = 8, 3, 5, 6, 4


@dataclass(frozen=True)
class Task:
    term: Term
    count: int


@dataclass(frozen=True)
class Column:
    """A modality with its most frequent tasks."""

    modality: Term
    tasks: Sequence[Task]


class FrontPage:
    """The front page for the assets in `visible`, which were read for the viewer. Each list is one query."""

    def __init__(self, visible: AssetQuerySet) -> None:
        self.visible = visible
        self.terms = Terms.load()
        self.address = settings.PUBLIC_URL

    @cached_property
    def _per_task(self) -> dict[tuple[str, str], int]:
        rows = self.visible.order_by().values("kind", "task").annotate(count=Count("pk"))
        return {(kind, task): number for kind, task, number in rows.values_list("kind", "task", "count")}

    @property
    def counts(self) -> dict[str, int]:
        """How many assets of each kind there are."""
        return {kind: sum(number for (of, _task), number in self._per_task.items() if of == kind) for kind in Asset.Kind.values}

    @cached_property
    def owner_count(self) -> int:
        """How many users and organisations own something that the viewer may see."""
        return self.visible.order_by().values("namespace").distinct().count()

    @property
    def task_count(self) -> int:
        """How many tasks have models."""
        return sum(1 for kind, task in self._per_task if kind == Asset.Kind.MODEL and task)

    def _models(self, task: str) -> int:
        return self._per_task.get((Asset.Kind.MODEL, task), 0)

    @cached_property
    def directory(self) -> list[Column]:
        """The first six modalities with up to four tasks each, those with most models first."""
        columns = []
        for modality in self.terms.of(Term.Vocabulary.MODALITY):
            tasks = sorted(self.terms.tasks_of(modality.code), key=lambda term: (-self._models(term.code), term.position))
            columns.append(Column(modality, [Task(term, self._models(term.code)) for term in tasks[:TASKS]]))
        return [column for column in columns if column.tasks][:COLUMNS]

    @cached_property
    def _latest(self) -> list[Card]:
        # Kind by kind, because the index that knows the order does too.
        rows = [asset for kind in Asset.Kind.values for asset in self.visible.of_kind(kind).whole().order_by("-updated_at", "-pk")[:WALL]]
        return cards(sorted(rows, key=lambda asset: (asset.updated_at, asset.pk), reverse=True)[:WALL], self.terms)

    @property
    def wall(self) -> list[Card]:
        """Up to eight assets whose plates hang on the wall."""
        return self._latest

    @property
    def recent(self) -> list[Card]:
        """The assets that changed last."""
        return self._latest[:RECENT]

    @cached_property
    def most_downloaded(self) -> list[Card]:
        """The models that were fetched most in 30 days."""
        rows = self.visible.of_kind(Asset.Kind.MODEL).whole().order_by("-downloads", "-pk")
        return cards(rows[:RANKED], self.terms)

    @cached_property
    def new_models(self) -> list[Card]:
        """The newest models."""
        return cards(self.visible.of_kind(Asset.Kind.MODEL).whole().order_by("-created_at", "-pk")[:RANKED], self.terms)

    @cached_property
    def new_datasets(self) -> list[Card]:
        """The newest datasets."""
        return cards(self.visible.of_kind(Asset.Kind.DATASET).whole().order_by("-created_at", "-pk")[:RANKED], self.terms)

    @cached_property
    def filters(self) -> list[Item]:
        """Filters that show something: the hardware and languages that most models name."""
        models = self.visible.of_kind(Asset.Kind.MODEL)
        counts = count(["hardware", "language"], AssetFilter({}, models, terms=self.terms), models).values
        found = [
            (number, Item(value_name(parameter, value, self.terms), f"/models?{urlencode({parameter: value})}"))
            for parameter, values in counts.items()
            for value, number in values.most_common(2)
        ]
        return [item for _number, item in sorted(found, key=lambda pair: -pair[0])]

    @property
    def example(self) -> Asset | None:
        """A model for the examples of commands."""
        return next((card.asset for card in [*self.recent, *self.most_downloaded] if card.asset.kind == Asset.Kind.MODEL), None)
