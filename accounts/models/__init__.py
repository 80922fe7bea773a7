"""Who acts: users, organisations, tokens, and the trail of what they did."""

from accounts.models.audit import AuditEvent
from accounts.models.namespaces import Handle, Membership, Namespace, Organisation, User
from accounts.models.tokens import AccessToken

__all__ = ["AccessToken", "AuditEvent", "Handle", "Membership", "Namespace", "Organisation", "User"]
