"""REST of agreements, codes, the address of the account and the onboarding."""

from typing import Any

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.api.room import Room
from accounts.authentication import signed_in
from accounts.models import Acceptance, Agreement, User
from accounts.serializers.onboarding import (
    AcceptanceSerializer,
    AcceptSerializer,
    AgreementSerializer,
    EmailSerializer,
    OnboardingSerializer,
    OnboardSerializer,
    SendCodeSerializer,
    SentCodeSerializer,
)
from accounts.serializers.people import MeSerializer
from core.permissions import ANYBODY, SIGNED_IN
from core.problems import Conflict, Forbidden


class AgreementViewSet(Room):
    """The current version of every agreement."""

    verbs = {"list": ANYBODY}
    serializer_class = AgreementSerializer
    pagination_class = None

    @extend_schema(responses=AgreementSerializer(many=True))
    def list(self, request: Request) -> Response:
        return Response(self.get_serializer(services.current_agreements(*Agreement.Kind.values), many=True).data)


class AcceptanceViewSet(Room):
    """What the caller agreed to, and agreeing to more."""

    verbs = {"list": SIGNED_IN, "create": SIGNED_IN}
    serializer_class = AcceptanceSerializer
    pagination_class = None

    @extend_schema(operation_id="me_agreements_list", responses=AcceptanceSerializer(many=True))
    def list(self, request: Request) -> Response:
        rows = Acceptance.objects.for_user(signed_in(request)).select_related("agreement").order_by("-pk")
        return Response(AcceptanceSerializer(rows, many=True).data)

    @extend_schema(operation_id="me_agreements_create", request=AcceptSerializer, responses={200: AcceptanceSerializer(many=True)})
    def create(self, request: Request) -> Response:
        """Agree to the current versions with these ids; what the caller agreed to before stays as it was."""
        values = checked(AcceptSerializer, request)
        services.accept_agreements(user=signed_in(request), agreements=chosen(request, values["agreements"]))
        return self.list(request)


class EmailViewSet(Room):
    """The address of the account, changed by a code that is sent to the new one."""

    verbs = {"send_code": SIGNED_IN, "change": SIGNED_IN}
    serializer_class = EmailSerializer

    @extend_schema(operation_id="me_email_code", request=SendCodeSerializer, responses={202: SentCodeSerializer})
    def send_code(self, request: Request) -> Response:
        """Send a code. Another address than the one there is needs a session that has just proven its password, never a token."""
        values, user = checked(SendCodeSerializer, request), signed_in(request)
        other = values["email"].lower() != user.email.lower()
        if other and user.token is None and is_reauthentication_required(request._request, app=""):
            sentence = _("Enter your password again on the page “Email” before you change the address.")
            raise Forbidden("reauthentication_required", sentence, extra={"location": "/me/email"})
        row = services.send_code(actor=user, **values)
        return Response(SentCodeSerializer(row).data, status=202)

    @extend_schema(operation_id="me_email_change", request=EmailSerializer, responses={200: MeSerializer})
    def change(self, request: Request) -> Response:
        """Take the address that the code proves."""
        services.change_email(actor=signed_in(request), **checked(EmailSerializer, request))
        return Response(MeSerializer(User.objects.for_user(request.user).get(pk=request.user.pk)).data)


class OnboardingViewSet(Room):
    """The onboarding of the caller."""

    verbs = {"retrieve": SIGNED_IN, "create": SIGNED_IN}
    serializer_class = OnboardingSerializer

    @extend_schema(operation_id="me_onboarding_retrieve")
    def retrieve(self, request: Request) -> Response:
        user = User.objects.for_user(request.user).get(pk=request.user.pk)
        missing = services.missing_agreements(user, *services.ONBOARDING_KINDS)
        found = {"onboarded": user.onboarded_at is not None and not missing, "onboarded_at": user.onboarded_at, "agreements": missing}
        return Response(OnboardingSerializer(found).data)

    @extend_schema(operation_id="me_onboarding_create", request=OnboardSerializer, responses={200: OnboardingSerializer})
    def create(self, request: Request) -> Response:
        """Finish the onboarding with a code that was sent for it."""
        values = checked(OnboardSerializer, request)
        services.onboard(actor=signed_in(request), **{**values, "agreements": chosen(request, values["agreements"])})
        return self.retrieve(request)


def checked(serializer: type[Any], request: Request) -> dict[str, Any]:
    """Return the values of a valid body, or answer 400 by field."""
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = given.validated_data
    return values


def chosen(request: Request, ids: list[int]) -> list[Agreement]:
    """Return the agreements with these ids; one that is not there, or is no version to agree to, is a conflict."""
    found = list(Agreement.objects.for_user(request.user).filter(pk__in=ids))
    if len(found) != len(set(ids)):
        sentence = _("There is no such agreement. Read the current ones again.")
        raise Conflict("agreement_outdated", sentence, errors={"agreements": [sentence]})
    return found
