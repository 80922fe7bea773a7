"""Who asked to use what, and who may: the register, to look at. Owners and their delegates decide on their own pages."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from assets.models import Application, Grant
from core.administration import Administration


@admin.register(Application)
class ApplicationAdministration(Administration):
    list_display = ["asset", "applicant", "state", "automatic", "decider", "created_at", "decided_at"]
    list_filter = ["state", "automatic"]
    search_fields = ["asset__name", "asset__namespace__handle", "applicant__handle"]
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Application.objects.select_related("asset__namespace", "applicant", "decider", "renews__asset__namespace", "renews__user")


@admin.register(Grant)
class GrantAdministration(Administration):
    list_display = ["asset", "user", "state", "source", "granter", "granted_at", "expires_at", "ended_at", "ended_by"]
    list_filter = ["state", "source"]
    search_fields = ["asset__name", "asset__namespace__handle", "user__handle"]
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Grant.objects.select_related(
            "asset__namespace", "user", "granter", "ended_by", "application__asset__namespace", "application__applicant"
        )
