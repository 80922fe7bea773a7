"""Changing a service: its version, its spec, how many replicas it has, its limits."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from assets.models import Asset
from core.problems import Missing, Problem
from toolchain.choices import RevisionChoice, SpecChoice, by_machine, revisions_of, spec_choices
from toolchain.forms import show_problem
from toolchain.inference.forms import ScaleForm, scale_of
from toolchain.inference.models import Service
from toolchain.inference.offers import Offer, offer_of
from toolchain.inference.services import SETTINGS, change_service
from toolchain.models import Spec


class Tuning:
    """Changes of `service`, which was read for `user`, as they were sent in `given`; None where nothing was sent."""

    def __init__(self, user: User, service: Service, given: Mapping[str, str] | None) -> None:
        self.user, self.service, self.given = user, service, given
        self.errors: dict[str, list[str]] = {}

    @cached_property
    def model(self) -> Asset | None:
        """The model, where the viewer may still deploy it."""
        found = Asset.objects.for_user(self.user).whole().filter(pk=self.service.model_id or 0).first()
        return found if found is not None and "deploy" in found.allowed else None

    @cached_property
    def offer(self) -> Offer | None:
        """What may be deployed of the chosen revision."""
        if self.model is None:
            return None
        try:
            return offer_of(self.user, self.model, self.revision)
        except Missing as problem:
            self.errors["revision"] = [str(problem.detail)]
            return None

    @property
    def revision(self) -> str:
        """The revision that is wanted; as it is, that which was deployed."""
        return (self.given or {}).get("revision", "") or self.service.model_commit

    @cached_property
    def revisions(self) -> list[RevisionChoice]:
        """The versions of the model to choose from; the commit that is deployed is always among them."""
        if self.model is None:
            return []
        commit = self.offer.commit if self.offer is not None else self.service.model_commit
        return revisions_of(self.model, (self.given or {}).get("revision", ""), commit)

    @cached_property
    def specs(self) -> list[SpecChoice]:
        """The specs on offer, each with why it cannot be chosen."""
        return spec_choices(self.user, (self.given or {}).get("spec", "") or self.service.spec.code, self._unfit)

    def _unfit(self, spec: Spec) -> str:
        return self.offer.unserved(self.service.task, spec) if self.offer is not None else ""

    @property
    def spec_groups(self) -> list[tuple[str, list[SpecChoice]]]:
        """The specs by kind of machine."""
        return by_machine(self.specs)

    @property
    def currency(self) -> str:
        return str(settings.CURRENCY)

    @cached_property
    def form(self) -> ScaleForm:
        """Replicas and limits."""
        return ScaleForm(self.given) if self.given is not None else ScaleForm(initial=scale_of(self.service))

    @cached_property
    def changes(self) -> dict[str, Any]:
        """What is to be different; call it after `validate`."""
        cleaned, service = self.form.cleaned_data, self.service
        found: dict[str, Any] = {name: cleaned[name] for name in SETTINGS if cleaned[name] != getattr(service, name)}
        spec = next((choice.spec for choice in self.specs if choice.chosen), None)
        if spec is not None and spec.pk != service.spec_id:
            found["spec"] = spec
        if self.model is not None and self.offer is not None and self.offer.commit != service.model_commit:
            found["revision"] = self.revision
        return found

    def validate(self) -> bool:
        """Say whether the changes can be made as far as the form can tell."""
        wanted = (self.given or {}).get("spec", "")
        if wanted and wanted != self.service.spec.code and all(choice.spec.code != wanted for choice in self.specs):
            self.errors["spec"] = [_("There is no spec of this code on offer.")]
        return self.form.is_valid() and self.offer_is_there and not self.errors

    @property
    def offer_is_there(self) -> bool:
        """Whether the chosen revision exists; true where the model cannot be reached, and so is not changed."""
        return self.model is None or self.offer is not None

    def apply(self) -> None:
        """Make the changes. Raises `Problem`."""
        if self.changes:
            change_service(service=self.service, actor=self.user, changes=self.changes)

    @property
    def done(self) -> str:
        """What is told afterwards."""
        if not self.changes:
            return _("Nothing was changed.")
        rolled = self.changes.keys() & {"spec", "revision"} and self.service.state in Service.UP
        return _("Saved. It is being rolled out; the present version answers until the new one does.") if rolled else _("Saved.")

    def add_problem(self, problem: Problem) -> None:
        """Show what was refused."""
        self.errors |= show_problem(self.form, problem)
