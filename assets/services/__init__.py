"""Everything that writes to the catalog."""

from assets.services.assets import create_asset, delete_asset, rename_asset, transfer_asset
from assets.services.cards import CardChanged, Saved, card_text, save_card
from assets.services.commits import commit_files, restore_files
from assets.services.refs import create_version, delete_version
from assets.services.settings import save_settings

__all__ = [
    "CardChanged",
    "Saved",
    "card_text",
    "commit_files",
    "create_asset",
    "create_version",
    "delete_asset",
    "delete_version",
    "rename_asset",
    "restore_files",
    "save_card",
    "save_settings",
    "transfer_asset",
]
