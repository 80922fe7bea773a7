"""REST for applications, grants and the register of an asset."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import signed_in
from assets.answers import invalid
from assets.api.parts import AssetPart, BoundedJSON, checked, parameter
from assets.availability import Availability
from assets.deciders import terms_of
from assets.models import Application, Grant
from assets.persons import people_named
from assets.register import HEAD, lines_of, register_of
from assets.serializers import access as shapes
from assets.serializers.assets import ProblemSerializer
from assets.services import applications, grants
from core.paging import KeysetPages, Order
from core.permissions import SIGNED_IN
from core.sheets import csv_response

BAD = OpenApiResponse(ProblemSerializer, description="Some values are not valid.")
REFUSED = OpenApiResponse(ProblemSerializer, description="Visible, but not permitted.")
MISSING = OpenApiResponse(ProblemSerializer, description="Nothing there, or not visible to the caller.")
CONFLICT = OpenApiResponse(ProblemSerializer, description="Somebody was faster; `state` says what stands.")
PAGE, MOST = 50, 500
PEOPLE = ("asset__namespace", "user", "granter", "ended_by")


class Rows(GenericViewSet[Any]):
    """Base of the resources of one person: what they asked for or hold, and what they decide on."""

    parser_classes = [BoundedJSON]
    pagination_class = KeysetPages
    filter_backends = ()
    verbs: Mapping[str, str] = {}
    flags: Mapping[str, str] = {}

    def order_for(self, request: Request) -> Order:
        return Order("newest", "pk", kind=int)

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows for the role that the query names."""
        wanted = self.request.query_params.get("role", "")
        if wanted and wanted not in self.flags:
            raise invalid({"role": [_("Choose one of %(values)s.") % {"values": ", ".join(self.flags)}]})
        return rows.filter(**{self.flags[wanted]: True}) if wanted else rows

    def paged(self, rows: QuerySet[Any]) -> Response:
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def answer(self, pk: int) -> Response:
        """Return the row as it is now."""
        return Response(self.get_serializer(self.get_queryset().get(pk=pk)).data)


