"""The shape of what people send from the account pages."""

from copy import copy
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.handles import validators
from accounts.models import AccessToken, Membership, Organisation, User
from accounts.services.resources import resource_choices, verb_choices

EXPIRIES = [("30", _("30 days")), ("90", _("90 days")), ("365", _("1 year")), ("7", _("7 days")), ("", _("Never"))]


class Prose(forms.CharField):
    """Text of several lines; a line break counts as one character, however the browser sends it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 4, "data-count": ""}), **options)

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n").strip()


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    bio = Prose(label=_("Bio"), max_length=500, required=False)

    class Meta:
        model = User
        fields = ["nickname", "bio", "language"]


class HabitsForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ["email_notifications", "keyboard_shortcuts"]


class HandleForm(forms.Form):
    handle = forms.CharField(
        label=_("Handle"),
        max_length=39,
        validators=validators,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
    )


class AvatarForm(forms.Form):
    """A picture; what it really is decides `accounts.avatars`, not its name or type."""

    avatar = forms.FileField(
        label=_("Picture"), max_length=255, widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/gif"})
    )


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
