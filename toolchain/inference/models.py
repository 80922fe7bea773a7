"""Inference services: what is deployed, its generations and their replicas, keys, saved requests and counts."""

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assets.models import Asset
from toolchain.models import Owned, OwnedQuerySet, Run, Spec

LATENCIES = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 40000, 60000)
"""Upper ends in milliseconds of the classes that latencies are counted in; one more class holds what took longer."""


WANTED = ("model_commit", "revision", "base_id", "base_commit", "task", "engine", "environment", "spec_id")
"""What a generation takes over from its service."""


class ServiceQuerySet(OwnedQuerySet["Service"]):
    def whole(self) -> "ServiceQuerySet":
        """Return the services with the rows their pages show."""
        return self.select_related("namespace", "creator", "model__namespace", "spec", "generation__spec")

    def at(self, namespace: str, name: str) -> "ServiceQuerySet":
        """Return the service at this address, whatever the case of the letters."""
        return self.filter(namespace__handle__iexact=namespace, name__iexact=name)


class Service(Owned):
    """A model that answers requests at `/services/<namespace>/<name>/`.

        waiting --deploy--> deploying --ready--> running
        any of these --request_stop--> stopping --halt--> stopped --start--> waiting
        any of these --fail--> failed --start--> waiting

    `spec`, `replicas`, `most_replicas`, `model_commit` and the rest are what is wanted; `generation` is what answers now, so a change is
    rolled out by making another generation and switching to it. `task` is the code of a task with an engine of ours, or "custom". `base` is
    the model that an adapter is served with, at `base_commit`, which is empty for a model that is none.
    `asleep` says that it was stopped because nobody called it, and that the next call starts it. `error` is a code of `toolchain.runs.wording`.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DEPLOYING = "deploying", _("Deploying")
        RUNNING = "running", _("Running")
        STOPPING = "stopping", _("Stopping")
        STOPPED = "stopped", _("Stopped")
        FAILED = "failed", _("Failed")

    ACTIVE = (State.WAITING, State.DEPLOYING, State.RUNNING, State.STOPPING)
    UP = (State.WAITING, State.DEPLOYING, State.RUNNING)

    name = models.CharField(
        _("service name"),
        max_length=63,
        validators=[RegexValidator(r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", _("Use a–z, 0–9 and hyphens inside."))],
    )
    model = models.ForeignKey(Asset, null=True, on_delete=models.SET_NULL, related_name="+")
    model_name = models.CharField(max_length=200)
    model_commit = models.CharField(max_length=40)
    revision = models.CharField(max_length=200, blank=True)
    base = models.ForeignKey(Asset, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    base_commit = models.CharField(max_length=40, blank=True, default="", db_default="")
    task = models.CharField(_("inference task type"), max_length=64)
    engine = models.CharField(_("engine"), max_length=32)
    environment = models.CharField(_("base environment"), max_length=32)
    spec = models.ForeignKey(Spec, on_delete=models.PROTECT, related_name="+")
    replicas = models.PositiveSmallIntegerField(_("fewest replicas"), default=1)
    most_replicas = models.PositiveSmallIntegerField(_("most replicas"), default=1)
    limit = models.PositiveIntegerField(_("run time limit"), null=True, blank=True, help_text=_("Seconds."))
    idle_limit = models.PositiveIntegerField(_("stop when idle"), null=True, blank=True, help_text=_("Seconds without a request."))
    request_limit = models.PositiveSmallIntegerField(_("seconds for a request"), default=40)
    concurrency = models.PositiveSmallIntegerField(_("requests at once for a replica"), default=8)
    queue = models.PositiveSmallIntegerField(_("requests that may wait"), default=64)
    shared = models.BooleanField(_("open to everybody who may use the model"), default=False)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    asleep = models.BooleanField(default=False)
    generation = models.ForeignKey("Generation", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    error = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    called_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ServiceQuerySet.as_manager()

    class Meta:
        verbose_name = _("inference service")
        verbose_name_plural = _("inference services")
        constraints = [
            models.UniqueConstraint(fields=["namespace", "name"], name="service_name_once"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "deploying", "running", "stopping", "stopped", "failed"]), name="service_state"
            ),
            models.CheckConstraint(condition=Q(replicas__gte=1) & Q(most_replicas__gte=models.F("replicas")), name="service_replicas"),
        ]
        indexes = [models.Index(fields=["namespace", "-created_at"])]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"/services/{self.namespace.handle}/{self.name}"

    @property
    def active(self) -> bool:
        return self.state in self.ACTIVE

    def deploy(self) -> bool:
        """A replica got a machine."""
        return self.move(self.State.WAITING, state=self.State.DEPLOYING)

    def ready(self, generation: "Generation") -> bool:
        """A generation answers, and gets the requests from now on."""
        first = {} if self.state == self.State.RUNNING else {"started_at": timezone.now()}
        return self.move(*self.UP, state=self.State.RUNNING, generation=generation, asleep=False, error="", detail={}, **first)

    def request_stop(self, *, asleep: bool = False, error: str = "") -> bool:
        """It is to end; `asleep` until somebody calls it, `error` says why where nobody asked."""
        return self.move(*self.UP, state=self.State.STOPPING, asleep=asleep, error=error)

    def halt(self) -> bool:
        """Nothing of it runs any more."""
        return self.move(self.State.STOPPING, state=self.State.STOPPED, generation=None, ended_at=timezone.now())

    def fail(self, error: str, detail: dict[str, Any]) -> bool:
        """It cannot be run; `error` says why."""
        return self.move(*self.UP, state=self.State.FAILED, error=error, detail=detail, ended_at=timezone.now())

    def start(self) -> bool:
        """It is to run again."""
        clean: dict[str, Any] = {"asleep": False, "error": "", "detail": {}, "ended_at": None, "generation": None}
        return self.move(self.State.STOPPED, self.State.FAILED, state=self.State.WAITING, **clean)


class Generation(models.Model):
    """A service as it was wanted at one time: all its replicas are alike. Numbers count up from 1."""

    class State(models.TextChoices):
        COMING = "coming", _("Coming")
        SERVING = "serving", _("Serving")
        DRAINING = "draining", _("Draining")
        GONE = "gone", _("Gone")
        FAILED = "failed", _("Failed")

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="generations")
    number = models.PositiveIntegerField()
    model_commit = models.CharField(max_length=40)
    revision = models.CharField(max_length=200, blank=True)
    base = models.ForeignKey(Asset, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    base_commit = models.CharField(max_length=40, blank=True, default="", db_default="")
    task = models.CharField(max_length=64)
    engine = models.CharField(max_length=32)
    environment = models.CharField(max_length=32)
    spec = models.ForeignKey(Spec, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=State.choices, default=State.COMING)
    error = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    served_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["service", "number"], name="generation_once"),
            models.CheckConstraint(condition=Q(state__in=["coming", "serving", "draining", "gone", "failed"]), name="generation_state"),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} #{self.number}"


class Replica(models.Model):
    """One process of a generation; `run` is its newest attempt, `ready` whether it answers now."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="replicas")
    index = models.PositiveSmallIntegerField()
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    ready = models.BooleanField(default=False)
    wanted = models.BooleanField(default=True)
    crashes = models.PositiveSmallIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["generation", "index"]
        constraints = [models.UniqueConstraint(fields=["generation", "index"], name="replica_once")]

    def __str__(self) -> str:
        return f"{self.generation_id}.{self.index}"


