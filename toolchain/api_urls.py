"""REST of the toolchain, below `/api/v1/`."""

from django.urls import path

from toolchain.api import VerdictViewSet
from toolchain.urls import MODEL

app_name = "toolchain_api"

urlpatterns = [path(f"{MODEL}/verdict", VerdictViewSet.as_view({"get": "retrieve", "post": "create"}), name="verdict")]
