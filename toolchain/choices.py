"""What there is to choose for a training job and for a service alike: models, versions, specs, environments."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

from django.db.models import Case, IntegerField, Q, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.people import LONGEST
from assets.models import Asset, Term
from assets.vocabulary import Terms
from core.problems import Invalid
from repos import reading
from toolchain.models import Spec

MOST = 8
CUSTOM = "custom"
"""The task type of models that bring scripts or an image of their own."""
IMAGE = "image"
"""The environment of a model that brings an image of its own."""
_MACHINES: Mapping[str, Any] = {"": "CPU", "gpu": "GPU", "npu": "NPU"}
ENVIRONMENT_NAMES: Mapping[str, Any] = {
    "current": gettext_lazy("Current"),
    "compatible": gettext_lazy("Compatible"),
    "vllm": "vLLM",
    IMAGE: gettext_lazy("Image of the model"),
}
ENVIRONMENT_HINTS: Mapping[str, Any] = {
    "current": gettext_lazy("The newest versions of PyTorch and transformers."),
    "compatible": gettext_lazy("For scripts written for PyTorch 2.0 and transformers 4."),
}


@dataclass(frozen=True)
class SpecChoice:
    """A spec to choose; `reason` says why not."""

    spec: Spec
    chosen: bool
    reason: str


@dataclass(frozen=True)
class RevisionChoice:
    """A branch, tag or commit to choose."""

    value: str
    text: str
    chosen: bool


def revisions_of(asset: Asset, name: str, commit: str) -> list[RevisionChoice]:
    """Return the branches and tags of an asset; that of this name is chosen, else one with `commit` as its head, else the commit itself."""
    repository = asset.open_repository()
    refs = [*reading.branches(repository), *reading.tags(repository)]
    named = next((ref for ref in refs if ref.short == name), None) or next((ref for ref in refs if ref.commit == commit), None)
    found = [RevisionChoice(ref.short, f"{ref.short} ({ref.commit[:7]})", ref == named) for ref in refs]
    return found if named is not None else [RevisionChoice(commit, commit[:7], True), *found]


def spec_named(user: Any, code: str) -> Spec:
    """Return the spec of this code that is on offer. Raises `Invalid`."""
    found: Spec | None = Spec.objects.for_user(user).offered().filter(code=code).first()
    if found is None:
        raise Invalid({"spec": [_("There is no spec of this code on offer.")]})
    return found


def spec_choices(user: Any, given: str, reason_of: Callable[[Spec], str]) -> list[SpecChoice]:
    """Return the specs on offer, each with why it cannot be chosen; the one with the code `given` is chosen, else the first that can be."""
    found = [(spec, reason_of(spec) or (_("Sold out.") if spec.sold_out else "")) for spec in Spec.objects.for_user(user).offered()]
    wanted = given if any(spec.code == given for spec, _reason in found) else ""
    chosen = wanted or next((spec.code for spec, reason in found if not reason), "")
    return [SpecChoice(spec, spec.code == chosen, reason) for spec, reason in found]


def by_machine(choices: Iterable[SpecChoice]) -> list[tuple[str, list[SpecChoice]]]:
    """Return specs by kind of machine."""
    groups: dict[str, list[SpecChoice]] = {}
    for choice in choices:
        groups.setdefault(kind_of_machine(choice.spec.accelerator), []).append(choice)
    return list(groups.items())


def kind_of_machine(accelerator: str) -> str:
    """Return what people call machines with this accelerator."""
    return str(_MACHINES.get(accelerator, accelerator.upper()))


def environment_choices(codes: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return base environments with their names and what they are for."""
    return [(code, str(ENVIRONMENT_NAMES.get(code, code)), str(ENVIRONMENT_HINTS.get(code, ""))) for code in codes]


def task_name(code: str) -> str:
    """Return the name of a task type in the language in force."""
    if code == CUSTOM:
        return _("Custom")
    term = Terms.load().get(Term.Vocabulary.TASK, code)
    return term.name if term else code


def first_free(name: str, taken: Iterable[str], *, longest: int) -> str:
    """Return `name`, or, where it is among `taken` in whatever case, the first that is free of the names made of it and a number."""
    known = {each.lower() for each in taken}
    numbered = (f"{name[: longest - 5]}-{number}" for number in count(2))
    return next(each for each in chain([name], numbered) if each.lower() not in known)


def usable(user: Any, kind: str) -> Any:
    """Return the assets of a kind that `user` may use, also those on application that were granted."""
    return Asset.objects.for_user(user).of_kind(kind).usable().whole()


def find_usable(user: Any, kind: str, words: str) -> list[Asset]:
    """Return at most eight assets that `user` may use and `words` may mean, those of `user` first, then by what changed last."""
    words = words.strip()[:LONGEST].replace("\0", "")
    found = usable(user, kind)
    if words:
        namespace, slash, name = words.rpartition("/")
        named = Q(namespace__handle__icontains=words) | Q(name__icontains=words) | Q(title_zh__icontains=words)
        found = found.filter(Q(namespace__handle__iexact=namespace, name__istartswith=name) if slash else named)
    own = Case(When(namespace=user.pk, then=Value(0)), default=Value(1), output_field=IntegerField())
    return list(found.order_by(own, "-updated_at", "-pk")[:MOST])
