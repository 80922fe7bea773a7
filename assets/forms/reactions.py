"""What people send to take an asset into use."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Agreement
from assets.forms.assets import ProblemForm


class SubscribeForm(ProblemForm):
    """A box for each agreement, by its kind and the version that was shown."""

    agreements = forms.MultipleChoiceField(
        label=_("Agreements"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        error_messages={"invalid_choice": _("A newer version of this agreement has been published. Read it and agree to it.")},
    )

    def __init__(self, *args: Any, needed: Sequence[Agreement], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.needed = {f"{agreement.kind}:{agreement.version}": agreement for agreement in needed}
        self.fields["agreements"].choices = [(key, row.title) for key, row in self.needed.items()]  # type: ignore[attr-defined]

    def clean_agreements(self) -> dict[str, int]:
        chosen: list[str] = self.cleaned_data["agreements"]
        if len(chosen) < len(self.needed):
            raise forms.ValidationError(_("Read both texts and agree to them first."), code="agreements_required")
        return {self.needed[key].kind: self.needed[key].version for key in chosen}

    @property
    def ticked(self) -> set[str]:
        """The versions whose box shows as ticked."""
        return {str(value) for value in self["agreements"].value() or ()}
