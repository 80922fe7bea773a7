"""Python environments that user code runs in."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.states import Stateful


class Environment(Stateful):
    """A folder of Python packages, named by the hash of everything it was made from.

        waiting --begin--> building --ready--> ready
                                    \\--fail--> failed --again--> waiting

    `requirements` is the text that was layered over `base`; empty for the base itself.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        BUILDING = "building", _("Being built")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    id = models.CharField(max_length=64, primary_key=True)
    base = models.CharField(max_length=32)
    requirements = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempt = models.PositiveSmallIntegerField(default=0)
    progress = models.CharField(max_length=200, blank=True)
    error = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    packages = models.JSONField(default=list, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("environment")
        verbose_name_plural = _("environments")
        constraints = [models.CheckConstraint(condition=Q(state__in=["waiting", "building", "ready", "failed"]), name="environment_state")]

    def __str__(self) -> str:
        return f"{self.base} {self.id[:12]}"

    @property
    def key(self) -> str:
        """The key of the run that builds it."""
        return f"environment-{self.id[:24]}-{self.attempt}"

    def begin(self) -> bool:
        """Begin to build; one of several callers does."""
        attempt = self.attempt + 1
        return self.move(
            self.State.WAITING, self.State.FAILED,
            state=self.State.BUILDING, attempt=attempt, error="", detail={}, progress="", used_at=timezone.now(),
        )  # fmt: skip

    def complete(self, packages: list[str], size: int) -> bool:
        """It can be used."""
        return self.move(self.State.BUILDING, state=self.State.READY, packages=packages, size=size, ended_at=timezone.now(), progress="")

    def fail(self, error: str, detail: dict[str, object]) -> bool:
        """It could not be built; `error` is a code of `toolchain.environments.wording`."""
        return self.move(self.State.BUILDING, state=self.State.FAILED, error=error, detail=detail, ended_at=timezone.now())
