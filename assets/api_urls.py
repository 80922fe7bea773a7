"""REST of the catalog, below `/api/v1/`."""

from typing import Any

from django.urls import path

from assets.api.access import (
    ApplicationsViewSet,
    AssetAccessViewSet,
    AssetApplicationsViewSet,
    AssetGrantsViewSet,
    GrantsViewSet,
    RegisterViewSet,
)
from assets.api.assets import DatasetViewSet, ModelAssetViewSet
from assets.api.collections import CollectionItemViewSet, CollectionViewSet
from assets.api.commits import CommitsViewSet, RefsViewSet
from assets.api.files import FilesViewSet
from assets.api.inspections import HeadersViewSet, InspectionsViewSet
from assets.api.markdown import MarkdownViewSet
from assets.api.mine import DownloadsViewSet, FavouritesViewSet, MyAssetsViewSet, SubscriptionsViewSet
from assets.api.publishing import PublicationViewSet, ReviewViewSet, SubmissionsViewSet
from assets.api.reactions import FavouriteViewSet, LikeViewSet, StatisticsViewSet, SubscriptionViewSet
from assets.api.taxonomy import TaxonomyViewSet
from assets.api.uploads import UploadsViewSet
from assets.api.viewer import QueriesViewSet, TablesViewSet
from assets.urls import ASSET, DATASET

app_name = "assets_api"

LIST: dict[str, Any] = {"get": "list", "post": "create"}
MARK: dict[str, Any] = {"get": "retrieve", "put": "update", "delete": "destroy"}
ONE: dict[str, Any] = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}

urlpatterns = [
    path("models", ModelAssetViewSet.as_view(LIST), name="models"),
    path("models/<owner:namespace>/<asset:name>", ModelAssetViewSet.as_view(ONE), name="model"),
    path("models/<owner:namespace>/<asset:name>/transfer", ModelAssetViewSet.as_view({"post": "transfer"}), name="model_transfer"),
    path("datasets", DatasetViewSet.as_view(LIST), name="datasets"),
    path("datasets/<owner:namespace>/<asset:name>", DatasetViewSet.as_view(ONE), name="dataset"),
    path("datasets/<owner:namespace>/<asset:name>/transfer", DatasetViewSet.as_view({"post": "transfer"}), name="dataset_transfer"),
    path("models/<owner:namespace>/<asset:name>/memory", HeadersViewSet.as_view({"get": "memory"}), name="memory"),
    path("models/<owner:namespace>/<asset:name>/tensors", HeadersViewSet.as_view({"get": "tensors"}), name="tensors"),
    path(f"{ASSET}/inspections", InspectionsViewSet.as_view({"get": "list"}), name="inspections"),
    path(f"{ASSET}/inspections/<slug:step>", InspectionsViewSet.as_view({"post": "create"}), name="inspection"),
    path(f"{DATASET}/tables", TablesViewSet.as_view({"get": "list"}), name="tables"),
    *[
        path(f"{DATASET}/tables/{action}", TablesViewSet.as_view({"get": action}), name=f"tables_{action}")
        for action in ("rows", "statistics", "cell", "media")
    ],
    path(f"{DATASET}/tables/sql", QueriesViewSet.as_view(LIST), name="tables_sql"),
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
    path(f"{ASSET}/favourite", FavouriteViewSet.as_view(MARK), name="favourite"),
    path(f"{ASSET}/like", LikeViewSet.as_view(MARK), name="like"),
    path(f"{ASSET}/subscription", SubscriptionViewSet.as_view(MARK), name="subscription"),
    path(f"{ASSET}/statistics", StatisticsViewSet.as_view({"get": "retrieve"}), name="statistics"),
    path("me/assets", MyAssetsViewSet.as_view({"get": "list"}), name="my_assets"),
    path("me/favourites", FavouritesViewSet.as_view({"get": "list"}), name="my_favourites"),
    path("me/subscriptions", SubscriptionsViewSet.as_view({"get": "list"}), name="my_subscriptions"),
    path("me/downloads", DownloadsViewSet.as_view({"get": "list"}), name="my_downloads"),
    path(f"{ASSET}/markdown", MarkdownViewSet.as_view({"post": "create"}), name="markdown"),
    path(f"{ASSET}/access", AssetAccessViewSet.as_view({"get": "retrieve"}), name="access"),
    path(f"{ASSET}/applications", AssetApplicationsViewSet.as_view(LIST), name="asset_applications"),
    path(f"{ASSET}/grants", AssetGrantsViewSet.as_view(LIST), name="asset_grants"),
    path(f"{ASSET}/register", RegisterViewSet.as_view({"get": "list"}), name="register"),
    path("applications", ApplicationsViewSet.as_view({"get": "list"}), name="applications"),
    path("applications/decide", ApplicationsViewSet.as_view({"post": "decide"}), name="decide"),
    path("applications/<int:pk>", ApplicationsViewSet.as_view({"get": "retrieve"}), name="application"),
    *[
        path(f"applications/<int:pk>/{step}", ApplicationsViewSet.as_view({"post": step}), name=f"application_{step}")
        for step in ("withdraw", "reply", "remind", "approve", "reject", "ask")
    ],
    path("grants", GrantsViewSet.as_view({"get": "list"}), name="grants"),
    path("grants/revoke", GrantsViewSet.as_view({"post": "revoke_many"}), name="revoke"),
    path("grants/<int:pk>", GrantsViewSet.as_view({"get": "retrieve"}), name="grant"),
    *[
        path(f"grants/<int:pk>/{step}", GrantsViewSet.as_view({"post": step}), name=f"grant_{step}")
        for step in ("revoke", "extend", "renew")
    ],
    path(f"{ASSET}/publication", PublicationViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="publication"),
    *[path(f"{ASSET}/{step}", PublicationViewSet.as_view({"post": step}), name=step) for step in ("publish", "withdraw", "delist")],
    *[path(f"{ASSET}/review/{step}", ReviewViewSet.as_view({"post": step}), name=f"review_{step}") for step in ("approve", "reject")],
    path("submissions", SubmissionsViewSet.as_view({"get": "list"}), name="submissions"),
    path("collections", CollectionViewSet.as_view(LIST), name="collections"),
    path("collections/<slug:slug>", CollectionViewSet.as_view(ONE), name="collection"),
    path("collections/<slug:slug>/items", CollectionItemViewSet.as_view(LIST), name="collection_items"),
    path(
        "collections/<slug:slug>/items/<int:pk>",
        CollectionItemViewSet.as_view({"patch": "partial_update", "delete": "destroy"}),
        name="collection_item",
    ),
    path("taxonomy", TaxonomyViewSet.as_view({"get": "list"}), name="taxonomy"),
    path("taxonomy/<str:vocabulary>", TaxonomyViewSet.as_view({"get": "retrieve"}), name="vocabulary"),
]
