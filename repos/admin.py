"""What the repositories of each user and organisation take, and how much they may take."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.models import Namespace
from accounts.services import set_quota
from core.administration import Act, Administration
from core.numbers import bytes_in, size
from repos.models import LargeObject, Repository
from repos.quotas import with_storage


class QuotaForm(forms.Form):
    quota = forms.CharField(
        label=_("Storage quota"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("A size such as 500 GB or 20 GiB; 0 for nothing more; empty for the gallery's own limit."),
    )

    def clean_quota(self) -> int | None:
        text: str = self.cleaned_data["quota"].strip()
        try:
            quota = bytes_in(text) if text else None
        except ValueError as error:
            raise ValidationError(_("Write a size such as 500 GB.")) from error
        if quota is not None and quota >= 2**63:
            raise ValidationError(_("Write a size such as 500 GB."))
        return quota


@admin.register(Namespace)
class StorageAdministration(Administration):
    fields = ["handle", "kind", "storage_used", "storage_limit", "official", "created_at"]
    list_display = ["handle", "kind", "repository_count", "storage_used", "storage_limit", "share"]
    list_filter = ["kind", ("storage_quota", admin.EmptyFieldListFilter)]
    search_fields = ["handle", "nickname"]
    ordering = ["handle"]
    list_before_template = "admin/storage_sums.html"
    acts = [
        Act(
            "quota", _("Set the storage quota"), set_quota, "namespace", "accounts.change_namespace", form=QuotaForm,
            note=_("Uploads and commits that would go beyond it are refused; what is stored stays."),
        )
    ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Namespace]:
        return with_storage()

    @admin.display(description=_("repositories"), ordering="repository_total")
    def repository_count(self, namespace: Any) -> int:
        return int(namespace.repository_total)

    @admin.display(description=_("stored"), ordering="used")
    def storage_used(self, namespace: Any) -> str:
        return size(namespace.used)

    @admin.display(description=_("limit"), ordering="limit")
    def storage_limit(self, namespace: Any) -> str:
        return "∞" if namespace.limit is None else size(namespace.limit)

    @admin.display(description=_("used"), ordering="part")
    def share(self, namespace: Any) -> str:
        return "" if namespace.part is None else f"{namespace.part:.0%}"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        stored = LargeObject.objects.aggregate(bytes=Sum("size"), objects=Count("pk"))
        charged = Repository.objects.aggregate(bytes=Sum("stored"))["bytes"] or 0
        sums = {
            "charged": size(charged),
            "stored": size(stored["bytes"] or 0),
            "objects": stored["objects"],
            "damaged": LargeObject.objects.exclude(damaged_at=None).count(),
        }
        page: TemplateResponse = super().changelist_view(request, {**(extra_context or {}), "sums": sums})
        return page
