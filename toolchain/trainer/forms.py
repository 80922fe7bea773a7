"""Forms of training jobs."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Namespace
from assets.forms.assets import ProblemForm, owner_choices
from assets.models.assets import name_validator

MOST_HOURS = 24 * 366


class TrainingForm(ProblemForm):
    """The names and the run time limit of a new training job; `namespaces` are those that may own it."""

    owner = forms.ChoiceField(label=_("Owner"), help_text=_("Who owns the job and the output model, and whose hours are used."))
    output_name = forms.CharField(
        label=_("Output model"), max_length=96, validators=[name_validator], widget=forms.TextInput(attrs={"class": "mono"}),
        help_text=_("The new model that receives the result. It is not published."),
    )  # fmt: skip
    name = forms.CharField(label=_("Job name"), max_length=96, required=False, help_text=_("Empty: the name of the output model."))
    limit = forms.DecimalField(
        label=_("Run time limit"), required=False, min_value=Decimal("0.02"), max_value=MOST_HOURS, max_digits=8, decimal_places=2,
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal", "min": "0.02"}),
        help_text=_("In hours; empty for no limit. The job is stopped after that, and its finished checkpoints are kept."),
    )  # fmt: skip

    def __init__(self, *args: Any, namespaces: Sequence[Namespace], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.namespaces = {row.handle: row for row in namespaces}
        self.fields["owner"].choices = owner_choices(namespaces)  # type: ignore[attr-defined]

    def clean_owner(self) -> Namespace:
        return self.namespaces[self.cleaned_data["owner"]]

    def clean_limit(self) -> int | None:
        hours: Decimal | None = self.cleaned_data["limit"]
        return None if hours is None else round(hours * 3600)
