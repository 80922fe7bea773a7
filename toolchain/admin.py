"""The administration of compute: specs, limits, the ledger, machines, and what runs on them."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.authentication import signed_in
from accounts.models import Namespace
from core.administration import Act, Administration, Editable
from core.numbers import size
from toolchain.compute.administration import LIMIT_FIELDS, SPEC_FIELDS, add_funds, remove_limit, save_limit, save_spec
from toolchain.models import Entry, Environment, Limit, Node, Run, Spec
from toolchain.runs.queue import ALIVE
from toolchain.runs.wording import sentence

SANDBOXES: dict[str, Any] = {
    "A": gettext_lazy("A: bubblewrap, seccomp and limits"),
    "B": gettext_lazy("B: Landlock, seccomp and limits"),
    "off": gettext_lazy("OFF: user code runs without a sandbox"),
    "none": gettext_lazy("NONE: user code is refused"),
    "": gettext_lazy("not known"),
}
SAFE = ("A", "B")


def shown(name: str, title: Any) -> Any:
    """Return a column that shows the field `name` under a title of its own."""

    def column(self: Any, row: Any) -> Any:
        told = getattr(row, f"get_{name}_display", None)
        return told() if told is not None else getattr(row, name)

    return admin.display(description=title, ordering=name)(column)


@admin.register(Spec)
class SpecAdministration(Editable, Administration):
    """Specs are taken off offer, not deleted: jobs keep naming them."""

    fields = [*SPEC_FIELDS, "found_on"]
    readonly_fields = ["found_on"]
    list_display = ["code", "title", "extent", "runner", "price", "sold_out", "enabled", "position"]
    list_filter = ["runner", "accelerator", "sold_out", "enabled"]
    search_fields = ["code", "name_en", "name_zh"]
    ordering = ["position", "accelerator", "cards", "vcpus", "memory", "code"]
    found_on = shown("found_on", gettext_lazy("found on"))

    @admin.display(description=gettext_lazy("name"))
    def title(self, spec: Spec) -> str:
        return spec.name

    @admin.display(description=gettext_lazy("size"))
    def extent(self, spec: Spec) -> str:
        return spec.size.words

    def save_model(self, request: HttpRequest, obj: Spec, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in SPEC_FIELDS}
        obj.pk = save_spec(actor=signed_in(request), spec=Spec(pk=obj.pk) if change else None, **values).pk


class HandleField(forms.CharField):
    """A namespace, by its handle: a list of all of them would be too long, and the usual widget for that cannot be read aloud."""

    widget = UnfoldAdminTextInputWidget

    def clean(self, value: Any) -> Namespace | None:
        handle: str = super().clean(value)
        if not handle:
            return None
        found = Namespace.objects.filter(handle__iexact=handle).first()
        if found is None:
            raise forms.ValidationError(_("There is no user and no organisation with this handle."))
        return found


class LimitForm(forms.ModelForm):  # type: ignore[type-arg]
    """A limit, with its namespace by handle."""

    namespace = HandleField(
        label=gettext_lazy("Handle"), required=False, help_text=gettext_lazy("Of one user or organisation; empty for all of a kind.")
    )

    class Meta:
        model = Limit
        fields = [*LIMIT_FIELDS]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.namespace is not None:
            self.initial["namespace"] = self.instance.namespace.handle


@admin.register(Limit)
class LimitAdministration(Editable, Administration):
    """Limits of one namespace, or of every user or every organisation; empty columns set none."""

    form = LimitForm
    fields = [*LIMIT_FIELDS]
    list_display = ["__str__", "namespace", "kind", "spec", "trainings", "services", "hours", "spend"]
    list_filter = ["kind", ("spec", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["namespace", "spec"]
    search_fields = ["namespace__handle"]
    ordering = ["namespace__handle", "kind", "spec__code"]
    acts = [
        Act(
            "lift", gettext_lazy("Lift the limit"), remove_limit, "limit", "toolchain.delete_limit", danger=True,
            note=gettext_lazy("It no longer counts; those for everybody do."),
        )
    ]  # fmt: skip

    def save_model(self, request: HttpRequest, obj: Limit, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in LIMIT_FIELDS}
        obj.pk = save_limit(actor=signed_in(request), limit=Limit(pk=obj.pk) if change else None, **values).pk


class FundsForm(forms.ModelForm):  # type: ignore[type-arg]
    """Funds for one namespace."""

    namespace = HandleField(label=gettext_lazy("Handle"))

    class Meta:
        model = Entry
        fields = ["namespace", "amount", "what"]
        labels = {"what": gettext_lazy("note")}

    def clean_amount(self) -> Decimal:
        amount: Decimal = self.cleaned_data["amount"]
        if not amount:
            raise forms.ValidationError(_("Enter an amount; one below zero takes funds back."))
        return amount


@admin.register(Entry)
class EntryAdministration(Editable, Administration):
    """Lines are added, never changed: what was used writes its own, and staff add funds."""

    form = FundsForm
    list_display = ["created_at", "namespace", "kind", "what", "month", "spec", "hours", "amount"]
    list_filter = ["kind", "month"]
    list_select_related = ["namespace", "spec"]
    search_fields = ["namespace__handle", "what"]
    ordering = ["-id"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("hours"))
    def hours(self, entry: Entry) -> str:
        return f"{entry.seconds / 3600:.2f}" if entry.seconds else ""

    def save_model(self, request: HttpRequest, obj: Entry, form: Any, change: bool) -> None:
        obj.pk = add_funds(actor=signed_in(request), **form.cleaned_data).pk


@admin.register(Node)
class NodeAdministration(Administration):
    """Machines, what they have, and how well user code is shut in on them."""

    fields = ["name", "by", "shut_in", "about", "cores", "memory_size", "kind", "number", "seen"]
    list_display = ["name", "by", "there", "shut_in", "cores", "memory_size", "kind", "number", "taken", "seen"]
    ordering = ["runner", "name"]
    by = shown("runner", gettext_lazy("runner"))
    about = shown("detail", gettext_lazy("about the sandbox"))
    cores = shown("cpus", gettext_lazy("vCPUs"))
    kind = shown("accelerator", gettext_lazy("accelerator"))
    number = shown("cards", gettext_lazy("cards"))
    seen = shown("beat_at", gettext_lazy("last seen"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields

    @admin.display(description=gettext_lazy("sandbox"))
    def shut_in(self, node: Node) -> SafeString | str:
        text = str(SANDBOXES.get(node.sandbox, node.sandbox))
        return text if node.sandbox in SAFE else format_html('<strong class="alarm-text">{}</strong>', text)

    @admin.display(description=gettext_lazy("online"), boolean=True)
    def there(self, node: Node) -> bool:
        return timezone.now() - node.beat_at < ALIVE

    @admin.display(description=gettext_lazy("memory"))
    def memory_size(self, node: Node) -> str:
        return f"{node.memory / (1 << 30):.1f} GiB"

    @admin.display(description=gettext_lazy("runs on it"))
    def taken(self, node: Node) -> int:
        return node.runs.filter(state__in=Run.HOLDING).count()


@admin.register(Run)
class RunAdministration(Administration):
    """Attempts at running something. They are stopped on the page of the job or service that they are for."""

    list_display = ["key", "what", "namespace", "state", "on", "machine", "created_at", "began", "ended_at", "outcome"]
    list_filter = ["state", "purpose", ("spec", admin.RelatedOnlyFieldListFilter), ("node", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["title", "namespace__handle", "error"]
    list_select_related = ["namespace", "spec", "node"]
    ordering = ["-id"]
    what = shown("title", gettext_lazy("name"))
    on = shown("spec", gettext_lazy("compute spec"))
    machine = shown("node", gettext_lazy("machine"))
    began = shown("started_at", gettext_lazy("started"))

    @admin.display(description=gettext_lazy("run ID"))
    def key(self, run: Run) -> str:
        return run.key

    @admin.display(description=gettext_lazy("how it ended"))
    def outcome(self, run: Run) -> str:
        return sentence(run.error, run.detail)[:200] if run.over else ""


@admin.register(Environment)
class EnvironmentAdministration(Administration):
    list_display = ["__str__", "state", "progress", "error", "disk", "created_at", "ended_at", "used_at"]
    list_filter = ["state", "base"]
    search_fields = ["id", "requirements"]
    ordering = ["-created_at"]

    @admin.display(description=gettext_lazy("size"))
    def disk(self, environment: Environment) -> str:
        return size(environment.size) if environment.size else ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Environment.objects.defer("packages")
