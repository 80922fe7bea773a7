"""The vocabularies of the catalog, in both languages, editable in the administration."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class TermQuerySet(models.QuerySet["Term"]):
    def of(self, vocabulary: str) -> Self:
        """Return the terms of one vocabulary in the order in which people see them."""
        return self.filter(vocabulary=vocabulary, active=True).order_by("position", "code")


class Term(models.Model):
    """One word of a vocabulary. `code` stands in cards and addresses; `parent` groups tasks under a modality.

    `fine_tuning`, `inference` and `app` say what the toolchain offers for a task: `built_in`, `custom` (the files must meet
    the custom model specification) or nothing.
    """

    class Vocabulary(models.TextChoices):
        MODALITY = "modality", _("Modality")
        TASK = "task", _("Task")
        LICENCE = "licence", _("Licence")
        LANGUAGE = "language", _("Language")
        FRAMEWORK = "framework", _("Framework")
        HARDWARE = "hardware", _("Hardware")
        INDUSTRY = "industry", _("Industry")
        PLATFORM = "platform", _("Running platform")
        SPEC = "spec", _("Minimum spec")

    class Support(models.TextChoices):
        NONE = "", _("No")
        BUILT_IN = "built_in", _("Built in")
        CUSTOM = "custom", _("Custom model")

    vocabulary = models.CharField(max_length=16, choices=Vocabulary.choices)
    code = models.CharField(max_length=64)
    name_en = models.CharField(_("English name"), max_length=100)
    name_zh = models.CharField(_("Chinese name"), max_length=100)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    aliases = models.JSONField(default=list, blank=True, help_text=_("Other spellings that cards use for the same thing."))
    pigment = models.CharField(max_length=16, blank=True, help_text=_("Colour of a modality."))
    url = models.URLField(blank=True)
    fine_tuning = models.CharField(max_length=10, choices=Support.choices, blank=True, default="")
    inference = models.CharField(max_length=10, choices=Support.choices, blank=True, default="")
    app = models.CharField(max_length=10, choices=Support.choices, blank=True, default="")
    position = models.PositiveIntegerField(default=0)
    active = models.BooleanField(default=True)

    objects = TermQuerySet.as_manager()

    class Meta:
        ordering = ["vocabulary", "position", "code"]
        constraints = [
            models.UniqueConstraint(fields=["vocabulary", "code"], name="term_once"),
            models.CheckConstraint(
                condition=Q(
                    vocabulary__in=["modality", "task", "licence", "language", "framework", "hardware", "industry", "platform", "spec"]
                ),
                name="term_vocabulary",
            ),
            models.CheckConstraint(
                condition=Q(fine_tuning__in=["", "built_in", "custom"])
                & Q(inference__in=["", "built_in", "custom"])
                & Q(app__in=["", "built_in", "custom"]),
                name="term_support",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name in the language of the request."""
        return self.name_zh if (get_language() or "").startswith("zh") else self.name_en
