"""Pages of the catalog."""

from django.urls import path, register_converter

from accounts.handles import HandleConverter
from assets.views import (
    activity,
    approvals,
    catalogue,
    changes,
    collections,
    detail,
    downloads,
    editor,
    files,
    history,
    home,
    mine,
    namespace,
    new,
    publishing,
    reactions,
    refs,
    register,
    requests,
    settings,
    tensors,
    upload,
)
from assets.views.viewer import cells, sql, table


class KindConverter:
    """The word for a kind of asset in addresses."""

    regex = "models|datasets"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class NameConverter:
    """An asset's English name."""

    regex = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(KindConverter, "kind")
register_converter(HandleConverter, "owner")
register_converter(NameConverter, "asset")

app_name = "assets"

ASSET = "<kind:kind>/<owner:namespace>/<asset:name>"
DATASET = "datasets/<owner:namespace>/<asset:name>"

urlpatterns = [
    path("", home.home, name="home"),
    path("me", mine.me, name="me"),
    path("me/assets", mine.mine, name="mine"),
    path("me/subscriptions", mine.subscriptions, name="subscriptions"),
    path("me/downloads", mine.downloads, name="downloads"),
    path("me/favourites", mine.favourites, name="favourites"),
    path("me/collections", collections.collections, name="collections"),
    path("collections/<slug:slug>", collections.collection, name="collection"),
    path("collections/<slug:slug>/edit", collections.edit_collection, name="edit_collection"),
    path("collections/<slug:slug>/delete", collections.delete_collection, name="delete_collection"),
    path("collections/<slug:slug>/items/<int:pk>", collections.change_item, name="collection_item"),
    path("me/requests", requests.requests, name="requests"),
    path("me/requests/<int:pk>/withdraw", requests.withdraw, name="withdraw"),
    path("me/requests/<int:pk>/reply", requests.reply, name="reply"),
    path("me/requests/<int:pk>/remind", requests.remind, name="remind"),
    path("me/grants/<int:pk>/renew", requests.renew, name="renew"),
    path("me/approvals", approvals.approvals, name="approvals"),
    path("me/approvals/decide", approvals.decide_many, name="decide_many"),
    path("me/approvals/<int:pk>", approvals.approvals, name="approval"),
    path("me/approvals/<int:pk>/decide", approvals.decide, name="decide"),
    path("<kind:kind>", catalogue.catalogue, name="catalogue"),
    path("<kind:kind>/new", new.new, name="new"),
    path(ASSET, detail.detail, name="detail"),
    path(f"{ASSET}/activity", activity.activity, name="activity"),
    path(f"{ASSET}/activity/<path:rest>", activity.activity, name="activity_of"),
    path(f"{ASSET}/inspect/<path:rest>", activity.inspect, name="inspect"),
    path(f"{ASSET}/favourite", reactions.favourite, name="favourite"),
    path(f"{ASSET}/like", reactions.like, name="like"),
    path(f"{ASSET}/collect", collections.collect, name="collect"),
    path(f"{ASSET}/subscribe", reactions.subscribe, name="subscribe"),
    path(f"{ASSET}/unsubscribe", reactions.unsubscribe, name="unsubscribe"),
    path(f"{ASSET}/edit", editor.edit, name="edit"),
    path(f"{ASSET}/edit/preview", editor.preview, name="preview"),
    path(f"{ASSET}/settings", settings.settings, name="settings"),
    path(f"{ASSET}/settings/names", settings.names, name="names"),
    path(f"{ASSET}/settings/rename", settings.rename, name="rename"),
    path(f"{ASSET}/settings/transfer", settings.transfer, name="transfer"),
    path(f"{ASSET}/settings/delete", settings.delete, name="delete"),
    path(f"{ASSET}/publish", publishing.publish, name="publish"),
    path(f"{ASSET}/withdraw", publishing.withdraw, name="withdraw"),
    path(f"{ASSET}/delist", publishing.delist, name="delist"),
    path(f"{ASSET}/review", publishing.review, name="review"),
    path(f"{ASSET}/settings/access", register.access, name="access"),
    path(f"{ASSET}/settings/access/add", register.add, name="access_add"),
    path(f"{ASSET}/settings/access/revoke", register.revoke, name="access_revoke"),
    path(f"{ASSET}/settings/access/extend", register.extend, name="access_extend"),
    path(f"{ASSET}/settings/access/register.csv", register.register_file, name="register"),
    path(f"{ASSET}/apply", requests.apply, name="apply"),
    path(f"{DATASET}/preview", table.preview, name="viewer"),
    path(f"{DATASET}/preview/reading", table.reading, name="viewer_reading"),
    path(f"{DATASET}/preview/again", table.again, name="viewer_again"),
    path(f"{DATASET}/preview/statistics", table.statistics, name="viewer_statistics"),
    path(f"{DATASET}/preview/column", table.column, name="viewer_column"),
    path(f"{DATASET}/preview/row", cells.row, name="viewer_row"),
    path(f"{DATASET}/preview/cell", cells.cell, name="viewer_cell"),
    path(f"{DATASET}/preview/media", cells.media, name="viewer_media"),
    path(f"{DATASET}/sql", sql.sql, name="sql"),
    path(f"{ASSET}/files", files.browse, name="files"),
    path(f"{ASSET}/files/<path:rest>", files.browse, name="file"),
    path(f"{ASSET}/resolve/<path:rest>", downloads.resolve, name="resolve"),
    path(f"{ASSET}/zip/<path:rest>", downloads.zip_folder, name="zip"),
    path(f"{ASSET}/tensors", tensors.tensors, name="tensors"),
    path(f"{ASSET}/upload", upload.upload, name="upload"),
    path(f"{ASSET}/new-file/<path:rest>", changes.new_file, name="new_file"),
    path(f"{ASSET}/edit-file/<path:rest>", changes.edit_file, name="edit_file"),
    path(f"{ASSET}/delete-files/<path:rest>", changes.delete_files, name="delete_files"),
    path(f"{ASSET}/history/<path:rest>", history.history, name="history"),
    path(f"{ASSET}/commit/<str:sha>", history.commit, name="commit"),
    path(f"{ASSET}/restore/<str:sha>", changes.restore_revision, name="restore"),
    path(f"{ASSET}/versions", refs.versions, name="versions"),
    path(f"{ASSET}/versions/delete", refs.forget, name="delete_version"),
    path("<owner:handle>", namespace.namespace, name="namespace"),
]
