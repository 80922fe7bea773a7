"""Pages of the catalog."""

from django.urls import path, register_converter

from accounts.handles import HandleConverter
from assets.views import catalogue, changes, detail, downloads, editor, files, history, home, namespace, new, refs, settings, upload


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

urlpatterns = [
    path("", home.home, name="home"),
    path("<kind:kind>", catalogue.catalogue, name="catalogue"),
    path("<kind:kind>/new", new.new, name="new"),
    path(ASSET, detail.detail, name="detail"),
    path(f"{ASSET}/reading", detail.reading, name="reading"),
    path(f"{ASSET}/edit", editor.edit, name="edit"),
    path(f"{ASSET}/edit/preview", editor.preview, name="preview"),
    path(f"{ASSET}/settings", settings.settings, name="settings"),
    path(f"{ASSET}/settings/names", settings.names, name="names"),
    path(f"{ASSET}/settings/rename", settings.rename, name="rename"),
    path(f"{ASSET}/settings/transfer", settings.transfer, name="transfer"),
    path(f"{ASSET}/settings/delete", settings.delete, name="delete"),
    path(f"{ASSET}/files", files.browse, name="files"),
    path(f"{ASSET}/files/<path:rest>", files.browse, name="file"),
    path(f"{ASSET}/resolve/<path:rest>", downloads.resolve, name="resolve"),
    path(f"{ASSET}/zip/<path:rest>", downloads.zip_folder, name="zip"),
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
