"""The pages of one service: what every one of them shows, and its playground."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from accounts.models import AuditEvent
from assets.models import Asset
from core import logs
from core.terminal import Painter
from toolchain.choices import ENVIRONMENT_NAMES, task_name
from toolchain.inference.engines import ANSWERS, GENERATION
from toolchain.inference.finding import generations_of, replicas_of
from toolchain.inference.models import WANTED, Example, Generation, Key, Replica, Service
from toolchain.inference.wording import (
    ACTS,
    GENERATION_MARKS,
    doing,
    engine_name,
    failure,
    is_custom,
    mark_of,
    replica_status,
    status_of,
    step_of,
)
from toolchain.metrics.rows import log_of
from toolchain.models import Run
from toolchain.runs.queue import place_of
from toolchain.runs.reading import last_lines
from toolchain.runs.wording import sentence

State = Service.State
LAST_LINES = 20
MOST_EVENTS = 30
MOST_ATTEMPTS = 10


class ServicePage:
    """Everything about `service`, which was read for `user`; `given` are the parameters of the address, `tab` the page that is shown."""

    def __init__(self, user: Any, service: Service, given: Any, tab: str = "playground") -> None:
        self.user, self.service, self.given, self.tab = user, service, given, tab

    @property
    def is_member(self) -> bool:
        """Whether the viewer belongs to its owner; others may only call it."""
        return "view" in self.service.allowed

    @cached_property
    def _all(self) -> list[Replica]:
        return replicas_of(self.service)

    @property
    def replicas(self) -> list[Replica]:
        """The replicas of what is not over, those of the newest generation first."""
        return [replica for replica in self._all if replica.generation.state not in ("gone", "failed")]

    @property
    def newest(self) -> list[Replica]:
        """The replicas of the newest generation."""
        return [row for row in self._all if row.generation_id == self._all[0].generation_id]

    @property
    def ready(self) -> int:
        """How many replicas answer."""
        return sum(replica.ready for replica in self.replicas if replica.generation_id == self.service.generation_id)

    @property
    def mark(self) -> str:
        return mark_of(self.service, self.ready)

    @property
    def status(self) -> str:
        return status_of(self.service, self.ready)

    @property
    def live(self) -> bool:
        """Whether it changes by itself."""
        return self.service.active or self.service.asleep

    @cached_property
    def sentence(self) -> str:
        """What it does now or waits for, or why it stands still."""
        place = min((place_of(row.run) for row in self.newest if row.run is not None and row.run.state == Run.State.WAITING), default=0)
        return doing(self.service, self.newest, place)

    @property
    def failure(self) -> str:
        """Why it failed, or why its newest version did."""
        return failure(self.service) if self.service.state in (State.FAILED, State.RUNNING) else ""

    @property
    def rolled_back(self) -> int | None:
        """The number of the version that could not be started while the one before it goes on answering."""
        number = self.service.detail.get("rolled_back") if self.service.state == State.RUNNING else None
        return number if isinstance(number, int) else None

    @cached_property
    def last_lines(self) -> SafeString | None:
        """The end of the log of what failed."""
        if not self.failure:
            return None
        run = self._failed_run
        if run is None:
            return None
        painter = Painter()
        lines = [str(painter.paint(line)) for line in last_lines(run, LAST_LINES).splitlines()]
        return mark_safe("\n".join(lines)) if lines else None

    @property
    def _failed_run(self) -> Run | None:
        rows = [row.run for row in self._all if row.run is not None and row.run.over and row.run.error]
        return next(iter(rows), None)

    @cached_property
    def coming(self) -> tuple[Generation, str] | None:
        """The generation that is being rolled out while another one answers, and what it does; None without one."""
        newest = next(iter(self.newest), None)
        if self.service.state != State.RUNNING or newest is None or newest.generation_id == self.service.generation_id:
            return None
        if newest.generation.state != Generation.State.COMING:
            return None
        behind = next((row.run for row in self.newest if not row.ready), newest.run)
        return newest.generation, step_of(behind)

    @cached_property
    def model(self) -> Asset | None:
        """The model, where the viewer may see it."""
        return self._visible(self.service.model_id)

    @cached_property
    def base_model(self) -> Asset | None:
        """The model that an adapter is served with, where the viewer may see it."""
        return self._visible(self.service.base_id)

    def _visible(self, asset_id: int | None) -> Asset | None:
        rows = Asset.objects.for_user(self.user).filter(pk=asset_id) if asset_id else Asset.objects.none()
        return rows.select_related("namespace").first()

    @property
    def version(self) -> str:
        """The revision that was chosen, and its commit."""
        commit = self.service.model_commit[:7]
        return commit if self.service.revision in ("", self.service.model_commit) else f"{self.service.revision} ({commit})"

    @property
    def task(self) -> str:
        return task_name(self.service.task)

    @property
    def engine(self) -> str:
        return engine_name(self.service.engine)

    @property
    def environment(self) -> str:
        return str(ENVIRONMENT_NAMES.get(self.service.environment, self.service.environment))

    @property
    def currency(self) -> str:
        return str(settings.CURRENCY)

    @property
    def replica_lines(self) -> list[tuple[Replica, str, str, str, float | None]]:
        """The replicas that are there, each with its mark, its state, what it does, and for how many seconds it has run."""
        found = []
        for replica in self.replicas:
            mark, status = replica_status(replica)
            began = replica.run.started_at if replica.run is not None and not replica.run.over else None
            seconds = (timezone.now() - began).total_seconds() if began is not None else None
            found.append((replica, mark, status, "" if replica.ready else step_of(replica.run), seconds))
        return found

    @cached_property
    def versions(self) -> list[tuple[Generation, str, str, bool]]:
        """Its generations, the newest first, each with its mark, why it failed, and whether it can be gone back to."""
        rows = list(generations_of(self.service)[:100])
        may = "configure" in self.service.allowed
        current = {name: getattr(self.service, name) for name in WANTED}
        return [
            (
                row,
                GENERATION_MARKS[row.state],
                sentence(row.error, row.detail) if row.error else "",
                may and row.served_at is not None and any(getattr(row, name) != value for name, value in current.items()),
            )
            for row in rows
        ]

    @cached_property
    def events(self) -> list[tuple[AuditEvent, str]]:
        """What was done to it, the newest first, in words."""
        rows = AuditEvent.objects.filter(target_kind="service", target_id=str(self.service.pk)).order_by("-pk")[:MOST_EVENTS]
        return [(row, str(ACTS.get(row.verb, row.verb))) for row in rows]

    @cached_property
    def keys(self) -> list[Key]:
        """Its keys, the newest first."""
        return list(self.service.keys.select_related("creator"))

    @cached_property
    def examples(self) -> list[Example]:
        """The requests that were saved, by name."""
        return list(self.service.examples.all())

    @cached_property
    def logged(self) -> list[tuple[Replica, Run]]:
        """The replicas with a log: the newest generation first, and of each its newest attempts."""
        rows = self._all
        runs: dict[int, list[Run]] = {}
        wanted = Run.objects.filter(purpose="service", target__in=[row.pk for row in rows]).select_related("spec", "node")
        for run in wanted.order_by("-attempt"):
            known = runs.setdefault(run.target, [])
            if len(known) < MOST_ATTEMPTS:
                known.append(run)
        return [(row, run) for row in rows for run in runs.get(row.pk, [])]

    def run_of(self, replica: int, attempt: int) -> tuple[Replica, Run] | None:
        """Return a run of the service by its replica and attempt."""
        return next(((row, run) for row, run in self.logged if (row.pk, run.attempt) == (replica, attempt)), None)

    def log(self, run: Run) -> logs.Log:
        """Return the log of one of its runs."""
        return log_of(run, int(run.exit.get("dropped", 0) or 0))

    @property
    def kind(self) -> str:
        """What the playground is: chat, answers or custom."""
        return {GENERATION: "chat", ANSWERS: "answers"}.get(self.service.task, "custom")

    @property
    def mode(self) -> str:
        """How a text is asked for: in a conversation, or as the continuation of a text."""
        return "completion" if self.given.get("mode") == "completion" else "chat"

    @property
    def is_custom(self) -> bool:
        return is_custom(self.service)

    @property
    def unavailable(self) -> str:
        """Why calls are not answered now, empty where they are or where the next one wakes it."""
        service = self.service
        if service.state == State.RUNNING or service.asleep:
            return ""
        if service.state in (State.WAITING, State.DEPLOYING):
            return _("The service is not ready yet. Calls wait up to a minute for it.")
        return _("The service does not run, so calls are refused.")

    @property
    def words(self) -> dict[str, str]:
        """What the scripts of the playground say."""
        return {
            "writing": _("Writing"),
            "waiting": _("Waiting for the first word"),
            "you": _("You"),
            "stopped": _("Stopped"),
            "first": _("first token %(seconds)s s"),
            "rate": _("%(rate)s tokens/s"),
            "tokens": _("%(count)s tokens"),
            "failed": _("The answer could not be fetched. Check the connection and try again."),
            "cut": _("The answer broke off. Generate it again."),
            "copy": _("Copy answer"),
            "again": _("Generate again"),
            "system": _("System prompt"),
            "json": _("Not valid JSON: %(reason)s"),
            "object": _("Parameters belong in an object with “inputs” and “parameters”."),
            "file": _("Choose a file first."),
            "large": _("The file is larger than %(size)s."),
            "took": _("%(seconds)s s"),
            "bytes": _("%(count)s bytes"),
            "image": _("Image %(number)s of the answer"),
            "none": _("No answer was found in the text."),
            "score": _("Certainty %(share)s%%"),
            "default": _("Default: %(value)s"),
            "nothing": _("Its call takes no parameters beside the inputs."),
            "unsaved": _("Only requests with JSON can be saved."),
        }

    def address(self, page: str, *more: Any) -> str:
        return reverse(f"inference:{page}", args=[self.service.namespace.handle, self.service.name, *more])

    @property
    def url(self) -> str:
        return self.service.get_absolute_url()

    @property
    def base(self) -> str:
        """The path below which the service itself answers."""
        return f"{self.url}/"

    @property
    def endpoint(self) -> str:
        """The address that programs call."""
        return f"{settings.PUBLIC_URL}{self.url}"

    @property
    def state_url(self) -> str:
        return f"{self.address('state')}?tab={self.tab}"

    @property
    def api_url(self) -> str:
        return self.address("api")

    @property
    def most_body(self) -> int:
        """Bytes that a request may have."""
        return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)

    @property
    def settings_url(self) -> str:
        return self.address("settings")

    @property
    def metrics_url(self) -> str:
        return self.address("metrics")

    @property
    def logs_url(self) -> str:
        return self.address("logs")

    @property
    def tabs(self) -> Sequence[dict[str, Any]]:
        """The pages of the service that the viewer may see."""
        entries = [
            ("playground", _("Playground"), "message", self.url, True),
            ("metrics", _("Metrics"), "chart-line", self.address("metrics"), self.is_member),
            ("api", _("API"), "code", self.address("api"), True),
            ("logs", _("Logs"), "terminal-2", self.address("logs"), self.is_member),
            ("versions", _("Events"), "history", self.address("versions"), self.is_member),
            ("settings", _("Settings"), "settings", self.address("settings"), "configure" in self.service.allowed),
        ]
        return [
            {"text": text, "icon": icon, "address": address, "current": code == self.tab, "count": 0, "push": False}
            for code, text, icon, address, shown in entries
            if shown
        ]

    @property
    def pigment(self) -> str:
        """The colour of its plate."""
        return {"chat": "azurite", "answers": "malachite"}.get(self.kind, "ochre")
