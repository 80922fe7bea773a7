"""REST addresses of the accounts room, under `/api/v1/`."""

from django.urls import path

from accounts import urls  # noqa: F401  (registers the converter)
from accounts.api.following import FollowingViewSet, FollowOrganisationViewSet, FollowViewSet
from accounts.api.inbox import NoticeSettingsViewSet, NoticeViewSet
from accounts.api.me import MeViewSet
from accounts.api.onboarding import AcceptanceViewSet, AgreementViewSet, EmailViewSet, OnboardingViewSet
from accounts.api.organisations import MemberViewSet, OrganisationViewSet, UserViewSet
from accounts.api.people import PeopleViewSet
from accounts.api.tokens import TokenViewSet
from accounts.api.webhooks import DeliveryViewSet, WebhookViewSet

app_name = "accounts_api"

urlpatterns = [
    path("me", MeViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="me"),
    path("me/email", EmailViewSet.as_view({"post": "change"}), name="email"),
    path("me/email/code", EmailViewSet.as_view({"post": "send_code"}), name="email_code"),
    path("me/onboarding", OnboardingViewSet.as_view({"get": "retrieve", "post": "create"}), name="onboarding"),
    path("me/agreements", AcceptanceViewSet.as_view({"get": "list", "post": "create"}), name="acceptances"),
    path("me/following", FollowingViewSet.as_view({"get": "list"}), name="following"),
    path("agreements", AgreementViewSet.as_view({"get": "list"}), name="agreements"),
    path("users/<handle:handle>", UserViewSet.as_view({"get": "retrieve"}), name="user"),
    path("users/<handle:handle>/follow", FollowViewSet.as_view({"put": "update", "delete": "destroy"}), name="follow_user"),
    path(
        "organisations/<handle:handle>/follow",
        FollowOrganisationViewSet.as_view({"put": "update", "delete": "destroy"}),
        name="follow_organisation",
    ),
    path("people", PeopleViewSet.as_view({"get": "list"}), name="people"),
    path("organisations", OrganisationViewSet.as_view({"get": "list", "post": "create"}), name="organisations"),
    path(
        "organisations/<handle:handle>",
        OrganisationViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="organisation",
    ),
    path("organisations/<handle:handle>/members", MemberViewSet.as_view({"get": "list"}), name="members"),
    path(
        "organisations/<handle:handle>/members/<handle:member>",
        MemberViewSet.as_view({"put": "update", "delete": "destroy"}),
        name="member",
    ),
    path("notices", NoticeViewSet.as_view({"get": "list"}), name="notices"),
    path("notices/read-all", NoticeViewSet.as_view({"post": "read_all"}), name="read_all"),
    path("notices/settings", NoticeSettingsViewSet.as_view({"get": "retrieve", "put": "update"}), name="notice_settings"),
    path("notices/<int:pk>", NoticeViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="notice"),
    path("tokens", TokenViewSet.as_view({"get": "list", "post": "create"}), name="tokens"),
    path("tokens/<int:pk>", TokenViewSet.as_view({"delete": "destroy"}), name="token"),
    path("namespaces/<handle:handle>/webhooks", WebhookViewSet.as_view({"get": "list", "post": "create"}), name="webhooks"),
    path(
        "namespaces/<handle:handle>/webhooks/<int:pk>",
        WebhookViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="webhook",
    ),
    path("namespaces/<handle:handle>/webhooks/<int:pk>/secret", WebhookViewSet.as_view({"post": "renew_secret"}), name="webhook_secret"),
    path("namespaces/<handle:handle>/webhooks/<int:pk>/ping", WebhookViewSet.as_view({"post": "ping"}), name="webhook_ping"),
    path("namespaces/<handle:handle>/webhooks/<int:pk>/deliveries", DeliveryViewSet.as_view({"get": "list"}), name="deliveries"),
    path(
        "namespaces/<handle:handle>/webhooks/<int:pk>/deliveries/<int:delivery>",
        DeliveryViewSet.as_view({"get": "retrieve"}),
        name="delivery",
    ),
    path(
        "namespaces/<handle:handle>/webhooks/<int:pk>/deliveries/<int:delivery>/replay",
        DeliveryViewSet.as_view({"post": "replay"}),
        name="replay_delivery",
    ),
]
