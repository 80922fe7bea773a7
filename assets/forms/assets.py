"""Forms of the new-asset page and the settings tab."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Namespace
from assets.models import Asset, Term
from assets.models.assets import name_validator
from assets.vocabulary import Terms
from core.problems import Problem

V = Term.Vocabulary


def summary_field() -> forms.CharField:
    """Return the field for a description of one sentence, with a live counter."""
    return forms.CharField(
        label=_("Summary"), max_length=90, required=False, widget=forms.Textarea(attrs={"rows": 2, "data-count": ""}),
        help_text=_("One sentence, up to 90 characters."),
    )  # fmt: skip


class ProblemForm(forms.Form):
    """A form that can show the refusal of a service beside the fields it is about."""

    def add_problem(self, problem: Problem) -> None:
        """Show `problem`: each message at its field, the sentence at the top where it names none of the form's fields."""
        placed = False
        for name, messages in problem.errors.items():
            if name in self.fields:
                placed = True
                for message in messages:
                    self.add_error(name, str(message))
        if not placed:
            self.add_error(None, str(problem.detail))


def owner_choices(namespaces: Sequence[Namespace]) -> list[tuple[str, str]]:
    """Return handles with names, for a choice of owners."""
    return [(row.handle, row.handle if row.name == row.handle else f"{row.name} ({row.handle})") for row in namespaces]


def licence_choices(terms: Terms) -> list[tuple[str, Any]]:
    """Return the licences people can choose, beginning with none."""
    return [("", _("Not stated")), *((term.code, term.name) for term in terms.of(V.LICENCE))]


class OwnerForm(ProblemForm):
    """Something new that will belong to one of `namespaces`, those in which the person may create it."""

    owner = forms.ChoiceField(label=_("Owner"))

    def __init__(self, *args: Any, namespaces: Sequence[Namespace], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.namespaces = {row.handle: row for row in namespaces}
        self.fields["owner"].choices = owner_choices(namespaces)  # type: ignore[attr-defined]

    def clean_owner(self) -> Namespace:
        return self.namespaces[self.cleaned_data["owner"]]


class NewAssetForm(OwnerForm):
    """A new model or dataset."""

    name = forms.CharField(label=_("Name in English"), max_length=96, validators=[name_validator])
    title_zh = forms.CharField(label=_("Name in Chinese"), max_length=96, required=False)
    licence = forms.ChoiceField(label=_("Licence"), required=False)
    description = summary_field()

    def __init__(self, *args: Any, terms: Terms, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["licence"].choices = licence_choices(terms)  # type: ignore[attr-defined]

    def clean_description(self) -> str:
        return " ".join(self.cleaned_data["description"].split())


class NamesForm(ProblemForm):
    """What cards show of an asset; saved as a commit that changes the card's front matter."""

    title_zh = forms.CharField(label=_("Name in Chinese"), max_length=96, required=False)
    description = summary_field()

    def clean_description(self) -> str:
        return " ".join(self.cleaned_data["description"].split())


class RenameForm(ProblemForm):
    name = forms.CharField(label=_("Name in English"), max_length=96, validators=[name_validator])


class TransferForm(ProblemForm):
    """A new owner among `namespaces`, those in which the person may create assets."""

    owner = forms.ChoiceField(label=_("New owner"))

    def __init__(self, *args: Any, namespaces: Sequence[Namespace], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.namespaces = {row.handle: row for row in namespaces}
        self.fields["owner"].choices = [("", _("Choose an owner")), *owner_choices(namespaces)]  # type: ignore[attr-defined]

    def clean_owner(self) -> Namespace:
        return self.namespaces[self.cleaned_data["owner"]]


class DeleteForm(ProblemForm):
    """The repo id, typed."""

    confirm = forms.CharField(label=_("Type the full name to confirm"))

    def __init__(self, *args: Any, asset: Asset, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asset = asset

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"]
        if typed.strip() != self.asset.repo_id:
            raise forms.ValidationError(_("That is not its full name. Nothing was deleted."), code="not_confirmed")
        return typed
