"""The page on which a service is put together: what was chosen so far, what there is to choose, and what is in the way."""

from functools import cached_property
from typing import Any

from django.conf import settings
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.permissions import require
from core.problems import Problem
from toolchain.calls import call_of
from toolchain.choices import CUSTOM, environment_choices, first_free, task_name
from toolchain.drafts import Draft
from toolchain.inference.adapters import Base
from toolchain.inference.forms import DeployForm, scale_of
from toolchain.inference.models import Service
from toolchain.inference.offers import Offer, offer_of
from toolchain.inference.services import PURPOSE, deploy_service
from toolchain.inference.wording import engine_name
from toolchain.models import Spec

WRITTEN = tuple(DeployForm.base_fields)
KEPT = ("model", "revision", "commit", "task", "engine", "environment", "spec", *WRITTEN, "began")
"""What the form carries."""


class Deployment(Draft[Offer, DeployForm]):
    """A service as far as it is put together."""

    purpose, verb = PURPOSE, "deploy"
    no_spec = gettext_lazy("There is no spec that this model can be served on. Ask an administrator.")

    @staticmethod
    def keeps(name: str) -> bool:
        return name in KEPT

    def offer_at(self, revision: str) -> Offer:
        return offer_of(self.user, self.model, revision)

    @property
    def revision(self) -> str:
        """The chosen branch, tag or commit."""
        return self.offer.revision.name or self.offer.commit

    @property
    def has_moved(self) -> bool:
        """Whether the revision leads to another commit than the one that was shown."""
        return self.given.get("commit", self.offer.commit) not in ("", self.offer.commit)

    @property
    def task(self) -> str:
        """The chosen inference task type, empty where there is none to choose."""
        return self.offer.task(self.given.get("task", "")) or next(iter(self.offer.tasks), "")

    @property
    def tasks(self) -> list[tuple[str, str, str, bool]]:
        """The inference task types: code, name, what that means, whether it is chosen."""
        own, built_in = _("The model's own script answers."), _("The gallery serves the model by itself.")
        return [(code, task_name(code), own if code == CUSTOM else built_in, code == self.task) for code in self.offer.tasks]

    @property
    def task_name(self) -> str:
        return task_name(self.task)

    @cached_property
    def engines(self) -> list[tuple[str, str, bool]]:
        """The engines that can serve it on the chosen spec: code, name, whether it is chosen; the one to prefer first."""
        if self.spec is None or not self.task:
            return []
        found = self.offer.engines(self.task, self.spec)
        wanted = self.given.get("engine", "")
        chosen = wanted if wanted in found else next(iter(found), "")
        return [(code, engine_name(code), code == chosen) for code in found]

    @property
    def engine(self) -> str:
        return next((code for code, _name, chosen in self.engines if chosen), "")

    @property
    def base(self) -> Base:
        """The model that an adapter is served with."""
        return self.offer.base_for(self.task)

    @property
    def engine_name(self) -> str:
        return engine_name(self.engine)

    @cached_property
    def environments(self) -> list[tuple[str, str, str]]:
        """The base environments to choose from: code, name, what it is for."""
        return environment_choices(self.offer.environments(self.task, self.engine)) if self.task else []

    def unfit(self, spec: Spec) -> str:
        return self.offer.unserved(self.task, spec) if self.task else self.offer.unfit(spec)

    @property
    def count(self) -> int:
        return self.cleaned("replicas") or 1

    @property
    def currency(self) -> str:
        return str(settings.CURRENCY)

    @cached_property
    def form(self) -> DeployForm:
        """The name, the owner and the limits."""
        usual = {"owner": self.places[0].handle if self.places else "", **scale_of(None)}
        values = {name: self.given.get(name, value) for name, value in usual.items()}
        if "began" in self.given:
            # A box that is not ticked is not sent.
            values["shared"] = self.given.get("shared", "")
        # Of others it is not told which names are taken.
        own = values["owner"] if any(place.handle == values["owner"] for place in self.places) else usual["owner"]
        values["name"] = self.given.get("name") or self.suggest(own, slugify(self.model.name)[:60])
        form = DeployForm(values, namespaces=self.places)
        form.full_clean()
        owner, name = form.cleaned_data.get("owner"), form.cleaned_data.get("name")
        if owner is not None and name and self._is_taken(owner.handle, name):
            form.add_error("name", _("Taken. Try %(name)s") % {"name": self.suggest(values["owner"], name)})
        return form

    def quiet(self) -> DeployForm:
        """Return the form without complaints about what may yet be filled; that a name is taken is said at once."""
        form = self.form
        for name in list(form.errors):
            if name != "name" or not self.given.get("name"):
                del form.errors[name]
        return form

    def suggest(self, handle: str, stem: str) -> str:
        """Return a name that begins with `stem` and is free in the namespace `handle`."""
        stem = stem.strip("-") or "service"
        rows = Service.objects.filter(namespace__handle__iexact=handle, name__istartswith=stem[:58])
        return first_free(stem, rows.values_list("name", flat=True), longest=63)

    def _is_taken(self, handle: str, name: str) -> bool:
        return Service.objects.filter(namespace__handle=handle, name__iexact=name).exists()

    @property
    def name(self) -> str:
        return str(self.form.data.get("name", ""))

    @property
    def address(self) -> str:
        """Where the service will answer."""
        owner = self.owner.handle if self.owner else ""
        return f"{settings.PUBLIC_URL}/services/{owner}/{self.name}/"

    @property
    def carried(self) -> list[tuple[str, str]]:
        """Everything that was chosen, as names and values of a form; the commit is that of the revision now."""
        pairs = {
            "model": self.model.repo_id, "revision": self.revision, "commit": self.offer.commit,
            "task": self.task, "engine": self.engine, "environment": self.environment, "spec": self.spec.code if self.spec else "",
            **{name: str(self.form.data.get(name, "")) for name in WRITTEN}, "began": "1",
        }  # fmt: skip
        return list(pairs.items())

    def check_choices(self) -> None:
        if not self.task:
            self.errors.setdefault("task", self.offer.reasons or [_("Choose an inference task type.")])

    def submit(self) -> Service:
        """Deploy the service; call it after `validate`. Raises `Problem`."""
        if self.spec is None or not self.task:
            raise Problem("service_incomplete", _("Something is not chosen yet. Go back to the settings."))
        cleaned = dict(self.form.cleaned_data)
        namespace = cleaned.pop("owner")
        require(namespace, "create_asset")
        return deploy_service(
            actor=self.user, namespace=namespace, model=self.model, task=self.task, spec=self.spec, engine=self.engine,
            environment=self.environment, revision=self.revision, **cleaned,
        )  # fmt: skip

    @property
    def request_text(self) -> str:
        """The same order as a call of REST."""
        form = self.form.data
        usual = scale_of(None)
        body: dict[str, Any] = {
            "model": self.model.repo_id, "name": self.name, "task": self.task, "spec": self.spec.code if self.spec else "",
            **{name: int(form[name]) for name in ("replicas", "most_replicas", "concurrency") if form[name] != usual[name] and str(form[name]).isdigit()},
        }  # fmt: skip
        return call_of("services", body)
