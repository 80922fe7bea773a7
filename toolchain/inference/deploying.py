"""The page on which a service is put together: what was chosen so far, what there is to choose, and what is in the way."""

import json
from collections.abc import Mapping
from functools import cached_property
from itertools import count
from typing import Any

from django.conf import settings
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.models import Namespace, User
from assets.labels import Card, card
from assets.models import Asset
from assets.places import places_for
from assets.vocabulary import Terms
from core.permissions import require
from core.problems import Missing, Problem
from toolchain.choices import CUSTOM, RevisionChoice, SpecChoice, by_machine, environment_choices, revisions_of, spec_choices, task_name
from toolchain.compute.limits import Order, fits, order_of
from toolchain.inference.forms import DeployForm, scale_of
from toolchain.inference.models import Service
from toolchain.inference.offers import Offer, offer_of
from toolchain.inference.services import PURPOSE, deploy_service
from toolchain.inference.wording import engine_name
from toolchain.models import Spec

CHOSEN = ("model", "revision", "commit", "task", "engine", "environment", "spec")
WRITTEN = tuple(DeployForm.base_fields)


class Deployment:
    """A service of `model`, which was read for `user`, as far as it is put together in `given`, the texts of the form by name."""

    def __init__(self, user: User, model: Asset, given: Mapping[str, str]) -> None:
        self.user, self.model = user, model
        self.given = {name: str(value) for name, value in given.items() if name in (*CHOSEN, *WRITTEN, "began")}
        self.errors: dict[str, list[str]] = {}
        self.notices: list[str] = []
        self.offer = self._offer()

    def _offer(self) -> Offer:
        try:
            return offer_of(self.model, self.given.get("revision", ""))
        except Missing as problem:
            self.errors["revision"] = [str(problem.detail)]
            return offer_of(self.model)

    # --- what is deployed ---

    @cached_property
    def card(self) -> Card:
        return card(self.model, Terms.load())

    @cached_property
    def revisions(self) -> list[RevisionChoice]:
        """The branches and tags of the model, and the commit that is chosen where it is none of their heads."""
        return revisions_of(self.model, self.offer.revision.name, self.offer.commit)

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
    def engine_name(self) -> str:
        return engine_name(self.engine)

    @cached_property
    def environments(self) -> list[tuple[str, str, str]]:
        """The base environments to choose from: code, name, what it is for."""
        return environment_choices(self.offer.environments(self.task, self.engine)) if self.task else []

    @property
    def environment(self) -> str:
        """The chosen base environment."""
        known = [code for code, _name, _hint in self.environments]
        wanted = self.given.get("environment", "")
        return wanted if wanted in known else next(iter(known), "")

    # --- compute ---

    @cached_property
    def specs(self) -> list[SpecChoice]:
        """The specs on offer, each with why it cannot be chosen."""
        return spec_choices(self.user, self.given.get("spec", ""), self._unfit)

    def _unfit(self, spec: Spec) -> str:
        if below := fits(spec, self.offer.minimum) or self.offer.unfit(spec):
            return below
        if self.task and not self.offer.engines(self.task, spec):
            return _("No engine serves this model on this spec.")
        return ""

    @property
    def spec_groups(self) -> list[tuple[str, list[SpecChoice]]]:
        """The specs by kind of machine."""
        return by_machine(self.specs)

    @property
    def spec(self) -> Spec | None:
        """The chosen spec."""
        return next((choice.spec for choice in self.specs if choice.chosen), None)

    @cached_property
    def order(self) -> Order | None:
        """What the service costs with the fewest replicas, and what is left."""
        if self.spec is None or self.owner is None:
            return None
        return order_of(self.owner, self.spec, self._cleaned("limit"), purpose=PURPOSE, count=self._cleaned("replicas") or 1)

    @property
    def currency(self) -> str:
        return str(settings.CURRENCY)

    # --- names and limits ---

    @cached_property
    def places(self) -> list[Namespace]:
        """The namespaces that may own the service."""
        return places_for(self.user)

    @cached_property
    def form(self) -> DeployForm:
        """The name, the owner and the limits."""
        usual = {"owner": self.places[0].handle if self.places else "", **scale_of(None)}
        values = {name: self.given.get(name, value) for name, value in usual.items()}
        if "began" in self.given:
            # A box that is not ticked is not sent.
            values["shared"] = self.given.get("shared", "")
        values["name"] = self.given.get("name") or self.suggest(values["owner"], slugify(self.model.name)[:60])
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

    def _cleaned(self, name: str) -> int | None:
        found: int | None = self.form.cleaned_data.get(name) if not self.form.errors.get(name) else None
        return found

    def suggest(self, handle: str, stem: str) -> str:
        """Return a name that begins with `stem` and is free in the namespace `handle`."""
        stem = stem.strip("-") or "service"
        rows = Service.objects.filter(namespace__handle__iexact=handle, name__istartswith=stem)
        taken = {name.lower() for name in rows.values_list("name", flat=True)}
        numbered = (f"{stem[:58]}-{number}" for number in count(2))
        return stem if stem.lower() not in taken else next(name for name in numbered if name.lower() not in taken)

    def _is_taken(self, handle: str, name: str) -> bool:
        return Service.objects.filter(namespace__handle=handle, name__iexact=name).exists()

    @property
    def owner(self) -> Namespace | None:
        """The namespace that is to own the service."""
        handle = self.form.data.get("owner", "")
        return next((place for place in self.places if place.handle == handle), self.places[0] if self.places else None)

    @property
    def name(self) -> str:
        return str(self.form.data.get("name", ""))

    @property
    def address(self) -> str:
        """Where the service will answer."""
        owner = self.owner.handle if self.owner else ""
        return f"{settings.PUBLIC_URL}/services/{owner}/{self.name}/"

    # --- what is done with it ---

    @property
    def carried(self) -> list[tuple[str, str]]:
        """Everything that was chosen, as names and values of a form; the commit is that of the revision now."""
        pairs = {
            "model": self.model.repo_id, "revision": self.revision, "commit": self.offer.commit,
            "task": self.task, "engine": self.engine, "environment": self.environment, "spec": self.spec.code if self.spec else "",
            **{name: str(self.form.data.get(name, "")) for name in WRITTEN}, "began": "1",
        }  # fmt: skip
        return list(pairs.items())

    def validate(self) -> bool:
        """Say whether the service can be ordered; `errors` and the form say what is in the way."""
        errors = self.errors
        if not self.task:
            errors.setdefault("task", self.offer.reasons or [_("Choose an inference task type.")])
        if (given := self.given.get("task")) and self.offer.tasks and self.offer.task(given) is None:
            errors["task"] = [_("This task type is not offered for this version any more. Choose another one.")]
        choice = next((choice for choice in self.specs if choice.chosen), None)
        if choice is None:
            errors["spec"] = [_("There is no spec that this model can be served on. Ask an administrator.")]
        elif choice.reason:
            errors["spec"] = [choice.reason]
        if self.form.is_valid() and self.order is not None and choice is not None and not choice.reason:
            for objection in self.order.objections:
                if objection.code == "limit_above_hours":
                    self.form.add_error("limit", objection.sentence)
                else:
                    errors.setdefault("spec", []).append(objection.sentence)
        return not errors and self.form.is_valid()

    def add_problem(self, problem: Problem) -> None:
        """Show what the service refused."""
        self.form.add_problem(problem)
        named = {name: [str(each) for each in messages] for name, messages in problem.errors.items()}
        self.errors |= {name: messages for name, messages in named.items() if name not in self.form.fields}

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
        text = json.dumps(body, ensure_ascii=False, indent=2).replace("'", "'\\''")
        return " \\\n  ".join(
            [
                f"curl -X POST {settings.PUBLIC_URL}/api/v1/services",
                '-H "Authorization: Bearer $GALLERY_TOKEN"',
                '-H "Content-Type: application/json"',
                f"-d '{text}'",
            ]
        )
