"""Everything that writes to the catalog."""

from assets.services.assets import create_asset, delete_asset, rename_asset, transfer_asset
from assets.services.cards import CardChanged, Saved, card_text, save_card
from assets.services.commits import commit_files, restore_files
from assets.services.publishing import (
    approve_submission,
    delist_asset,
    publish_asset,
    reject_submission,
    set_ranges,
    withdraw_submission,
)
from assets.services.reactions import needed_agreements, recount, set_favourite, set_like, subscribe, unsubscribe
from assets.services.refs import create_version, delete_version
from assets.services.settings import save_settings
from assets.services.terms import set_approvers, set_terms
from assets.services.views import count_view

__all__ = [
    "CardChanged",
    "Saved",
    "approve_submission",
    "card_text",
    "commit_files",
    "count_view",
    "create_asset",
    "create_version",
    "delete_asset",
    "delete_version",
    "delist_asset",
    "needed_agreements",
    "publish_asset",
    "recount",
    "reject_submission",
    "rename_asset",
    "restore_files",
    "save_card",
    "save_settings",
    "set_approvers",
    "set_favourite",
    "set_like",
    "set_ranges",
    "set_terms",
    "subscribe",
    "transfer_asset",
    "unsubscribe",
    "withdraw_submission",
]
