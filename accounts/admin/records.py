"""What happened and what was told: the audit trail, notices, webhooks. Nothing here can be changed."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import label_for_field
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import FieldTextFilter, RangeDateFilter
from unfold.utils import parse_date_str

from accounts.authentication import signed_in
from accounts.models import AuditEvent, Notification, Webhook, WebhookDelivery
from accounts.services import note_export, verify_trail
from core.administration import Administration
from core.sheets import csv_response

COLUMNS = ("id", "at", "actor", "verb", "target_kind", "target_id", "target", "ip", "request_id", "details", "hash")


class DayRangeFilter(RangeDateFilter):  # type: ignore[misc]  # unfold carries no types
    """From one day to another, both counted in."""

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        limits = {"gte": self.used_parameters.get(f"{self.field_path}_from"), "lte": self.used_parameters.get(f"{self.field_path}_to")}
        days = {how: parse_date_str(text) for how, text in limits.items() if text}
        return rows.filter(**{f"{self.field_path}__date__{how}": day for how, day in days.items() if day})


@admin.register(AuditEvent)
class AuditAdministration(Administration):
    list_display = ["at", "actor", "verb", "target_kind", "target", "ip", "request_id"]
    list_filter = [("at", DayRangeFilter), ("actor", FieldTextFilter), "verb", "target_kind"]
    search_fields = ["actor", "target", "target_id", "request_id"]
    ordering = ["-id"]
    list_before_template = "admin/audit_tools.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("verify/", wrap(require_POST(self.verify)), name=self.address_name("verify")),
            path("export/", wrap(self.export), name=self.address_name("export")),
            *super().get_urls(),
        ]

    def verify(self, request: HttpRequest) -> HttpResponse:
        """Read the whole chain and say whether it holds."""
        rows, broken = verify_trail(actor=signed_in(request))
        if broken is None:
            messages.success(request, _("The audit trail holds: %(rows)d rows, each follows the one before it.") % {"rows": rows})
        else:
            sentence = _("The audit trail is broken at row %(row)d: %(reason)s. %(rows)d rows before it hold.")
            messages.error(request, sentence % {"row": broken.event.pk, "reason": broken, "rows": rows})
        return HttpResponseRedirect(self.address("changelist"))

    def export(self, request: HttpRequest) -> HttpResponse:
        """Return the rows that the list shows with its filters, as CSV; that they were taken out is recorded."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_changelist_instance(request).get_queryset(request)
        note_export(actor=signed_in(request), kind="audit_trail", **{name: request.GET[name][:200] for name in sorted(request.GET)})
        head = [label_for_field(name, AuditEvent, self) for name in COLUMNS]
        return csv_response("audit-trail.csv", head, rows.values_list(*COLUMNS).iterator(chunk_size=2000))  # type: ignore[return-value]


@admin.register(Notification)
class NotificationAdministration(Administration):
    list_display = ["created_at", "receiver", "kind", "mail", "read_at", "mailed_at"]
    list_filter = [("created_at", DayRangeFilter), "kind", "mail"]
    search_fields = ["receiver__handle", "kind", "key"]
    list_select_related = ["receiver"]
    ordering = ["-id"]


@admin.register(Webhook)
class WebhookAdministration(Administration):
    """Without the secrets that sign."""

    fields = ["name", "namespace", "url", "events", "active", "creator", "created_at"]
    list_display = ["name", "namespace", "url", "active", "created_at"]
    list_filter = ["active"]
    search_fields = ["name", "url", "namespace__handle"]
    list_select_related = ["namespace"]
    ordering = ["-id"]


@admin.register(WebhookDelivery)
class DeliveryAdministration(Administration):
    list_display = ["created_at", "webhook", "event", "state", "tries", "status", "milliseconds", "error"]
    list_filter = [("created_at", DayRangeFilter), "state", "event"]
    search_fields = ["webhook__name", "event"]
    list_select_related = ["webhook"]
    ordering = ["-id"]
