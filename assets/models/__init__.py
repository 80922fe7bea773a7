"""Tables of the catalog."""

from assets.models.access import AccessTerms, Application, Approver, Grant
from assets.models.assets import Asset, AssetRedirect
from assets.models.collections import Collection, CollectionItem
from assets.models.publishing import Audience, Submission
from assets.models.reactions import DailyViews, DownloadRecord, Favourite, Like, Subscription
from assets.models.taxonomy import Term

__all__ = [
    "AccessTerms",
    "Application",
    "Approver",
    "Asset",
    "AssetRedirect",
    "Audience",
    "Collection",
    "CollectionItem",
    "DailyViews",
    "DownloadRecord",
    "Favourite",
    "Grant",
    "Like",
    "Submission",
    "Subscription",
    "Term",
]
