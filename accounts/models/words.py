"""Words that must not stand in what the gallery shows to everybody."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class WordList(models.Model):
    """A list of words, one a line, in any language; lists that are not active are not looked for."""

    class Category(models.TextChoices):
        POLITICAL = "political", _("Political")
        SUPERSTITIOUS = "superstitious", _("Superstitious")
        PROHIBITED = "prohibited", _("Prohibited")
        OTHER = "other", _("Other")

    name = models.CharField(_("name"), max_length=100, unique=True)
    category = models.CharField(_("category"), max_length=16, choices=Category.choices, default=Category.OTHER)
    words = models.TextField(_("words"), help_text=_("One word or phrase a line, in any language. Upper and lower case count as the same."))
    active = models.BooleanField(_("active"), default=True)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("word list")
        verbose_name_plural = _("word lists")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(category__in=["political", "superstitious", "prohibited", "other"]), name="word_list_category"
            )
        ]

    def __str__(self) -> str:
        return self.name
