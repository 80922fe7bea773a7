"""Compute specs, who may use how much of them, and what was used."""

import re
from decimal import Decimal
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import Namespace
from toolchain.compute.sizes import Size
from toolchain.models.owned import standing_in


class SpecQuerySet(models.QuerySet["Spec"]):
    def offered(self) -> Self:
        """Return the specs that people may choose, also those sold out, in their order."""
        return self.filter(enabled=True)

    def for_user(self, user: Any) -> Self:
        """Return the specs `user` may see: for somebody signed in those on offer, for an administrator all."""
        if not user.is_authenticated:
            return self.none()
        return self if user.is_superuser else self.offered()


class Spec(models.Model):
    """A size of machine to run on. `code` reads cards, accelerator, card memory, `cpu`, vCPUs, memory: `1-snt9b-16-cpu-24-96`.

    Memory is in GiB; `price` is per hour, 0 for free. `labels` narrow the machines of a cluster. `found_on` names the machine that
    the spec was made for as it was found there; empty where an administrator made it.
    """

    class Runner(models.TextChoices):
        LOCAL = "local", _("This machine")
        RAY = "ray", "Ray"

    code = models.CharField(
        _("code"), max_length=64, unique=True, validators=[RegexValidator(r"^[a-z0-9][a-z0-9.-]*$", _("Use a–z, 0–9, dots and hyphens."))]
    )
    name_en = models.CharField(_("English name"), max_length=96)
    name_zh = models.CharField(_("Chinese name"), max_length=96, blank=True)
    accelerator = models.SlugField(_("accelerator"), max_length=32, blank=True, help_text=_("gpu, snt9b …; empty for none."))
    cards = models.PositiveSmallIntegerField(_("cards"), default=0)
    card_memory = models.PositiveIntegerField(_("memory of a card, GiB"), default=0)
    vcpus = models.PositiveSmallIntegerField(_("vCPUs"), default=1, validators=[MinValueValidator(1)])
    memory = models.PositiveIntegerField(_("memory, GiB"), default=1, validators=[MinValueValidator(1)])
    architecture = models.CharField(_("architecture"), max_length=16, blank=True)
    runner = models.CharField(_("runs on"), max_length=8, choices=Runner.choices, default=Runner.LOCAL)
    labels = ArrayField(models.CharField(max_length=64), verbose_name=_("labels"), default=list, blank=True)
    price = models.DecimalField(_("price per hour"), max_digits=10, decimal_places=4, default=Decimal(0), validators=[MinValueValidator(0)])
    sold_out = models.BooleanField(_("sold out"), default=False)
    enabled = models.BooleanField(_("on offer"), default=True)
    position = models.PositiveIntegerField(_("position"), default=0)
    found_on = models.CharField(max_length=128, blank=True, editable=False)

    objects = SpecQuerySet.as_manager()

    class Meta:
        verbose_name = _("compute spec")
        verbose_name_plural = _("compute specs")
        ordering = ["position", "accelerator", "cards", "vcpus", "memory", "code"]
        constraints = [
            models.CheckConstraint(condition=Q(runner__in=["local", "ray"]), name="spec_runner"),
            models.CheckConstraint(
                condition=Q(accelerator="", cards=0) | (~Q(accelerator="") & Q(cards__gte=1)), name="spec_cards",
                violation_error_message=_("An accelerator and the number of its cards go together."),
            ),
            models.CheckConstraint(condition=Q(price__gte=0), name="spec_price"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.code

    @property
    def name(self) -> str:
        """Its name in the reader's language."""
        return self.name_zh if self.name_zh and (get_language() or "").startswith("zh") else self.name_en

    @property
    def size(self) -> Size:
        """What it offers, to be compared."""
        return Size(self.accelerator, self.cards, self.card_memory, self.vcpus, self.memory)

    @property
    def tells_size(self) -> bool:
        """Whether its name says how large it is."""
        return {str(self.vcpus), str(self.memory)} <= set(re.findall(r"\d+", self.name))

    @property
    def machine_labels(self) -> dict[str, str]:
        """What the machines of a cluster must be labelled with, by name; a label without “=” has the value “true”."""
        return {name: value if equals else "true" for name, equals, value in (label.partition("=") for label in self.labels)}

    @property
    def is_free(self) -> bool:
        return self.price == 0


class Node(models.Model):
    """A machine, or a cluster, on which a runner runs things, and what it has in all. Its worker says that it is there.

    `key` tells machines apart, whatever they are called (`toolchain.compute.machines`); empty for a cluster, which has its address for a name.
    """

    runner = models.CharField(max_length=8, choices=Spec.Runner.choices)
    key = models.CharField(max_length=32, blank=True, editable=False, default="", db_default="")
    name = models.CharField(max_length=128)
    cpus = models.PositiveIntegerField()
    memory = models.PositiveBigIntegerField(help_text=_("Bytes."))
    accelerator = models.SlugField(max_length=32, blank=True)
    cards = models.PositiveSmallIntegerField(default=0)
    sandbox = models.CharField(max_length=8, blank=True)
    detail = models.TextField(blank=True)
    beat_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("machine")
        verbose_name_plural = _("machines")
        constraints = [models.UniqueConstraint(fields=["runner", "key", "name"], name="node_once")]

    def __str__(self) -> str:
        return self.name


class Limit(models.Model):
    """How much may be used, of everything or of one spec: by one namespace, or by each of a kind where `namespace` is empty.

    The most particular row counts for each column; an empty column sets no limit of its own. Hours and spend are per calendar month
    in UTC; hours are those of the whole spec, whatever its cards.
    """

    namespace = models.ForeignKey(Namespace, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(_("for"), max_length=16, choices=Namespace.Kind.choices, blank=True)
    spec = models.ForeignKey(Spec, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    trainings = models.PositiveIntegerField(_("training jobs at once"), null=True, blank=True)
    services = models.PositiveIntegerField(_("replicas of services at once"), null=True, blank=True)
    hours = models.DecimalField(_("hours a month"), max_digits=10, decimal_places=2, null=True, blank=True)
    spend = models.DecimalField(_("spend a month"), max_digits=12, decimal_places=2, null=True, blank=True)

    class Meta:
        verbose_name = _("compute limit")
        verbose_name_plural = _("compute limits")
        constraints = [
            models.UniqueConstraint(
                Coalesce("namespace", 0), "kind", Coalesce("spec", 0), name="limit_once", violation_error_message=_("There is such a limit already."),
            ),
            models.CheckConstraint(
                condition=Q(namespace=None, kind__in=["user", "organisation"]) | Q(namespace__isnull=False, kind=""), name="limit_for_one_or_all",
                violation_error_message=_("Choose either one namespace, or every user or every organisation."),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.namespace or self.kind}{f', {self.spec}' if self.spec_id else ''}"


class EntryQuerySet(models.QuerySet["Entry"]):
    def for_user(self, user: Any) -> Self:
        """Return the entries of namespaces that `user` is a member of."""
        return self.annotate(role=standing_in(user, "namespace_id")).filter(role__gt=0)


class Entry(models.Model):
    """A line of the ledger of a namespace: funds added, or what one run used in one month, which grows while it runs.

    `month` is the first day of a calendar month in UTC, `amount` is negative for use. `what` names the run for good.
    """

    class Kind(models.TextChoices):
        CREDIT = "credit", _("Funds")
        USE = "use", _("Use")

    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    run = models.ForeignKey("toolchain.Run", null=True, blank=True, on_delete=models.SET_NULL, related_name="entries")
    spec = models.ForeignKey(Spec, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    what = models.CharField(max_length=200, blank=True)
    month = models.DateField()
    seconds = models.PositiveBigIntegerField(default=0)
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=4)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger")
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["credit", "use"]), name="entry_kind"),
            models.UniqueConstraint(fields=["run", "month"], condition=Q(run__isnull=False), name="entry_of_run_once"),
        ]
        indexes = [models.Index(fields=["namespace", "month"])]

    def __str__(self) -> str:
        return f"{self.amount} {self.what}"
