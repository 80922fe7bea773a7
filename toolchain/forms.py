"""What the forms of a training job and of a service share."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from assets.forms.assets import ProblemForm
from core.problems import Problem

MOST_HOURS = 24 * 366


class HoursField(forms.DecimalField):
    """A run time limit, typed in hours and cleaned to seconds; None where it is left empty, which is no limit."""

    def __init__(self, *, help_text: Any) -> None:
        super().__init__(
            label=_("Run time limit"), required=False, min_value=Decimal("0.02"), max_value=MOST_HOURS, max_digits=8, decimal_places=2,
            widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}), help_text=help_text,
        )  # fmt: skip

    def clean(self, value: Any) -> int | None:
        hours: Decimal | None = super().clean(value)
        return None if hours is None else round(hours * 3600)


def hours_of(seconds: int | None) -> str:
    """Return a run time limit as it is typed into an `HoursField`."""
    return "" if seconds is None else f"{seconds / 3600:.2f}".rstrip("0").rstrip(".")


def show_problem(form: ProblemForm, problem: Problem) -> dict[str, list[str]]:
    """Show a refusal in a form, and return what it says of things that are no fields of the form, by their names."""
    form.add_problem(problem)
    return {name: [str(each) for each in messages] for name, messages in problem.errors.items() if name not in form.fields}
