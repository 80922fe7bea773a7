"""The shape of how somebody wants to hear of things."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import notices
from accounts.models import NoticeSetting, User
from accounts.services.notices import mail_choices


class NoticesForm(forms.Form):
    """The main switch, and a choice for every kind of notice, named by its code."""

    email_notifications = forms.BooleanField(
        label=_("Notices by email"), required=False, widget=forms.CheckboxInput(attrs={"role": "switch"})
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["email_notifications"] = user.email_notifications
        self.headings = notices.grouped_kinds()
        kinds = [kind for _heading, found in self.headings for kind in found]
        ways = mail_choices([user.pk], kinds)
        for kind in kinds:
            self.initial[kind.code] = ways[user.pk, kind.code]
            self.fields[kind.code] = forms.ChoiceField(label=kind.name, choices=NoticeSetting.Mail.choices)

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields of the kinds under their headings."""
        return [(heading, [self[kind.code] for kind in kinds]) for heading, kinds in self.headings]

    @property
    def choices(self) -> dict[str, str]:
        """What was chosen anew, by kind."""
        return {name: self.cleaned_data[name] for name in self.changed_data if name != "email_notifications"}
