"""The way to a training job from the page of a model."""

from urllib.parse import urlencode

from django.utils.translation import gettext as _

from assets.menus import Menu, MenuItem
from assets.models import Asset
from toolchain.standing import standing_once
from toolchain.validator.wording import summary


def train_menu(asset: Asset) -> Menu | None:
    """Return the menu “Train” of a model; where it cannot be trained, the line says why."""
    if asset.kind != Asset.Kind.MODEL or "train" not in asset.allowed:
        return None
    standing = standing_once(asset)
    address, hint = f"/jobs/new?{urlencode({'model': asset.repo_id})}", ""
    if standing.is_reading:
        hint = _("The files are being read.")
    elif standing.verdicts is None:
        hint = _("The files were not read yet.")
    else:
        verdict = standing.verdicts.fine_tuning
        hint = summary("fine_tuning", verdict)
        if verdict.code != "ready":
            address = ""
    return Menu(
        _("Train"),
        "test-pipe",
        [
            MenuItem(_("Fine-tune"), "adjustments-horizontal", address, hint),
            MenuItem(_("Jobs with it"), "history", f"/jobs?{urlencode({'model': asset.repo_id})}"),
        ],
    )
