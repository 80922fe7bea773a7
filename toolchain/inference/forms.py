"""Forms of services."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assets.forms.assets import OwnerForm, ProblemForm
from toolchain.forms import HoursField, hours_of
from toolchain.inference.models import Service
from toolchain.inference.services import MOST_REPLICAS

MOST_IDLE = 30 * 24 * 60
name_validator = RegexValidator(r"\A[a-z0-9]([a-z0-9-]*[a-z0-9])?\Z", gettext_lazy("Use a–z, 0–9 and hyphens inside."))


def whole(label: Any, least: int, most: int, *, help_text: Any = "", required: bool = True) -> forms.IntegerField:
    """Return a field for a whole number."""
    return forms.IntegerField(label=label, min_value=least, max_value=most, required=required, help_text=help_text)


class ScaleForm(ProblemForm):
    """How a service is run: replicas, limits, and who may call it."""

    replicas = whole(gettext_lazy("Fewest replicas"), 1, MOST_REPLICAS)
    most_replicas = whole(
        gettext_lazy("Most replicas"), 1, MOST_REPLICAS, required=False,
        help_text=gettext_lazy("More are started while the requests at once fill two thirds of what is there."),
    )  # fmt: skip
    limit = HoursField(help_text=gettext_lazy("In hours; empty for no limit. The service is stopped after that."))
    idle_limit = whole(
        gettext_lazy("Stop when idle"), 1, MOST_IDLE, required=False,
        help_text=gettext_lazy("Minutes without a request; empty for never. The next call starts it again."),
    )  # fmt: skip
    request_limit = whole(gettext_lazy("Time for a request"), 1, 3600, help_text=gettext_lazy("Seconds until it is given up."))
    concurrency = whole(
        gettext_lazy("Requests at once"), 1, 1024,
        help_text=gettext_lazy("For each replica. Scripts of a model's own always answer one at a time."),
    )  # fmt: skip
    queue = whole(
        gettext_lazy("Requests that may wait"), 0, 10_000, help_text=gettext_lazy("For each replica; one more is refused with status 429.")
    )
    shared = forms.BooleanField(
        label=gettext_lazy("Open to everybody who may use the model"), required=False,
        help_text=gettext_lazy("When off, only members of its owner and holders of a key of the service can call it."),
        widget=forms.CheckboxInput(attrs={"role": "switch"}),
    )  # fmt: skip

    def clean_idle_limit(self) -> int | None:
        minutes: int | None = self.cleaned_data["idle_limit"]
        return None if minutes is None else minutes * 60

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        fewest, most = cleaned.get("replicas"), cleaned.get("most_replicas")
        if most is None and "most_replicas" in cleaned:
            cleaned["most_replicas"] = fewest
        elif fewest is not None and most is not None and most < fewest:
            self.add_error("most_replicas", _("This cannot be less than the fewest."))
        return cleaned


class DeployForm(OwnerForm, ScaleForm):
    """The name, the owner and the limits of a new service."""

    owner = forms.ChoiceField(
        label=gettext_lazy("Owner"), help_text=gettext_lazy("Who owns the service, and whose hours and funds are used.")
    )
    name = forms.CharField(
        label=gettext_lazy("Service name"), max_length=63, validators=[name_validator], strip=True,
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocapitalize": "none"}),
        help_text=gettext_lazy("Part of its address. It cannot be changed later."),
    )  # fmt: skip


class KeyForm(ProblemForm):
    """A new key of a service."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=64, help_text=gettext_lazy("Such as the program that uses it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    limit = whole(gettext_lazy("Requests a minute"), 1, 1_000_000, required=False, help_text=gettext_lazy("Empty for no limit of its own."))
    expires_on = forms.DateField(
        label=gettext_lazy("Expires on"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("At the end of this day; empty for never."),
    )  # fmt: skip

    @property
    def expires_at(self) -> datetime | None:
        """The end of the day that was chosen."""
        day = self.cleaned_data.get("expires_on")
        if day is None:
            return None
        return timezone.make_aware(datetime.combine(day, time.min)) + timedelta(days=1)


def scale_of(service: Service | None) -> dict[str, str]:
    """Return the limits of a service as texts of `ScaleForm`, the usual ones without it."""
    row = service or Service()
    return {
        "replicas": str(row.replicas),
        "most_replicas": str(row.most_replicas),
        "limit": hours_of(row.limit),
        "idle_limit": "" if row.idle_limit is None else str(max(1, row.idle_limit // 60)),
        "request_limit": str(row.request_limit),
        "concurrency": str(row.concurrency),
        "queue": str(row.queue),
        "shared": "on" if row.shared else "",
    }
