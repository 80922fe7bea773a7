"""REST of the inbox."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import notices, services
from accounts.api.room import Room
from accounts.authentication import signed_in
from accounts.models import Notification, User
from accounts.serializers.inbox import (
    NoticeQuerySerializer,
    NoticeSerializer,
    NoticeSettingsSerializer,
    ReadAllSerializer,
    ReadSerializer,
)
from accounts.services.notices import mail_choices
from core.permissions import SIGNED_IN
from core.problems import Forbidden, Missing

NOTICE = OpenApiParameter("pk", int, OpenApiParameter.PATH, description="Id of the notice.")


class NoticeViewSet(Room):
    """What the caller was told, the newest first. A fine-grained token opens nothing here."""

    verbs = {"list": SIGNED_IN, "retrieve": SIGNED_IN, "partial_update": SIGNED_IN, "read_all": SIGNED_IN}
    serializer_class = NoticeSerializer

    def notice(self, pk: int) -> Notification:
        row = Notification.objects.for_user(self.request.user).select_related("actor").filter(pk=pk).first()
        if row is None:
            raise Missing("notice_not_found", _("You have no such notice. Those that were read go after half a year."))
        return row

    @extend_schema(parameters=[NoticeQuerySerializer])
    def list(self, request: Request) -> Response:
        query = NoticeQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        rows = Notification.objects.for_user(request.user).select_related("actor")
        return self.listed(rows.unread() if query.validated_data["unread"] else rows, NoticeSerializer)

    @extend_schema(parameters=[NOTICE])
    def retrieve(self, request: Request, pk: int) -> Response:
        return Response(self.get_serializer(self.notice(pk)).data)

    @extend_schema(parameters=[NOTICE])
    def partial_update(self, request: Request, pk: int) -> Response:
        """Mark a notice as read, or as unread again: `{"read": true}`."""
        row, changes = self.notice(pk), self.checked(request.data, partial=True)
        if "is_read" in changes:
            services.mark_read(notification=row, user=signed_in(request), read=changes["is_read"])
        return Response(self.get_serializer(row).data)

    @extend_schema(request=ReadAllSerializer, responses=ReadSerializer)
    def read_all(self, request: Request) -> Response:
        """Mark everything as read, or all up to the notice `until`."""
        body = ReadAllSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response({"read": services.mark_all_read(user=signed_in(request), until=body.validated_data.get("until"))})


class NoticeSettingsViewSet(Room):
    """When the caller gets mail, by kind of notice."""

    verbs = {"retrieve": SIGNED_IN, "update": SIGNED_IN}
    serializer_class = NoticeSettingsSerializer

    def me(self) -> User:
        user: User = User.objects.for_user(self.request.user).get(pk=self.request.user.pk)
        token = signed_in(self.request).token
        if token is not None and token.scope == "fine":
            raise Forbidden("token_scope", _("A fine-grained access token opens no notices. Use one with the scope “read” or “write”."))
        return user

    def shown(self, user: User) -> Response:
        kinds = [kind for _heading, found in notices.grouped_kinds() for kind in found]
        ways = mail_choices([user.pk], kinds)
        described: list[dict[str, Any]] = [
            {"kind": kind.code, "name": str(kind.name), "group": str(kind.group), "default": kind.mail} for kind in kinds
        ]
        mail = {kind.code: ways[user.pk, kind.code] for kind in kinds}
        return Response({"email_notifications": user.email_notifications, "mail": mail, "kinds": described})

    @extend_schema(operation_id="notice_settings_retrieve")
    def retrieve(self, request: Request) -> Response:
        return self.shown(self.me())

    @extend_schema(operation_id="notice_settings_update")
    @transaction.atomic
    def update(self, request: Request) -> Response:
        """Choose when mail is sent."""
        user, values = self.me(), self.checked(request.data)
        proposed = {kind.code: "" for _heading, found in notices.grouped_kinds() for kind in found}
        services.set_notice_mail(user=user, actor=signed_in(request), choices={**proposed, **values["mail"]})
        services.edit_profile(user=user, actor=signed_in(request), email_notifications=values["email_notifications"])
        return self.shown(self.me())