class Key(models.Model):
    """A key that may call one service; only its hash is kept. `limit` is requests a minute, None for no limit of its own."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="keys")
    name = models.CharField(_("name"), max_length=64)
    prefix = models.CharField(max_length=16)
    hash = models.CharField(max_length=64, unique=True)
    limit = models.PositiveIntegerField(_("requests a minute"), null=True, blank=True)
    creator = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("service key")
        verbose_name_plural = _("service keys")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}…"


class Example(models.Model):
    """A request that somebody saved for the playground of a service."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="examples")
    name = models.CharField(_("name"), max_length=64)
    request = models.JSONField()
    creator = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["service", "name"], name="example_name_once")]

    def __str__(self) -> str:
        return self.name


class Minute(models.Model):
    """What one service did in one minute. `latencies` counts by the classes of `LATENCIES`; `milliseconds` is their sum."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="minutes")
    at = models.DateTimeField()
    requests = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    milliseconds = models.PositiveBigIntegerField(default=0)
    latencies = ArrayField(models.PositiveIntegerField(), default=list)
    first_milliseconds = models.PositiveBigIntegerField(default=0)
    first_count = models.PositiveIntegerField(default=0)
    tokens_in = models.PositiveBigIntegerField(default=0)
    tokens_out = models.PositiveBigIntegerField(default=0)
    bytes_in = models.PositiveBigIntegerField(default=0)
    bytes_out = models.PositiveBigIntegerField(default=0)
    replicas = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["service", "at"]
        constraints = [models.UniqueConstraint(fields=["service", "at"], name="minute_once")]

    def __str__(self) -> str:
        return f"{self.service_id} {self.at}"
