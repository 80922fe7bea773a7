"""The shape of a new access token."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import AccessToken, User
from accounts.services.resources import resource_choices, verb_choices

EXPIRIES = [("30", _("30 days")), ("90", _("90 days")), ("365", _("1 year")), ("7", _("7 days")), ("", _("Never"))]


class TokenForm(forms.Form):
    """A new access token; repositories and rights count for the scope `fine` only."""

    name = forms.CharField(label=_("Name"), max_length=100)
    scope = forms.ChoiceField(label=_("Scope"), choices=AccessToken.Scope.choices, initial=AccessToken.Scope.READ, widget=forms.RadioSelect)
    days = forms.ChoiceField(label=_("Expires after"), choices=EXPIRIES, required=False, initial="30")
    resources = forms.MultipleChoiceField(label=_("Repositories"), required=False, widget=forms.SelectMultiple(attrs={"size": 8}))
    verbs = forms.MultipleChoiceField(label=_("Rights"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.choices = resource_choices(user)
        self.fields["resources"].choices = [(choice.key, choice.label) for choice in self.choices]  # type: ignore[attr-defined]
        self.fields["verbs"].choices = verb_choices()  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        if not name:
            raise forms.ValidationError(_("Give the token a name, so that you know later what uses it."))
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("scope") == AccessToken.Scope.FINE:
            if not cleaned.get("resources") and "resources" not in self.errors:
                self.add_error("resources", _("Choose at least one repository."))
            if not cleaned.get("verbs") and "verbs" not in self.errors:
                self.add_error("verbs", _("Choose what the token may do."))
        return cleaned

    @property
    def expires_at(self) -> datetime | None:
        """When the token ends, None for never."""
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=int(days)) if days else None
