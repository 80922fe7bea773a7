"""REST of the catalog, below `/api/v1/`."""

from typing import Any

from django.urls import path

from assets.api.assets import DatasetViewSet, ModelAssetViewSet
from assets.api.commits import CommitsViewSet, RefsViewSet
from assets.api.files import FilesViewSet
from assets.api.markdown import MarkdownViewSet
from assets.api.taxonomy import TaxonomyViewSet
from assets.api.uploads import UploadsViewSet
from assets.urls import ASSET

app_name = "assets_api"

LIST: dict[str, Any] = {"get": "list", "post": "create"}
ONE: dict[str, Any] = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}

urlpatterns = [
    path("models", ModelAssetViewSet.as_view(LIST), name="models"),
    path("models/<owner:namespace>/<asset:name>", ModelAssetViewSet.as_view(ONE), name="model"),
    path("models/<owner:namespace>/<asset:name>/transfer", ModelAssetViewSet.as_view({"post": "transfer"}), name="model_transfer"),
    path("datasets", DatasetViewSet.as_view(LIST), name="datasets"),
    path("datasets/<owner:namespace>/<asset:name>", DatasetViewSet.as_view(ONE), name="dataset"),
    path("datasets/<owner:namespace>/<asset:name>/transfer", DatasetViewSet.as_view({"post": "transfer"}), name="dataset_transfer"),
    path(f"{ASSET}/files", FilesViewSet.as_view({"get": "list"}), name="files"),
    path(f"{ASSET}/files/<path:rest>", FilesViewSet.as_view({"get": "retrieve"}), name="file"),
    path(f"{ASSET}/resolve/<path:rest>", FilesViewSet.as_view({"get": "resolve"}), name="resolve"),
    path(f"{ASSET}/commits", CommitsViewSet.as_view(LIST), name="commits"),
    path(f"{ASSET}/commits/<str:sha>", CommitsViewSet.as_view({"get": "retrieve"}), name="commit"),
    path(f"{ASSET}/refs", RefsViewSet.as_view(LIST), name="refs"),
    path(f"{ASSET}/refs/<str:space>/<path:ref_name>", RefsViewSet.as_view({"delete": "destroy"}), name="ref"),
    path(f"{ASSET}/uploads", UploadsViewSet.as_view(LIST), name="uploads"),
    path(f"{ASSET}/uploads/<uuid:pk>", UploadsViewSet.as_view({"get": "retrieve", "delete": "destroy"}), name="upload"),
    path(f"{ASSET}/uploads/<uuid:pk>/parts", UploadsViewSet.as_view({"post": "parts"}), name="upload_parts"),
    path(f"{ASSET}/uploads/<uuid:pk>/finish", UploadsViewSet.as_view({"post": "finish"}), name="upload_finish"),
    path(f"{ASSET}/markdown", MarkdownViewSet.as_view({"post": "create"}), name="markdown"),
    path("taxonomy", TaxonomyViewSet.as_view({"get": "list"}), name="taxonomy"),
    path("taxonomy/<str:vocabulary>", TaxonomyViewSet.as_view({"get": "retrieve"}), name="vocabulary"),
]