class ApplicationsViewSet(Rows):
    """Applications: one's own, and those one decides on."""

    serializer_class = shapes.ApplicationSerializer
    queryset = Application.objects.none()
    flags = {"applicant": "own", "approver": "decided_by_viewer"}
    verbs = {
        "list": SIGNED_IN, "retrieve": "view", "withdraw": "withdraw", "reply": "reply", "remind": "withdraw",
        "approve": "decide", "reject": "decide", "ask": "decide", "decide": SIGNED_IN,
    }  # fmt: skip

    def get_queryset(self) -> QuerySet[Application]:
        return _applications(self.request)

    def row(self, pk: int) -> Application:
        """Return the application if the caller may use the action's verb."""
        row = self.get_queryset().filter(pk=pk).first()
        if row is None:
            raise applications.missing()
        self.check_object_permissions(self.request, row)
        return row

    @extend_schema(
        operation_id="applications_list", summary="List applications",
        parameters=[
            OpenApiParameter("role", str, enum=["applicant", "approver"], description="One's own, or those one decides on; both without it."),
            OpenApiParameter("state", str, enum=["open", *Application.State.values], description="`open` is pending or asked."),
        ],
        responses={200: shapes.ApplicationSerializer(many=True), 400: BAD},
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        rows, state = self.narrowed(self.get_queryset()), request.query_params.get("state", "")
        if state and state not in ("open", *Application.State.values):
            raise invalid({"state": [_("Choose one of %(values)s.") % {"values": ", ".join(["open", *Application.State.values])}]})
        return self.paged(rows.filter(state__in=Application.OPEN if state == "open" else [state]) if state else rows)

    @extend_schema(
        operation_id="applications_retrieve", summary="Read an application", responses={200: shapes.ApplicationSerializer, 404: MISSING}
    )
    def retrieve(self, request: Request, pk: int) -> Response:
        return Response(self.get_serializer(self.row(pk)).data)

    @extend_schema(
        operation_id="applications_withdraw", summary="Take back one's own application", request=None,
        responses={200: shapes.ApplicationSerializer, 403: REFUSED, 404: MISSING, 409: CONFLICT},
    )  # fmt: skip
    def withdraw(self, request: Request, pk: int) -> Response:
        applications.withdraw(application=self.row(pk), actor=signed_in(request))
        return self.answer(pk)

    @extend_schema(
        operation_id="applications_reply", summary="Answer what was asked back", request=shapes.ReplySerializer,
        responses={200: shapes.ApplicationSerializer, 400: BAD, 403: REFUSED, 404: MISSING, 409: CONFLICT},
    )  # fmt: skip
    def reply(self, request: Request, pk: int) -> Response:
        row = self.row(pk)
        applications.reply(application=row, actor=signed_in(request), text=checked(shapes.ReplySerializer, request.data)["reply"])
        return self.answer(pk)

    @extend_schema(
        operation_id="applications_remind", summary="Remind those who decide, once in a day", request=None,
        responses={200: shapes.ApplicationSerializer, 403: REFUSED, 404: MISSING, 409: CONFLICT},
    )  # fmt: skip
    def remind(self, request: Request, pk: int) -> Response:
        applications.remind(application=self.row(pk), actor=signed_in(request))
        return self.answer(pk)

    @extend_schema(
        operation_id="applications_approve", summary="Approve an application", request=shapes.ApprovalSerializer,
        responses={200: shapes.GrantSerializer, 400: BAD, 403: REFUSED, 404: MISSING, 409: CONFLICT},
    )  # fmt: skip
    def approve(self, request: Request, pk: int) -> Response:
        row = self.row(pk)
        made = applications.approve(application=row, actor=signed_in(request), **checked(shapes.ApprovalSerializer, request.data))
        return Response(shapes.GrantSerializer(_grants(request).get(pk=made.pk)).data)

    @extend_schema(
        operation_id="applications_reject", summary="Decline an application", request=shapes.RejectionSerializer,
        responses={200: shapes.ApplicationSerializer, 400: BAD, 403: REFUSED, 404: MISSING, 409: CONFLICT},
    )  # fmt: skip
    def reject(self, request: Request, pk: int) -> Response:
        row = self.row(pk)
        applications.reject(application=row, actor=signed_in(request), **checked(shapes.RejectionSerializer, request.data))
        return self.answer(pk)

    @extend_schema(
        operation_id="applications_ask", summary="Ask the applicant something", request=shapes.QuestionSerializer,
        responses={200: shapes.ApplicationSerializer, 400: BAD, 403: REFUSED, 404: MISSING, 409: CONFLICT},
    )  # fmt: skip
    def ask(self, request: Request, pk: int) -> Response:
        row = self.row(pk)
        applications.ask_back(application=row, actor=signed_in(request), **checked(shapes.QuestionSerializer, request.data))
        return self.answer(pk)

    @extend_schema(
        operation_id="applications_decide", summary="Decide on several applications", request=shapes.DecisionsSerializer,
        responses={200: shapes.OutcomeShape, 400: BAD, 403: REFUSED},
    )  # fmt: skip
    def decide(self, request: Request) -> Response:
        outcome = applications.decide_many(actor=signed_in(request), **checked(shapes.DecisionsSerializer, request.data))
        return Response(shapes.OutcomeShape(outcome).data)


class GrantsViewSet(Rows):
    """Grants: one's own, and those of assets on which one decides."""

    serializer_class = shapes.GrantSerializer
    queryset = Grant.objects.none()
    flags = {"holder": "own", "approver": "decided_by_viewer"}
    verbs = {"list": SIGNED_IN, "retrieve": "view", "revoke": "decide", "extend": "decide", "renew": "renew", "revoke_many": SIGNED_IN}

    def get_queryset(self) -> QuerySet[Grant]:
        return _grants(self.request)

    def row(self, pk: int) -> Grant:
        """Return the grant if the caller may use the action's verb."""
        row = self.get_queryset().filter(pk=pk).first()
        if row is None:
            raise grants.missing()
        self.check_object_permissions(self.request, row)
        return row

    @extend_schema(
        operation_id="grants_list", summary="List grants",
        parameters=[
            OpenApiParameter("role", str, enum=["holder", "approver"], description="One's own, or those one decides on; both without it.")
        ],
        responses={200: shapes.GrantSerializer(many=True), 400: BAD},
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        return self.paged(self.narrowed(self.get_queryset()))

    @extend_schema(operation_id="grants_retrieve", summary="Read a grant", responses={200: shapes.GrantSerializer, 404: MISSING})
    def retrieve(self, request: Request, pk: int) -> Response:
        return Response(self.get_serializer(self.row(pk)).data)

    @extend_schema(
        operation_id="grants_revoke", summary="End a grant at once", request=shapes.ReasonSerializer,
        responses={200: shapes.GrantSerializer, 400: BAD, 403: REFUSED, 404: MISSING, 409: CONFLICT},
    )  # fmt: skip
    def revoke(self, request: Request, pk: int) -> Response:
        row = self.row(pk)
        grants.revoke_grant(grant=row, actor=signed_in(request), **checked(shapes.ReasonSerializer, request.data))
        return self.answer(pk)

    @extend_schema(
        operation_id="grants_extend", summary="Let a grant last longer", request=shapes.DaysSerializer,
        responses={200: shapes.GrantSerializer, 400: BAD, 403: REFUSED, 404: MISSING, 409: CONFLICT},
    )  # fmt: skip
    def extend(self, request: Request, pk: int) -> Response:
        row = self.row(pk)
        grants.extend_grant(grant=row, actor=signed_in(request), **checked(shapes.DaysSerializer, request.data))
        return self.answer(pk)

    @extend_schema(
        operation_id="grants_renew", summary="Ask for another term of one's own grant", request=shapes.RenewSerializer,
        responses={201: shapes.ApplicationSerializer, 400: BAD, 403: REFUSED, 404: MISSING, 409: CONFLICT},
    )  # fmt: skip
    def renew(self, request: Request, pk: int) -> Response:
        row = self.row(pk)
        made = grants.renew(grant=row, actor=signed_in(request), **checked(shapes.RenewSerializer, request.data))
        return Response(_application(request, made.pk), status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="grants_revoke_many", summary="End several grants at once", request=shapes.RevocationsSerializer,
        responses={200: shapes.OutcomeShape, 400: BAD, 403: REFUSED},
    )  # fmt: skip
    def revoke_many(self, request: Request) -> Response:
        outcome = grants.revoke_many(actor=signed_in(request), **checked(shapes.RevocationsSerializer, request.data))
        return Response(shapes.OutcomeShape(outcome).data)


class AssetAccessViewSet(AssetPart):
    """How one gets to use an asset."""

    verbs = {"retrieve": "view"}

    @extend_schema(
        operation_id="asset_access_retrieve", summary="What applicants are asked", responses={200: shapes.AccessShape, 404: MISSING}
    )
    def retrieve(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        asset = self.open(request, kind, namespace, name)
        terms, found = terms_of(asset), Availability(request.user, asset)
        shown = {name: getattr(terms, name) for name in ("questions", "agreement", "agreement_version", "grant_days")}
        facts = {"availability": asset.availability, "reviewers": found.reviewers, "median_seconds": found.seconds}
        return Response(shapes.AccessShape({**facts, **shown}).data)


class AssetApplicationsViewSet(AssetPart):
    """Applying for the use of an asset."""

    verbs = {"list": "view", "create": "view"}

    def order_for(self, request: Request) -> Order:
        return Order("newest", "pk", kind=int)

    @extend_schema(
        operation_id="asset_applications_list", summary="List the applications for an asset",
        responses={200: shapes.ApplicationSerializer(many=True), 404: MISSING},
    )  # fmt: skip
    def list(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        asset = self.open(request, kind, namespace, name)
        pages, rows = KeysetPages(), _applications(request).filter(asset=asset.pk)
        shown = pages.paginate_queryset(rows, request, self)
        return pages.get_paginated_response(shapes.ApplicationSerializer(shown, many=True).data)

    @extend_schema(
        operation_id="asset_applications_create", summary="Apply for the use of an asset", request=shapes.NewApplicationSerializer,
        responses={201: shapes.ApplicationSerializer, 400: BAD, 403: REFUSED, 404: MISSING, 409: CONFLICT},
    )  # fmt: skip
    def create(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        asset = self.open(request, kind, namespace, name)
        actor = signed_in(request)
        values = checked(shapes.NewApplicationSerializer, request.data)
        renews = values.pop("renews", None)
        if renews is not None:
            values["renews"] = Grant.objects.for_user(actor).own().filter(pk=renews).first()
            if values["renews"] is None:
                raise grants.missing()
        made = applications.apply(asset=asset, actor=actor, **values)
        return Response(_application(request, made.pk), status=status.HTTP_201_CREATED)


class AssetGrantsViewSet(AssetPart):
    """Who may use an asset."""

    verbs = {"list": "decide", "create": "configure"}

    @extend_schema(
        operation_id="asset_grants_list", summary="Who may use an asset now",
        responses={200: shapes.GrantSerializer(many=True), 403: REFUSED, 404: MISSING},
    )  # fmt: skip
    def list(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        asset = self.open(request, kind, namespace, name)
        rows = (
            _grants(request)
            .filter(pk__in=Grant.objects.for_user(request.user).in_force().filter(asset=asset.pk).values("pk"))
            .order_by("-pk")
        )
        return Response(shapes.GrantSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="asset_grants_create", summary="Let people use an asset without an application", request=shapes.NewGrantsSerializer,
        responses={201: shapes.GrantSerializer(many=True), 400: BAD, 403: REFUSED, 404: MISSING, 409: CONFLICT},
    )  # fmt: skip
    def create(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        asset = self.open(request, kind, namespace, name)
        values = checked(shapes.NewGrantsSerializer, request.data)
        users = people_named(values.pop("users"))
        made = grants.add_users(asset=asset, actor=signed_in(request), users=users, **values)
        rows = _grants(request).filter(pk__in=[grant.pk for grant in made]).order_by("pk")
        return Response(shapes.GrantSerializer(rows, many=True).data, status=status.HTTP_201_CREATED)


class AsCSV(BaseRenderer):
    """Announces that the register comes as CSV too; the response itself is streamed. A refusal is JSON all the same."""

    media_type = "text/csv"
    format = "csv"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return JSONRenderer().render(data)


class RegisterViewSet(AssetPart):
    """The register of an asset."""

    renderer_classes = [JSONRenderer, AsCSV]
    verbs = {"list": "decide"}

    @extend_schema(
        operation_id="asset_register_list", summary="Every application and grant of an asset",
        parameters=[
            OpenApiParameter("limit", int, description=f"At most {MOST}."),
            OpenApiParameter("offset", int),
            OpenApiParameter("format", str, enum=["json", "csv"], description="`csv` is the whole register as a file; `Accept: text/csv` too."),
        ],
        responses={(200, "application/json"): shapes.RegisterShape, (200, "text/csv"): OpenApiTypes.STR, 403: REFUSED, 404: MISSING},
    )  # fmt: skip
    def list(self, request: Request, kind: str, namespace: str, name: str) -> HttpResponseBase:
        asset = self.open(request, kind, namespace, name)
        if getattr(request, "accepted_renderer", None) is not None and request.accepted_renderer.format == "csv":
            return csv_response(f"{asset.namespace.handle}-{asset.name}-register.csv", HEAD, lines_of(asset))
        limit, offset = max(1, parameter(request, "limit", PAGE, MOST)), parameter(request, "offset", 0, 10_000_000)
        part = register_of(asset, offset=offset, limit=limit)
        return Response(shapes.RegisterShape({"next": offset + limit if part.more else None, "results": part.entries}).data)


def _grants(request: Any) -> QuerySet[Grant]:
    rows: QuerySet[Grant] = Grant.objects.for_user(request.user)
    return rows.select_related(*PEOPLE)


def _applications(request: Any) -> QuerySet[Application]:
    rows: QuerySet[Application] = Application.objects.for_user(request.user)
    return rows.select_related("asset__namespace", "applicant", "decider")


def _application(request: Request, pk: int) -> dict[str, Any]:
    return dict(shapes.ApplicationSerializer(_applications(request).get(pk=pk)).data)
