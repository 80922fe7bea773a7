"""What there is to choose on the page of a new training job."""

from dataclasses import dataclass

from accounts.models import Namespace, User
from assets.models import Asset
from toolchain.choices import first_free
from toolchain.trainer.parameters import Parameter


@dataclass(frozen=True)
class Row:
    """A hyperparameter in the form."""

    parameter: Parameter
    value: str
    error: str
    help: str

    @property
    def changed(self) -> bool:
        """Whether it is not its default any more."""
        return self.value.strip() != self.parameter.default

    @property
    def options(self) -> list[tuple[str, bool]]:
        """The values to choose from, each with whether it is chosen; empty where anything can be typed."""
        known = ("true", "false") if self.parameter.kind == "bool" else self.parameter.choices
        if not known:
            return []
        empty = [("", not self.value)] if not self.parameter.default else []
        return [*empty, *((each, each == self.value) for each in known)]


def free_name(user: User, namespace: Namespace, stem: str) -> str:
    """Return `stem`, or with the first number that makes it a name which no model of `namespace` has."""
    names = Asset.objects.for_user(user).of_kind(Asset.Kind.MODEL).filter(namespace=namespace, name__istartswith=stem)
    return first_free(stem, names.values_list("name", flat=True), longest=96)
