"""The ways to services from other pages: the menu of a model, and the rail of My Gallery."""

from django.utils.translation import gettext as _

from accounts.menu import Entry
from accounts.models import User
from assets.menus import Menu, MenuItem
from assets.models import Asset
from toolchain.inference.finding import open_services
from toolchain.inference.mine import PATH
from toolchain.inference.models import Service
from toolchain.menus import address_for, begin_item


def deploy_menu(asset: Asset) -> Menu | None:
    """Return the menu “Deploy” of a model; where it cannot be deployed, the line says why."""
    if asset.kind != Asset.Kind.MODEL or "deploy" not in asset.allowed:
        return None
    opened = [
        MenuItem(service.name, "message", service.get_absolute_url(), _("Open to everybody who may use the model"))
        for service in open_services(asset)
    ]
    return Menu(
        _("Deploy"),
        "rocket",
        [
            begin_item(asset, "inference", _("Inference service"), "rocket", f"{PATH}/new"),
            MenuItem(_("Services with it"), "history", address_for(PATH, asset)),
            *opened,
        ],
        primary=True,
    )


def entries(user: User) -> list[Entry]:
    """Return the line of the rail."""
    running = Service.objects.for_user(user).filter(state__in=Service.UP).count()
    return [Entry("runs", _("Inference services"), "rocket", PATH, count=running, position=20)]
