"""What is set for the site as a whole, while it runs."""

import hashlib
from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class SiteSettings(models.Model):
    """The one row of settings that operators change without a restart: the banner above every page."""

    class Level(models.TextChoices):
        INFO = "info", _("Information")
        WARN = "warn", _("Warning")
        DANGER = "danger", _("Disturbance")

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    banner_en = models.CharField(_("banner in English"), max_length=500, blank=True, help_text=_("Empty shows no banner."))
    banner_zh = models.CharField(_("banner in Chinese"), max_length=500, blank=True, help_text=_("Empty shows the English text."))
    banner_level = models.CharField(_("level"), max_length=8, choices=Level.choices, default=Level.INFO)
    banner_from = models.DateTimeField(_("shown from"), null=True, blank=True)
    banner_until = models.DateTimeField(_("shown until"), null=True, blank=True)
    banner_dismissible = models.BooleanField(_("readers may hide it"), default=True)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("site settings")
        verbose_name_plural = _("site settings")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="site_settings_once"),
            models.CheckConstraint(condition=Q(banner_level__in=["info", "warn", "danger"]), name="site_settings_level"),
            models.CheckConstraint(
                condition=Q(banner_from=None) | Q(banner_until=None) | Q(banner_until__gt=F("banner_from")), name="site_settings_order"
            ),
        ]

    def __str__(self) -> str:
        return str(_("Site settings"))

    @staticmethod
    def load() -> "SiteSettings":
        """Return the settings as they stand, or the first ones where nobody has changed any."""
        return SiteSettings.objects.filter(pk=1).first() or SiteSettings()

    @property
    def banner(self) -> str:
        """The text in the language of the request."""
        chinese = (get_language() or "").startswith("zh")
        return (self.banner_zh or self.banner_en) if chinese else (self.banner_en or self.banner_zh)

    @property
    def banner_key(self) -> str:
        """Names this wording: who hid it sees the next one."""
        text = "\n".join([self.banner_en, self.banner_zh, self.banner_level])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def shows_banner(self, at: datetime | None = None) -> bool:
        """Whether there is a banner at a moment, or now."""
        now = at or timezone.now()
        begun = self.banner_from is None or self.banner_from <= now
        return bool(self.banner) and begun and (self.banner_until is None or now < self.banner_until)
