"""Changing a state by compare-and-set."""

from typing import Any, Self

from django.db import models


class Stateful(models.Model):
    """A row whose `state` changes only through `move`, called by named transition methods."""

    state: Any

    class Meta:
        abstract = True

    def same_row(self) -> models.QuerySet[Self]:
        """Return the query that must still match for a transition to count; subclasses may narrow it."""
        return type(self)._default_manager.filter(pk=self.pk)

    def move(self, *sources: str, **changes: Any) -> bool:
        """Apply `changes` if the row is still in one of `sources`; say whether it was."""
        rows: models.QuerySet[Any] = self.same_row()
        moved = rows.filter(state__in=sources).update(**changes) == 1
        for name, value in changes.items() if moved else ():
            setattr(self, name, value)
        return moved
