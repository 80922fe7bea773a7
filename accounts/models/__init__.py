"""Who acts: users, organisations, tokens; what they are told and agreed to; and the trail of what they did."""

from accounts.models.agreements import Acceptance, Agreement, EmailCode
from accounts.models.audit import AuditEvent
from accounts.models.follows import Follow
from accounts.models.namespaces import Handle, Membership, Namespace, Organisation, User
from accounts.models.notices import NoticeSetting, Notification
from accounts.models.tokens import AccessToken
from accounts.models.webhooks import Webhook, WebhookDelivery
from accounts.models.words import WordList

__all__ = [
    "Acceptance",
    "AccessToken",
    "Agreement",
    "AuditEvent",
    "EmailCode",
    "Follow",
    "Handle",
    "Membership",
    "Namespace",
    "NoticeSetting",
    "Notification",
    "Organisation",
    "User",
    "Webhook",
    "WebhookDelivery",
    "WordList",
]
