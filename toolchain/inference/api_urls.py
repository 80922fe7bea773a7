"""REST of services, below `/api/v1/`."""

from django.urls import path

from toolchain.inference.api import ExampleViewSet, KeyViewSet, ServiceOptionsViewSet, ServiceViewSet
from toolchain.urls import MODEL

app_name = "inference_api"

ONE = "services/<owner:namespace>/<slug:name>"

urlpatterns = [
    path("services", ServiceViewSet.as_view({"get": "list", "post": "create"}), name="services"),
    path(ONE, ServiceViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}), name="service"),
    path(f"{ONE}/start", ServiceViewSet.as_view({"post": "start"}), name="start"),
    path(f"{ONE}/stop", ServiceViewSet.as_view({"post": "stop"}), name="stop"),
    path(f"{ONE}/restart", ServiceViewSet.as_view({"post": "restart"}), name="restart"),
    path(f"{ONE}/roll-back", ServiceViewSet.as_view({"post": "roll_back"}), name="roll_back"),
    path(f"{ONE}/generations", ServiceViewSet.as_view({"get": "generations"}), name="generations"),
    path(f"{ONE}/replicas", ServiceViewSet.as_view({"get": "replicas"}), name="replicas"),
    path(f"{ONE}/log", ServiceViewSet.as_view({"get": "log"}), name="log"),
    path(f"{ONE}/metrics", ServiceViewSet.as_view({"get": "metrics"}), name="metrics"),
    path(f"{ONE}/keys", KeyViewSet.as_view({"get": "list", "post": "create"}), name="keys"),
    path(f"{ONE}/keys/<int:pk>", KeyViewSet.as_view({"delete": "destroy"}), name="key"),
    path(f"{ONE}/examples", ExampleViewSet.as_view({"get": "list", "post": "create"}), name="examples"),
    path(f"{ONE}/examples/<int:pk>", ExampleViewSet.as_view({"delete": "destroy"}), name="example"),
    path(f"{MODEL}/service-options", ServiceOptionsViewSet.as_view({"get": "retrieve"}), name="options"),
]
