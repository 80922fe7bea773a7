"""Tables of the catalog."""

from assets.models.assets import Asset, AssetRedirect
from assets.models.taxonomy import Term

__all__ = ["Asset", "AssetRedirect", "Term"]
