"""The way to a training job from the page of a model."""

from django.utils.translation import gettext as _

from assets.menus import Menu, MenuItem
from assets.models import Asset
from toolchain.menus import address_for, begin_item
from toolchain.trainer.mine import PATH


def train_menu(asset: Asset) -> Menu | None:
    """Return the menu “Train” of a model; where it cannot be trained, the line says why."""
    if asset.kind != Asset.Kind.MODEL or "train" not in asset.allowed:
        return None
    return Menu(
        _("Train"),
        "test-pipe",
        [
            begin_item(asset, "fine_tuning", _("Fine-tune"), "adjustments-horizontal", f"{PATH}/new"),
            MenuItem(_("Jobs with it"), "history", address_for(PATH, asset)),
        ],
    )
