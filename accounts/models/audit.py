"""The audit trail: append-only rows, each carrying the hash of the one before."""

import hashlib
import json
from ipaddress import ip_address

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

GENESIS = "0" * 64


class AuditEvent(models.Model):
    """Who did what to which row, when and from where.

    Actor and target are kept as values, not as foreign keys, so that the row outlives them. A database trigger refuses
    UPDATE, DELETE and TRUNCATE; `previous_hash` is unique, so the chain cannot fork.
    """

    at = models.DateTimeField(_("when"), default=timezone.now)
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(_("who"), max_length=64, blank=True)
    verb = models.CharField(_("what"), max_length=64)
    target_kind = models.CharField(_("kind"), max_length=32)
    target_id = models.CharField(max_length=64)
    target = models.CharField(_("on what"), max_length=255)
    ip = models.GenericIPAddressField(_("from where"), null=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    details = models.JSONField(_("details"), default=dict)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit trail")
        constraints = [models.UniqueConstraint(fields=["previous_hash"], name="audit_chain_does_not_fork")]
        indexes = [models.Index(fields=["target_kind", "target_id", "-id"]), models.Index(fields=["actor_id", "-id"])]

    def __str__(self) -> str:
        return f"{self.actor or '-'} {self.verb} {self.target}"

    def computed_hash(self) -> str:
        """Return the SHA-256 over this row's content and `previous_hash`, in hex."""
        content = [
            self.at.isoformat(), self.actor_id, self.actor, self.verb, self.target_kind, self.target_id, self.target,
            self.ip and str(ip_address(self.ip)), self.request_id, self.details, self.previous_hash,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
