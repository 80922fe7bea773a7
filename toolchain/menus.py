"""The lines of a model's menus that lead to what may be done with it."""

from urllib.parse import urlencode

from django.utils.translation import gettext as _

from assets.menus import MenuItem
from assets.models import Asset
from toolchain.standing import standing_once
from toolchain.validator import Purpose
from toolchain.validator.wording import summary


def begin_item(asset: Asset, purpose: Purpose, text: str, icon: str, path: str) -> MenuItem:
    """Return the line to the page at `path` where a run for `purpose` is put together; where the model is not ready for it, the line says why."""
    address = address_for(path, asset)
    standing = standing_once(asset)
    if standing.is_reading:
        # A menu does not learn by itself when that is over; the page it leads to does.
        return MenuItem(text, icon, address)
    if standing.verdicts is None:
        return MenuItem(text, icon, address, _("The files were not read yet."))
    verdict = getattr(standing.verdicts, purpose)
    return MenuItem(text, icon, address if verdict.code == "ready" else "", summary(purpose, verdict))


def address_for(path: str, asset: Asset) -> str:
    """Return the address of the page at `path` for a model."""
    return f"{path}?{urlencode({'model': asset.repo_id})}"
