"""The ways to services from other pages: the menu of a model, and the rail of My Gallery."""

from urllib.parse import urlencode

from django.utils.translation import gettext as _

from accounts.menu import Entry
from accounts.models import User
from assets.menus import Menu, MenuItem
from assets.models import Asset
from toolchain.inference.finding import open_services
from toolchain.inference.models import Service
from toolchain.standing import standing_once
from toolchain.validator.wording import summary


def deploy_menu(asset: Asset) -> Menu | None:
    """Return the menu “Deploy” of a model; where it cannot be deployed, the line says why."""
    if asset.kind != Asset.Kind.MODEL or "deploy" not in asset.allowed:
        return None
    standing = standing_once(asset)
    address, hint = f"/services/new?{urlencode({'model': asset.repo_id})}", ""
    if standing.is_reading:
        hint = _("The files are being read.")
    elif standing.verdicts is None:
        hint = _("The files were not read yet.")
    else:
        verdict = standing.verdicts.inference
        hint = summary("inference", verdict)
        if verdict.code != "ready":
            address = ""
    opened = [
        MenuItem(service.name, "message", service.get_absolute_url(), _("Open to everybody who may use the model"))
        for service in open_services(asset)
    ]
    return Menu(
        _("Deploy"),
        "rocket",
        [
            MenuItem(_("Inference service"), "rocket", address, hint),
            MenuItem(_("Services with it"), "history", f"/services?{urlencode({'model': asset.repo_id})}"),
            *opened,
        ],
        primary=True,
    )


def entries(user: User) -> list[Entry]:
    """Return the line of the rail."""
    running = Service.objects.for_user(user).filter(state__in=Service.UP).count()
    return [Entry("runs", _("Inference services"), "rocket", "/services", count=running, position=20)]
