"""The shape of what people send from the pages of webhooks."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.events import event_choices


class WebhookForm(forms.Form):
    """Where to call and for what; whether the address may be called decides the service."""

    name = forms.CharField(label=_("Name"), max_length=100)
    url = forms.CharField(
        label=_("Address"), max_length=500, widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://example.com/hook"})
    )
    events = forms.MultipleChoiceField(
        label=_("Events"),
        widget=forms.CheckboxSelectMultiple,
        choices=event_choices,
        error_messages={"required": _("Choose at least one event of the list.")},
    )
    active = forms.BooleanField(label=_("Active"), required=False, initial=True, widget=forms.CheckboxInput(attrs={"role": "switch"}))


class DeleteWebhookForm(forms.Form):
    """The name typed again."""

    confirm = forms.CharField(
        max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"})
    )

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name

    @property
    def question(self) -> str:
        """What the field asks for."""
        return gettext("Type “%(handle)s” to confirm.") % {"handle": self.name}

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"]
        if typed != self.name.strip():
            raise forms.ValidationError(self.question)
        return typed
