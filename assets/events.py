"""What webhooks can be told about assets."""

from django.utils.translation import gettext_lazy as _

EVENTS = [
    ("asset.commit", _("Files changed")),
    ("asset.scanned", _("Safety scan finished")),
    ("asset.published", _("Model or dataset published")),
    ("asset.delisted", _("Model or dataset delisted")),
    ("asset.rejected", _("Publication rejected")),
    ("application.created", _("Somebody applied for access")),
    ("application.decided", _("Application decided")),
    ("grant.revoked", _("Grant revoked")),
]
