"""REST of training jobs, below `/api/v1/`."""

from django.urls import path

from toolchain.trainer.api import SpecViewSet, TrainingOptionsViewSet, TrainingViewSet, UsageViewSet
from toolchain.urls import MODEL

app_name = "trainer_api"

ONE = "training-jobs/<int:pk>"

urlpatterns = [
    path("training-jobs", TrainingViewSet.as_view({"get": "list", "post": "create"}), name="trainings"),
    path(ONE, TrainingViewSet.as_view({"get": "retrieve", "delete": "destroy"}), name="training"),
    path(f"{ONE}/stop", TrainingViewSet.as_view({"post": "stop"}), name="stop"),
    path(f"{ONE}/retry", TrainingViewSet.as_view({"post": "retry"}), name="retry"),
    path(f"{ONE}/drop", TrainingViewSet.as_view({"post": "drop"}), name="drop"),
    path(f"{ONE}/collect", TrainingViewSet.as_view({"post": "collect"}), name="collect"),
    path(f"{ONE}/log", TrainingViewSet.as_view({"get": "log"}), name="log"),
    path(f"{ONE}/metrics", TrainingViewSet.as_view({"get": "metrics"}), name="metrics"),
    path(f"{ONE}/metrics/raw", TrainingViewSet.as_view({"get": "raw_metrics"}), name="raw_metrics"),
    path(f"{ONE}/usage", TrainingViewSet.as_view({"get": "usage"}), name="usage"),
    path(f"{MODEL}/training-options", TrainingOptionsViewSet.as_view({"get": "retrieve"}), name="options"),
    path("compute-specs", SpecViewSet.as_view({"get": "list"}), name="specs"),
    path("compute-usage", UsageViewSet.as_view({"get": "retrieve"}), name="usage_of"),
    path("compute-usage/ledger", UsageViewSet.as_view({"get": "list"}), name="ledger"),
]
