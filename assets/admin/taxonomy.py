"""The vocabularies, which operators edit."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminURLInputWidget

from accounts.authentication import signed_in
from assets.models import Term
from assets.services.taxonomy import TERM_FIELDS, save_term
from core.administration import Administration, Editable


class TermForm(forms.ModelForm):  # type: ignore[type-arg]
    """Other spellings one a line, and a parent of the right vocabulary."""

    aliases = forms.CharField(
        label=_("Other spellings"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_("One a line, as cards write them."),
    )

    url = forms.URLField(label=_("Address"), required=False, assume_scheme="https", widget=UnfoldAdminURLInputWidget)

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
class TermAdministration(Editable, Administration):
    """Terms are switched off, not deleted: cards keep naming them."""

    form = TermForm
    list_display = ["code", "name_en", "name_zh", "vocabulary", "parent", "position", "active"]
    list_editable = ["position", "active"]
    list_filter = ["vocabulary", "active", ("parent", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["parent"]
    search_fields = ["code", "name_en", "name_zh"]
    ordering = ["vocabulary", "position", "code"]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name in self.list_editable:
            field.widget.attrs["aria-label"] = field.label  # in the list no label stands beside it
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "parent":
            kwargs["queryset"] = Term.objects.filter(vocabulary=Term.Vocabulary.MODALITY)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Term, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in TERM_FIELDS if name in form.cleaned_data}
        obj.pk = save_term(actor=signed_in(request), term=Term(pk=obj.pk) if change else None, **values).pk
