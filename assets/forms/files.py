"""Forms of the files pages."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from repos.services.commits import MAX_MESSAGE


class PlainText(forms.CharField):
    """Text as it was typed: spaces at the ends stay, line ends become `\\n`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").replace("\r\n", "\n").replace("\r", "\n")


class MessageForm(forms.Form):
    """What every change asks: why, and the commit it starts from."""

    message = forms.CharField(
        widget=forms.TextInput(attrs={"placeholder": _("Commit message")}),
        label=_("Commit message"),
        required=False,
        max_length=MAX_MESSAGE,
        help_text=_("What changed and why; a short one is made if you leave it empty."),
    )
    parent = forms.CharField(widget=forms.HiddenInput, max_length=40)


class EditForm(MessageForm):
    """The text of a file. `base` is the id of the content the edit started from."""

    content = PlainText(
        label=_("Content"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 28, "class": "mono", "spellcheck": "false", "autocomplete": "off"}),
    )
    base = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)

    field_order = ["content", "message", "parent", "base"]

    def clean_content(self) -> str:
        content = str(self.cleaned_data["content"])
        if len(content.encode("utf-8", "replace")) > settings.MAX_PREVIEW_SIZE:
            raise ValidationError(_("This text is too long for the editor. Upload it as a file."), code="too_long")
        return content


class NewFileForm(EditForm):
    """A new text file."""

    path = forms.CharField(label=_("Path"), max_length=1024, help_text=_("With its folders: docs/usage.md"))

    field_order = ["path", "content", "message", "parent", "base"]


class RefForm(forms.Form):
    """A new branch or version."""

    TAG, BRANCH = "tag", "branch"

    type = forms.ChoiceField(label=_("Make a"), widget=forms.RadioSelect)
    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("For example v1.0"))
    revision = forms.CharField(label=_("From"), max_length=200, help_text=_("A branch, a version or a commit."))

    def __init__(self, *args: Any, verbs: frozenset[str], **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [choice for choice in [(self.TAG, _("Version (tag)")), (self.BRANCH, _("Branch"))] if choice[0] in verbs]
        cast(forms.ChoiceField, self.fields["type"]).choices = choices
        self.initial.setdefault("type", choices[0][0] if choices else "")


class UploadForm(MessageForm):
    """Files sent whole, for browsers without script."""

    folder = forms.CharField(label=_("Folder"), required=False, max_length=1024, help_text=_("Leave empty for the top folder."))
    branch = forms.CharField(widget=forms.HiddenInput, max_length=200)

    field_order = ["folder", "message", "parent", "branch"]
