"""What is put together on a page before it is ordered: the part that a training job and a service share."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Generic, Self, TypeVar

from django.utils.translation import gettext as _

from accounts.models import Namespace, User
from assets.forms.assets import OwnerForm
from assets.labels import Card, card
from assets.models import Asset
from assets.places import places_for
from assets.vocabulary import Terms
from core.problems import Missing, Problem
from toolchain.choices import RevisionChoice, SpecChoice, by_machine, revisions_of, spec_choices
from toolchain.compute.limits import Order, order_of
from toolchain.forms import show_problem
from toolchain.models import Spec
from toolchain.offering import Offering, have_read

T = TypeVar("T", bound=Offering)
F = TypeVar("F", bound=OwnerForm)


class Draft(ABC, Generic[T, F]):
    """A run of `model`, which was read for `user`, as far as it is put together in `given`, the texts of the page's form by name.

    `errors` are sentences by the name of what they are about, those of names and limits are in `form`; `notices` are about the whole.
    """

    purpose: ClassVar[str]
    """That of its runs."""
    verb: ClassVar[str]
    """What somebody must be allowed to do with the model."""
    revision_field: ClassVar[str] = "revision"
    no_spec: ClassVar[Any]
    """What is said where there is no spec to choose."""

    def __init__(self, user: User, model: Asset, given: Mapping[str, str]) -> None:
        self.user, self.model = user, model
        self.given = {name: str(value) for name, value in given.items() if self.keeps(name)}
        self.errors: dict[str, list[str]] = {}
        self.notices: list[str] = []
        self.offer = self._offer()

    @staticmethod
    @abstractmethod
    def keeps(name: str) -> bool:
        """Say whether `name` is one of the form's."""

    @abstractmethod
    def offer_at(self, revision: str) -> T:
        """Return what may be done with a revision of the model. Raises `Missing`."""

    def _offer(self) -> T:
        try:
            return self.offer_at(self.given.get(self.revision_field, ""))
        except Missing as problem:
            self.errors[self.revision_field] = [str(problem.detail)]
            return self.offer_at("")

    def have_read(self) -> Self:
        """Have the files of the chosen revision read, and return the draft as it is then; `notices` say what is in the way."""
        try:
            have_read(offering=self.offer, actor=self.user, verb=self.verb)
        except Problem as problem:
            self.notices.append(str(problem.detail))
            return self
        return type(self)(self.user, self.model, self.given)

    @cached_property
    def card(self) -> Card:
        return card(self.model, Terms.load())

    @cached_property
    def revisions(self) -> list[RevisionChoice]:
        """The branches and tags of the model, and the commit that is chosen where it is none of their heads."""
        return revisions_of(self.model, self.offer.revision.name, self.offer.commit)

    @property
    @abstractmethod
    def environments(self) -> Sequence[tuple[str, str, str]]:
        """The base environments to choose from: code, name, what it is for."""

    @property
    def environment(self) -> str:
        """The chosen base environment."""
        known = [code for code, _name, _hint in self.environments]
        wanted = self.given.get("environment", "")
        return wanted if wanted in known else next(iter(known), "")

    @cached_property
    def specs(self) -> list[SpecChoice]:
        """The specs on offer, each with why it cannot be chosen."""
        return spec_choices(self.user, self.given.get("spec", ""), self.unfit)

    def unfit(self, spec: Spec) -> str:
        """Return why a spec cannot be chosen, empty where it can."""
        return self.offer.unfit(spec)

    @property
    def spec_groups(self) -> list[tuple[str, list[SpecChoice]]]:
        """The specs by kind of machine."""
        return by_machine(self.specs)

    @property
    def spec_choice(self) -> SpecChoice | None:
        return next((choice for choice in self.specs if choice.chosen), None)

    @property
    def spec(self) -> Spec | None:
        """The chosen spec."""
        return self.spec_choice.spec if self.spec_choice is not None else None

    @cached_property
    def order(self) -> Order | None:
        """What it costs, and what is left."""
        if self.spec is None or self.owner is None:
            return None
        return order_of(self.owner, self.spec, self.cleaned("limit"), purpose=self.purpose, count=self.count)

    @property
    def count(self) -> int:
        """How many runs it begins with."""
        return 1

    @cached_property
    def places(self) -> list[Namespace]:
        """The namespaces that may own it."""
        return places_for(self.user)

    @property
    @abstractmethod
    def form(self) -> F:
        """The names and the limits."""

    def cleaned(self, name: str) -> int | None:
        """Return the number in a field of the form, None while it holds none."""
        found: int | None = self.form.cleaned_data.get(name) if not self.form.errors.get(name) else None
        return found

    @property
    def owner(self) -> Namespace | None:
        """The namespace that is to own it."""
        handle = self.form.data.get("owner", "")
        return next((place for place in self.places if place.handle == handle), self.places[0] if self.places else None)

    def validate(self) -> bool:
        """Say whether it can be ordered; `errors` and the form say what is in the way."""
        if (given := self.given.get("task")) and self.offer.tasks and self.offer.task(given) is None:
            self.errors["task"] = [_("This task type is not offered for this version any more. Choose another one.")]
        self.check_choices()
        choice = self.spec_choice
        if choice is None:
            self.errors["spec"] = [str(self.no_spec)]
        elif choice.reason:
            self.errors["spec"] = [choice.reason]
        if self.form.is_valid():
            self.check_names()
            if self.order is not None and choice is not None and not choice.reason:
                self._object(self.order)
        return not self.errors and self.form.is_valid()

    @abstractmethod
    def check_choices(self) -> None:
        """Put what is wrong with the choices into `errors`."""

    def check_names(self) -> None:
        """Put what is wrong with the names of a valid form into it."""

    def _object(self, order: Order) -> None:
        for objection in order.objections:
            if objection.code == "limit_above_hours":
                self.form.add_error("limit", objection.sentence)
            else:
                self.errors.setdefault("spec", []).append(objection.sentence)

    def add_problem(self, problem: Problem) -> None:
        """Show what was refused."""
        self.errors |= show_problem(self.form, problem)
