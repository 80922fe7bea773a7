"""REST addresses of the accounts room, under `/api/v1/`."""

from django.urls import path

from accounts import urls  # noqa: F401  (registers the converter)
from accounts.api.people import (
    MemberViewSet,
    MeViewSet,
    OrganisationViewSet,
    TokenViewSet,
    UserViewSet,
)

app_name = "accounts_api"

urlpatterns = [
    path("me", MeViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="me"),
    path("users/<handle:handle>", UserViewSet.as_view({"get": "retrieve"}), name="user"),
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
    path("tokens", TokenViewSet.as_view({"get": "list", "post": "create"}), name="tokens"),
    path("tokens/<int:pk>", TokenViewSet.as_view({"delete": "destroy"}), name="token"),
]
