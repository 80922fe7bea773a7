"""The page on which a training job is put together: what was chosen so far, what there is to choose, and what is in the way."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assets.labels import Card, card
from assets.models import Asset
from assets.vocabulary import Terms
from core.permissions import require
from core.problems import Missing, Problem
from repos import reading
from toolchain.calls import call_of
from toolchain.choices import RevisionChoice, environment_choices, find_usable, revisions_of
from toolchain.drafts import Draft
from toolchain.materials import checked_output_name
from toolchain.trainer.builtin.wording import help_text, method_name
from toolchain.trainer.datasets import Check, check_of, usable_named
from toolchain.trainer.forms import TrainingForm
from toolchain.trainer.models import Training
from toolchain.trainer.offers import Offer, TaskType, offer_of
from toolchain.trainer.parameters import Method, Parameter, method_named
from toolchain.trainer.services import PURPOSE, submit_training
from toolchain.trainer.workflow.choices import Row, free_name
from toolchain.trainer.workflow.fields import KEPT, PREFIX


class Workflow(Draft[Offer, TrainingForm]):
    """A training job as far as it is put together."""

    purpose, verb = PURPOSE, "train"
    revision_field = "model_revision"
    no_spec = gettext_lazy("There is no spec that this model can be trained on. Ask an administrator.")

    @staticmethod
    def keeps(name: str) -> bool:
        return name in KEPT or name.startswith(PREFIX)

    def offer_at(self, revision: str) -> Offer:
        return offer_of(self.model, revision)

    @property
    def task(self) -> TaskType | None:
        """The chosen training task type, None where there is none to choose."""
        return self.offer.task(self.given.get("task", "")) or next(iter(self.offer.tasks), None)

    @cached_property
    def methods(self) -> tuple[Method, ...]:
        """The training methods of the task type."""
        if self.task is None:
            return ()
        try:
            return self.offer.methods(self.task.code)
        except Problem as problem:
            self.notices.append(str(problem.detail))
            return ()

    @cached_property
    def method(self) -> Method | None:
        """The chosen training method."""
        return method_named(self.methods, self.given.get("method", "")) or next(iter(self.methods), None)

    @property
    def shown(self) -> str:
        """Names the task type and the method whose hyperparameters the form shows."""
        return f"{self.task.code if self.task else ''}:{self.method.name if self.method else ''}"

    @cached_property
    def values(self) -> dict[str, str]:
        """The hyperparameters that are not removed, by name, as they were typed."""
        if self.method is None:
            return {}
        given = {name.removeprefix(PREFIX): value for name, value in self.given.items() if name.startswith(PREFIX)}
        if self.given.get("shown") == self.shown:
            return {each.name: given.get(each.name, "") for each in self.method.parameters if each.required or each.name in given}
        # Another method: what was changed and means something here as well is kept, and so is what was typed here before.
        task, _colon, name = self.given.get("shown", "").partition(":")
        before = self._before(task, name)
        usual = before.defaults if before else {}
        changed = {name: value for name, value in given.items() if value.strip() and value != usual.get(name, "")}
        return self.method.defaults | {name: changed[name] for name in self.method.defaults.keys() & changed.keys()}

    def _before(self, task: str, name: str) -> Method | None:
        try:
            return method_named(self.offer.methods(task), name) if self.offer.task(task) else None
        except Problem:
            return None

    @property
    def rows(self) -> list[Row]:
        """The hyperparameters in the form."""
        errors = {name.removeprefix("parameters."): messages[0] for name, messages in self.errors.items() if name.startswith("parameters.")}
        known = self.method.parameters if self.method else ()
        return [
            Row(each, self.values[each.name], errors.get(each.name, ""), help_text(each.name, each.help) if self.is_built_in else each.help)
            for each in known
            if each.name in self.values
        ]

    @property
    def stash(self) -> list[tuple[str, str]]:
        """What was typed for other methods, so that whoever comes back to them finds it again."""
        known = self.method.defaults if self.method else {}
        return [pair for pair in self.given.items() if pair[0].startswith(PREFIX) and pair[0].removeprefix(PREFIX) not in known]

    @property
    def removed(self) -> list[Parameter]:
        """The hyperparameters that can be added again."""
        return [each for each in self.method.parameters if each.name not in self.values] if self.method else []

    @cached_property
    def environments(self) -> list[tuple[str, str, str]]:
        """The base environments to choose from: code, name, what it is for."""
        return environment_choices(self.offer.environments(self.task.code)) if self.task else []

    @property
    def is_built_in(self) -> bool:
        """Whether the gallery trains the task type by itself."""
        return self.task is not None and self.task.mode == "built_in"

    @property
    def source(self) -> str:
        """Where the hyperparameters come from."""
        return _("of the gallery's own training") if self.is_built_in else _("from train_params.json")

    @property
    def method_choices(self) -> list[tuple[str, str, bool]]:
        """The training methods: value, name, whether it is chosen."""
        return [(each.name, method_name(each.name) if self.is_built_in else each.name, each == self.method) for each in self.methods]

    @property
    def method_name(self) -> str:
        """What the chosen method is called."""
        return next((name for _value, name, chosen in self.method_choices if chosen), "")

    @cached_property
    def requirements(self) -> SafeString | None:
        """What the task type asks of a dataset, as HTML."""
        if self.task is None:
            return None
        try:
            return self.offer.requirements(self.task.code)
        except Problem as problem:
            self.notices.append(str(problem.detail))
            return None

    @cached_property
    def dataset(self) -> Asset | None:
        """The chosen dataset, None while there is none."""
        return usable_named(self.user, "dataset", self.given.get("dataset") or self.given.get("words", ""))

    @cached_property
    def dataset_card(self) -> Card | None:
        return card(self.dataset, Terms.load()) if self.dataset else None

    @cached_property
    def found(self) -> list[Asset]:
        """The datasets that the typed words may mean."""
        return find_usable(self.user, "dataset", self.given.get("words", "")) if self.dataset is None else []

    @cached_property
    def dataset_revision(self) -> reading.Revision | None:
        """The chosen revision of the dataset."""
        if self.dataset is None:
            return None
        try:
            return reading.resolve(self.dataset.open_repository(), self.given.get("dataset_revision", ""))
        except Missing as problem:
            self.errors.setdefault("dataset_revision", [str(problem.detail)])
            return reading.resolve(self.dataset.open_repository())

    @cached_property
    def dataset_revisions(self) -> list[RevisionChoice]:
        """The branches and tags of the dataset."""
        chosen = self.dataset_revision
        return revisions_of(self.dataset, chosen.name, chosen.commit.sha) if self.dataset and chosen else []

    @cached_property
    def check(self) -> Check | None:
        """What the dataset is to the task, None where that cannot be told beforehand."""
        if self.dataset is None or self.task is None or self.dataset_revision is None:
            return None
        subset = self.values.get("subset", "").strip()
        return check_of(self.dataset, self.dataset_revision.name if self.given.get("dataset_revision") else "", self.task.code, subset)

    @cached_property
    def form(self) -> TrainingForm:
        """The names and the run time limit."""
        usual = {
            "owner": self.places[0].handle if self.places else "",
            "output_name": self._free_name(),
            "name": "",
            "limit": "",
        }
        return TrainingForm({name: self.given.get(name, value) for name, value in usual.items()}, namespaces=self.places)

    def quiet(self) -> TrainingForm:
        """Return the form without complaints about what may yet be filled."""
        return TrainingForm(initial=dict(self.form.data), namespaces=self.places)

    def _free_name(self) -> str:
        stem = f"{self.model.name[:80]}-{slugify(self.method.name) or 'tuned' if self.method else 'tuned'}"[:91].rstrip("-.")
        return free_name(self.user, self.places[0], stem) if self.places else stem

    def remove(self, name: str) -> None:
        """Leave a hyperparameter out."""
        kept = {key: value for key, value in self.values.items() if key != name or self._required(key)}
        self._keep(kept)

    def add(self, name: str) -> None:
        """Take a hyperparameter in again, with its default."""
        defaults = self.method.defaults if self.method else {}
        self._keep(self.values | ({name: defaults[name]} if name in defaults else {}))

    def reset(self) -> None:
        """Give every hyperparameter its default again."""
        self._keep(self.method.defaults if self.method else {})

    def _required(self, name: str) -> bool:
        return any(each.name == name and each.required for each in self.method.parameters) if self.method else False

    def _keep(self, values: Mapping[str, str]) -> None:
        known = self.method.defaults if self.method else {}
        vars(self)["values"] = {name: values[name] for name in known if name in values}

    @property
    def carried(self) -> list[tuple[str, str]]:
        """Everything that was chosen, as names and values of a form; the revisions as commits, so that what is confirmed is what runs."""
        form = self.form.data
        pairs = {
            "model": self.model.repo_id,
            "clone": self.given.get("clone", ""),
            "model_revision": self.offer.commit,
            "task": self.task.code if self.task else "",
            "method": self.method.name if self.method else "",
            "shown": self.shown,
            "dataset": self.dataset.repo_id if self.dataset else "",
            "dataset_revision": self.dataset_revision.commit.sha if self.dataset_revision else "",
            "environment": self.environment,
            "spec": self.spec.code if self.spec else "",
            **{name: str(form.get(name, "")) for name in ("owner", "output_name", "name", "limit")},
        }
        return [*pairs.items(), *((f"{PREFIX}{name}", value) for name, value in self.values.items())]

    def check_choices(self) -> None:
        errors = self.errors
        if self.task is None or self.method is None:
            errors.setdefault("task", self.offer.reasons or self.notices or [_("Choose a training task type.")])
        else:
            _good, bad = self.offer.checked(self.task.code, self.method, self.values)
            errors |= {f"parameters.{name}": [sentence] for name, sentence in bad.items()}
        if self.dataset is None:
            errors["dataset"] = [
                _("You have no dataset of this name to use. Choose one of those below, or search again.")
                if self.given.get("words") or self.given.get("dataset")
                else _("Choose a dataset.")
            ]
        elif self.dataset_revision is not None and self.check is not None and self.check.objections:
            errors["dataset"] = [_("This dataset does not have the form that the training reads. See what is in the way below.")]

    def check_names(self) -> None:
        cleaned = self.form.cleaned_data
        try:
            checked_output_name(actor=self.user, namespace=cleaned["owner"], name=cleaned["output_name"])
        except Problem as problem:
            self.form.add_problem(problem)

    def submit(self, *, cloned_from: Training | None) -> Training:
        """Make the job; call it after `validate`. Raises `Problem`."""
        task, method, dataset, spec, chosen = self.task, self.method, self.dataset, self.spec, self.dataset_revision
        if task is None or method is None or dataset is None or spec is None or chosen is None:
            raise Problem("training_incomplete", _("Something is not chosen yet. Go back to the settings."))
        cleaned = self.form.cleaned_data
        require(cleaned["owner"], "create_asset")
        good, _bad = self.offer.checked(task.code, method, self.values)
        return submit_training(
            actor=self.user, namespace=cleaned["owner"], model=self.model, model_revision=self.offer.commit, dataset=dataset,
            dataset_revision=chosen.commit.sha, task=task.code, method=method.name, parameters=good, environment=self.environment,
            spec=spec, limit=cleaned["limit"], output_name=cleaned["output_name"], name=cleaned["name"], cloned_from=cloned_from,
        )  # fmt: skip

    @property
    def request_text(self) -> str:
        """The same order as a call of REST."""
        body: dict[str, Any] = {
            "model": self.model.repo_id,
            "dataset": self.dataset.repo_id if self.dataset else "",
            "task": self.task.code if self.task else "",
            "method": self.method.name if self.method else "",
            "spec": self.spec.code if self.spec else "",
            "output_name": self.form.data.get("output_name", ""),
            "hyperparameters": {row.parameter.name: row.value for row in self.rows if row.changed},
        }
        return call_of("training-jobs", body)
