"""The shape of what people send about organisations."""

from copy import copy
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.forms.profile import HandleForm, Prose
from accounts.models import Membership, Organisation


class OrganisationForm(forms.ModelForm):  # type: ignore[type-arg]
    bio = Prose(label=_("About"), max_length=500, required=False)

    class Meta:
        model = Organisation
        fields = ["nickname", "bio"]


class NewOrganisationForm(OrganisationForm):
    handle = copy(HandleForm.base_fields["handle"])

    class Meta(OrganisationForm.Meta):
        fields = ["nickname", "bio"]

    field_order = ["handle", "nickname", "bio"]


class MemberForm(forms.Form):
    handle = forms.CharField(label=_("Handle"), max_length=64)
    role = forms.TypedChoiceField(label=_("Role"), coerce=int, choices=Membership.Role.choices, initial=Membership.Role.READER)


class DeleteForm(forms.Form):
    """The name typed again, for what cannot be undone."""

    confirm = forms.CharField(
        max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"})
    )

    def __init__(self, *args: Any, handle: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.handle = handle

    @property
    def question(self) -> str:
        """What the field asks for."""
        return gettext("Type “%(handle)s” to confirm.") % {"handle": self.handle}

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"]
        if typed != self.handle:
            raise forms.ValidationError(self.question)
        return typed
