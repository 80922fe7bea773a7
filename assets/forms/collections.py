"""The shape of what people send about collections."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.profile import Prose
from assets.models import Collection


class CollectionForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=100)
    description = Prose(label=_("Description"), max_length=500, required=False)
    public = forms.BooleanField(
        label=_("Everybody with the address may see it"), required=False, widget=forms.CheckboxInput(attrs={"role": "switch"})
    )


class CollectForm(forms.Form):
    """Into which collection an asset goes, an old one or a new one, and why."""

    collection = forms.ChoiceField(label=_("Collection"), required=False)
    title = forms.CharField(label=_("Title of the new collection"), max_length=100, required=False)
    note = forms.CharField(label=_("Note"), max_length=500, required=False)

    def __init__(self, *args: Any, collections: list[Collection], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["collection"].choices = [*[(row.slug, row.title) for row in collections], ("", _("A new collection"))]  # type: ignore[attr-defined]
        self.initial.setdefault("collection", collections[0].slug if collections else "")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("collection") and not cleaned.get("title", "").strip() and not self.errors:
            self.add_error("title", _("Give the collection a title."))
        return cleaned
