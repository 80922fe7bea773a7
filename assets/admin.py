"""Administration of the catalog: vocabularies can be edited; assets are looked at, and changed on their own pages."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from assets.models import Asset, AssetRedirect, Term
from assets.vocabulary import Terms


class TermForm(forms.ModelForm):  # type: ignore[type-arg]
    """Other spellings one a line, and a parent of the right vocabulary."""

    aliases = forms.CharField(
        label=_("Other spellings"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One a line, as cards write them."),
    )

    url = forms.URLField(label=_("Address"), required=False, assume_scheme="https")

    class Meta:
        model = Term
        exclude: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["aliases"] = "\n".join(self.instance.aliases)

    def clean_aliases(self) -> list[str]:
        return list(dict.fromkeys(line.strip() for line in self.cleaned_data["aliases"].splitlines() if line.strip()))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        parent = cleaned.get("parent")
        if cleaned.get("vocabulary") == Term.Vocabulary.TASK and (parent is None or parent.vocabulary != Term.Vocabulary.MODALITY):
            raise ValidationError({"parent": _("A task belongs to a modality.")})
        return cleaned


@admin.register(Term)
class TermAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = TermForm
    list_display = ["code", "name_en", "name_zh", "vocabulary", "parent", "position", "active"]
    list_editable = ["position", "active"]
    list_filter = ["vocabulary", "active", ("parent", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["parent"]
    search_fields = ["code", "name_en", "name_zh"]

    def save_model(self, request: HttpRequest, obj: Term, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        Terms.forget()

    def has_delete_permission(self, request: HttpRequest, obj: Term | None = None) -> bool:
        """Terms are switched off, not deleted: cards keep naming them."""
        return False


class RedirectInline(admin.TabularInline):  # type: ignore[type-arg]
    model = AssetRedirect
    fields = ["namespace", "name"]
    readonly_fields = ["namespace", "name"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Asset)
class AssetAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["name", "namespace", "kind", "state", "visibility", "task", "downloads", "updated_at", "page"]
    list_filter = ["kind", "state", "visibility"]
    list_select_related = ["namespace"]
    search_fields = ["name", "title_zh", "namespace__handle"]
    ordering = ["-updated_at"]
    inlines = [RedirectInline]
    formfield_overrides = {ArrayField: {"widget": forms.Textarea}}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Asset | None = None) -> bool:
        """Changes go through the services, which keep card, columns and audit trail together."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Asset | None = None) -> bool:
        return False

    @admin.display(description=_("page"))
    def page(self, asset: Asset) -> SafeString:
        return format_html('<a href="{}">{}</a>', asset.get_absolute_url(), asset.repo_id)
