"""What stands above every page of an asset: its name, its tabs, the ways to use it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from assets.labels import card
from assets.menus import Menu, menus_of
from assets.models import Asset
from assets.vocabulary import Terms
from repos.reading import tags


@dataclass(frozen=True)
class Tab:
    """A page of the asset, as `components/tabs.html` takes it; `push` tabs stand at the other end."""

    text: str
    icon: str
    address: str
    current: bool
    count: int | None = None
    push: bool = False


@dataclass(frozen=True)
class Head:
    """The head of an asset's pages. `facts` are the four facts of its card, `version` its newest tag or empty."""

    asset: Asset
    pigment: str
    facts: Sequence[tuple[str, str]]
    tabs: Sequence[Tab]
    version: str
    kind_name: str
    list_name: str
    list_url: str
    zip_url: str
    api_address: str

    @property
    def menus(self) -> list[Menu]:
        """What rooms above the catalogue let the viewer do with it."""
        return menus_of(self.asset)


def head_of(asset: Asset, tab: str, terms: Terms | None = None) -> Head:
    """Return the head of an asset that was read for a viewer; `tab` is `card`, `preview`, `files` or `settings`."""
    url, model = asset.get_absolute_url(), asset.kind == Asset.Kind.MODEL
    label = card(asset, terms or Terms.load())
    tabs = [
        Tab(_("Introduction"), "file-text", url, tab == "card"),
        *(
            []
            if model or "preview" not in asset.allowed
            else [Tab(pgettext("tab of a dataset", "Preview"), "table", f"{url}/preview", tab == "preview")]
        ),
        Tab(_("Files"), "folder", f"{url}/files", tab == "files", asset.repository.files),
    ]
    if "configure" in asset.allowed:
        tabs.append(Tab(_("Settings"), "settings", f"{url}/settings", tab == "settings", push=True))
    return Head(
        asset=asset,
        pigment=label.pigment,
        facts=label.facts,
        tabs=tabs,
        version=next((tag.short for tag in tags(asset.open_repository())), ""),
        kind_name=str(asset.get_kind_display()),
        list_name=_("Models") if model else _("Datasets"),
        list_url=f"/{asset.kind}s",
        zip_url=f"{url}/zip/{asset.repository.default_branch}",
        api_address=f"{settings.PUBLIC_URL}/api/v1{url}",
    )
