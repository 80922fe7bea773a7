"""Agreements with their versions, who agreed to them, and the lists of words that are looked for."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.authentication import signed_in
from accounts.models import Acceptance, Agreement, WordList
from accounts.services import draft_agreement, edit_agreement, next_version, publish_agreement, save_word_list
from accounts.services.texts import AGREEMENT_FIELDS, WORD_LIST_FIELDS
from core.administration import Act, Administration, Editable


@admin.register(Agreement)
class AgreementAdministration(Editable, Administration):
    """A draft may be edited and then published; a published version never changes, but may begin the next one."""

    fields = ["kind", *AGREEMENT_FIELDS, "version", "published_at"]
    list_display = ["title", "kind", "version", "published_at"]
    list_filter = ["kind"]
    ordering = ["kind", "-version"]
    acts = [
        Act(
            "publish", _("Publish this version"), publish_agreement, "agreement", "accounts.change_agreement", in_list=False,
            note=_("From now on people are asked to agree to this version. It cannot be changed afterwards."),
            applies=lambda agreement: agreement.published_at is None,
        ),
        Act(
            "next", _("Start a new version"), next_version, "agreement", "accounts.add_agreement", in_list=False,
            note=_("A draft with the texts of this version is made."), applies=lambda agreement: agreement.published_at is not None,
        ),
    ]  # fmt: skip

    @admin.display(description=_("title"))
    def title(self, agreement: Agreement) -> str:
        return agreement.title

    def get_readonly_fields(self, request: HttpRequest, obj: Agreement | None = None) -> Any:
        return ["version", "published_at", *(["kind"] if obj else [])]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.published_at is None)

    def save_model(self, request: HttpRequest, obj: Agreement, form: Any, change: bool) -> None:
        texts = {name: form.cleaned_data[name] for name in AGREEMENT_FIELDS}
        if change:
            edit_agreement(actor=signed_in(request), agreement=obj, **{name: texts[name] for name in form.changed_data})
        else:
            obj.pk = draft_agreement(actor=signed_in(request), kind=form.cleaned_data["kind"], **texts).pk


@admin.register(Acceptance)
class AcceptanceAdministration(Administration):
    list_display = fields = ["user", "agreement", "accepted_at", "ip"]
    list_filter = ["agreement__kind"]
    search_fields = ["user__handle"]
    list_select_related = ["user", "agreement"]
    ordering = ["-id"]


@admin.register(WordList)
class WordListAdministration(Editable, Administration):
    """Lists are switched off, not deleted: the trail keeps naming them."""

    fields = [*WORD_LIST_FIELDS, "updated_at"]
    readonly_fields = ["updated_at"]
    list_display = ["name", "category", "active", "updated_at"]
    list_filter = ["category", "active"]
    search_fields = ["name", "words"]

    def save_model(self, request: HttpRequest, obj: WordList, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in WORD_LIST_FIELDS}
        obj.pk = save_word_list(actor=signed_in(request), word_list=WordList(pk=obj.pk) if change else None, **values).pk
