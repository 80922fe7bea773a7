"""The settings of the site: one row, with the banner."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from accounts.authentication import signed_in
from core.administration import Administration, Editable
from portal.models import SiteSettings
from portal.site import FIELDS, save_site_settings


class SiteForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = SiteSettings
        fields = FIELDS

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        start, end = cleaned.get("banner_from"), cleaned.get("banner_until")
        if start and end and end <= start:
            raise ValidationError({"banner_until": _("It ends before it begins.")})
        return cleaned


@admin.register(SiteSettings)
class SiteAdministration(Editable, Administration):
    form = SiteForm
    fieldsets = ((_("Banner"), {"fields": FIELDS}), (None, {"fields": ["updated_at"]}))
    readonly_fields = ["updated_at"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Lead to the one row: a list of one helps nobody."""
        return HttpResponseRedirect(self.address("change", 1))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> SiteSettings | None:
        return SiteSettings.load() if object_id == "1" else None

    def save_model(self, request: HttpRequest, obj: SiteSettings, form: Any, change: bool) -> None:
        save_site_settings(actor=signed_in(request), **{name: form.cleaned_data[name] for name in FIELDS})
