"""REST for publishing, reviewing and delisting."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.models import Namespace, User
from assets import services
from assets.api.parts import AssetPart, actor_of, checked
from assets.models import Asset, Submission
from assets.models.publishing import SubmissionQuerySet
from assets.publication import Publication, called, submission_at, users_called
from assets.serializers.assets import ProblemSerializer
from assets.serializers.publishing import (
    DelistingSerializer,
    ListedSubmissionSerializer,
    PublicationSerializer,
    RangesSerializer,
    SubmissionApprovalSerializer,
    SubmissionRejectionSerializer,
    SubmissionSerializer,
)
from core.paging import KeysetPages, Order
from core.permissions import SIGNED_IN

BAD = OpenApiResponse(ProblemSerializer, description="`invalid` or `forbidden_words`; see the messages by field.")
REFUSED = OpenApiResponse(ProblemSerializer, description="Visible, but not permitted.")
MISSING = OpenApiResponse(ProblemSerializer, description="Nothing there, or not visible to the caller.")
MEANWHILE = OpenApiResponse(ProblemSerializer, description="`wrong_state`: it does not follow from the present state.")
DECIDED = OpenApiResponse(ProblemSerializer, description="`already_decided`, or `revision_moved` with `head`, the commit to confirm.")
ANSWERS = {200: PublicationSerializer, 400: BAD, 403: REFUSED, 404: MISSING, 409: MEANWHILE}
DECISIONS = {200: SubmissionSerializer, 400: BAD, 403: REFUSED, 404: MISSING, 409: DECIDED}


class PublicationViewSet(AssetPart):
    """How one asset is published."""

    verbs = {"retrieve": "publish", "partial_update": "publish", "publish": "publish", "withdraw": "publish", "delist": "publish"}

    @extend_schema(operation_id="publication_retrieve", tags=["publishing"], responses=PublicationSerializer)
    def retrieve(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Show the state, the ranges, the terms and the submissions."""
        return self._answer(self.open(request, kind, namespace, name))

    @extend_schema(operation_id="publication_update", tags=["publishing"], request=RangesSerializer, responses=ANSWERS)
    def partial_update(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Change who sees and who uses it, and the terms; what is left out stays."""
        asset, actor = self.open(request, kind, namespace, name), actor_of(request)
        values = checked(RangesSerializer, request.data)
        with transaction.atomic():
            _write_terms(asset, actor, values)
            asset = services.set_ranges(asset=asset, actor=actor, **_ranges(actor, values))
        return self._answer(asset)

    @extend_schema(operation_id="publication_publish", tags=["publishing"], request=RangesSerializer, responses=ANSWERS)
    def publish(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Submit it: published at once, or in review where people review."""
        asset, actor = self.open(request, kind, namespace, name), actor_of(request)
        values = checked(RangesSerializer, request.data)
        with transaction.atomic():
            _write_terms(asset, actor, values)
            asset = services.publish_asset(asset=asset, actor=actor, **_ranges(actor, values))
        return self._answer(asset)

    @extend_schema(operation_id="publication_withdraw", tags=["publishing"], request=None, responses=ANSWERS)
    def withdraw(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Take it back from review."""
        return self._answer(services.withdraw_submission(asset=self.open(request, kind, namespace, name), actor=actor_of(request)))

    @extend_schema(operation_id="publication_delist", tags=["publishing"], request=DelistingSerializer, responses=ANSWERS)
    def delist(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Take it off the shelf and tell its subscribers."""
        asset = self.open(request, kind, namespace, name)
        return self._answer(services.delist_asset(asset=asset, actor=actor_of(request), **checked(DelistingSerializer, request.data)))

    def _answer(self, asset: Asset) -> Response:
        return Response(PublicationSerializer(_publication(asset)).data)


class ReviewViewSet(AssetPart):
    """A reviewer's decision on what was submitted last."""

    verbs = {"approve": SIGNED_IN, "reject": SIGNED_IN}

    @extend_schema(operation_id="review_approve", tags=["publishing"], request=SubmissionApprovalSerializer, responses=DECISIONS)
    def approve(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Publish it."""
        submission = submission_at(request.user, kind, namespace, name)
        services.approve_submission(submission=submission, actor=actor_of(request), **checked(SubmissionApprovalSerializer, request.data))
        return self._answer(request, submission)

    @extend_schema(operation_id="review_reject", tags=["publishing"], request=SubmissionRejectionSerializer, responses=DECISIONS)
    def reject(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Turn it down, with a reason."""
        submission = submission_at(request.user, kind, namespace, name)
        services.reject_submission(submission=submission, actor=actor_of(request), **checked(SubmissionRejectionSerializer, request.data))
        return self._answer(request, submission)

    def _answer(self, request: Request, submission: Submission) -> Response:
        return Response(SubmissionSerializer(Submission.objects.for_user(request.user).get(pk=submission.pk)).data)


class SubmissionsViewSet(GenericViewSet[Submission]):
    """Submissions: all of them for a reviewer, else those of the caller's assets."""

    verbs = {"list": SIGNED_IN}
    queryset = Submission.objects.none()
    serializer_class = ListedSubmissionSerializer
    pagination_class = KeysetPages
    filter_backends = ()

    def get_queryset(self) -> SubmissionQuerySet:
        rows = Submission.objects.for_user(self.request.user).filter(asset__repository__deleted_at=None)
        state = self.request.query_params.get("state", "")
        if state and state not in Submission.State.values:
            raise ValidationError({"state": [_("Choose one of pending, approved, rejected, withdrawn.")]})
        return (rows.filter(state=state) if state else rows).select_related("asset__namespace", "submitter", "reviewer")

    def order_for(self, request: Request) -> Order:
        return Order("newest", "pk", kind=int)

    @extend_schema(
        operation_id="submissions_list", tags=["publishing"],
        parameters=[OpenApiParameter("state", str, enum=Submission.State.values, description="`pending` is the queue of reviewers.")],
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        """List submissions, the newest first."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


def _publication(asset: Asset) -> dict[str, Any]:
    found = Publication(asset)
    terms = {
        "questions": found.terms.questions,
        "agreement": found.terms.agreement,
        "agreement_version": found.terms.agreement_version,
        "grant_days": found.terms.grant_days,
        "organisations": [row.handle for row in found.organisations],
        "mail_domains": found.terms.mail_domains,
    }
    return {
        "state": asset.state,
        "visibility": asset.visibility,
        "availability": asset.availability,
        "published_at": asset.published_at,
        "reason": found.reason,
        "audience": [row.handle for row in found.audience],
        "terms": terms,
        "approvers": [row.handle for row in found.approvers],
        "submissions": found.submissions,
    }


def _ranges(actor: User, values: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {name: values[name] for name in ("visibility", "availability") if name in values}
    if "audience" in values:
        found["audience"] = called(actor, values["audience"], "audience")
    return found


def _write_terms(asset: Asset, actor: User, values: dict[str, Any]) -> None:
    terms = dict(values.get("terms", {}))
    if "organisations" in terms:
        terms["organisations"] = called(actor, terms["organisations"], "organisations", kinds=[Namespace.Kind.ORGANISATION])
    if terms:
        services.set_terms(asset=asset, actor=actor, **terms)
    if "approvers" in values:
        services.set_approvers(asset=asset, actor=actor, users=users_called(actor, values["approvers"], "approvers"))
