"""The shape of what people send to prove an address and to finish the onboarding."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Agreement, User

OUTDATED = _("A newer version of this agreement has been published. Read it and agree to it.")


class CodeField(forms.CharField):
    """Six digits, however the person groups them."""

    def __init__(self, **options: Any) -> None:
        attributes = {"inputmode": "numeric", "autocomplete": "one-time-code", "spellcheck": "false", "data-focus": ""}
        # Room for spaces between the digits: a pasted code must not lose its end.
        super().__init__(label=pgettext_lazy("sent by mail", "Code"), max_length=16, widget=forms.TextInput(attrs=attributes), **options)
        self.validators.append(RegexValidator(r"\A[0-9]{6}\Z", _("The code is the six digits from the mail.")))

    def to_python(self, value: Any) -> str:
        return "".join((super().to_python(value) or "").split()).replace("-", "")


class AddressForm(forms.Form):
    """The address that a code is sent to."""

    email = forms.EmailField(label=_("Email"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        return email


class EmailForm(AddressForm):
    """An address with the code that proves it."""

    code = CodeField()


class AgreeForm(forms.Form):
    """Agreements, each by the number of the version that was shown."""

    agreements = forms.MultipleChoiceField(
        label=_("Agreements"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        error_messages={"invalid_choice": OUTDATED},
    )

    def __init__(self, *args: Any, missing: Sequence[Agreement], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.missing = {str(agreement.pk): agreement for agreement in missing}
        self.fields["agreements"].choices = [(key, agreement.title) for key, agreement in self.missing.items()]  # type: ignore[attr-defined]

    @property
    def chosen(self) -> list[Agreement]:
        """The agreements that were ticked."""
        return [self.missing[key] for key in self.cleaned_data["agreements"]]

    @property
    def ticked(self) -> set[str]:
        """The versions whose box shows as ticked."""
        return {str(value) for value in self["agreements"].value() or ()}


class WelcomeForm(EmailForm, AgreeForm):
    """Everything that the onboarding asks for."""

    nickname = forms.CharField(label=_("Display name"), max_length=64, widget=forms.TextInput(attrs={"autocomplete": "nickname"}))
    news = forms.BooleanField(label=_("Send me news and updates by email; I can unsubscribe at any time"), required=False)

    field_order = ["nickname", "email", "code", "agreements", "news"]

    @classmethod
    def of(cls, user: User, missing: Sequence[Agreement]) -> "WelcomeForm":
        """Return the form as `user` finds it."""
        return cls(missing=missing, initial={"nickname": user.nickname, "email": user.email, "news": user.news})
