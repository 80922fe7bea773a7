"""The base of every page of the administration: rows are shown, and change only through services, whose refusals become messages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminTextareaWidget

from core.columns import name_columns
from core.problems import Problem


class ReasonForm(forms.Form):
    """Why something is done; whom it concerns reads it."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}))


def _always(row: Any) -> bool:
    return True


@dataclass(frozen=True)
class Act:
    """Something staff may do to a row: a button on its page and an entry in the menu of its list, each with a page to confirm it.

    `service` is called as `service(actor=…, <target>=row, **<the form's values>)`. `note` says beforehand what will happen.
    `applies` says of a row whether it can happen now; the service decides.
    """

    name: str
    label: Any
    service: Callable[..., Any]
    target: str
    permission: str
    note: Any = ""
    form: type[forms.Form] | None = None
    applies: Callable[[Any], bool] = _always
    danger: bool = False
    in_list: bool = True


class Unchangeable:
    """Rows that nobody adds, changes or deletes here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ShownInline(Unchangeable, TabularInline):  # type: ignore[misc]  # unfold carries no types
    """Rows of another table, shown on the page of the one they belong to."""

    extra = 0
    show_change_link = False

    def __init_subclass__(cls, **options: Any) -> None:
        # With the class, not with its first use: what else shows these names must not depend on who opened the administration.
        super().__init_subclass__(**options)
        name_columns(cls.model)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may see the row may see what belongs to it."""
        return True


class Administration(Unchangeable, ModelAdmin):  # type: ignore[misc]  # unfold carries no types
    """Rows of one table, to look at; `acts` are what may be done to them."""

    acts: ClassVar[Sequence[Act]] = ()
    change_form_outer_before_template = "admin/acts.html"
    list_filter_submit = True
    list_fullwidth = True
    show_full_result_count = False
    list_per_page = 50
    view_on_site = False
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def __init__(self, model: type[models.Model], admin_site: Any) -> None:
        super().__init__(model, admin_site)
        name_columns(model)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Leave Django's own log empty: the audit trail says what happened."""

    log_change = log_addition

    def row(self, request: HttpRequest, key: str) -> Any:
        """Return the row at `key` for the services to work on. Raises `Http404`."""
        found = self.get_object(request, unquote(key))
        if found is None:
            raise Http404
        return found

    def acts_for(self, request: HttpRequest, row: Any = None) -> list[Act]:
        """Return the acts that the viewer's standing allows, and that apply to `row`."""
        return [act for act in self.acts if request.user.has_perm(act.permission) and (row is None or act.applies(row))]

    # --- on the page of a row ---

    def get_urls(self) -> list[URLPattern]:
        act = path("<path:object_id>/act/<slug:name>/", self.admin_site.admin_view(self.act_view), name=self.address_name("act"))
        return [act, *super().get_urls()]

    def address_name(self, page: str) -> str:
        """Return the name of one of this table's addresses, as `reverse("admin:…")` takes it."""
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def address(self, page: str, *arguments: Any) -> str:
        return reverse(f"admin:{self.address_name(page)}", args=arguments)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        row = self.get_object(request, unquote(object_id)) if object_id else None
        context = {"acts": self._buttons(request, row) if row else [], **(extra_context or {})}
        try:
            return super().changeform_view(request, object_id, form_url, context)
        except Problem as problem:
            messages.error(request, str(problem.detail))
            return HttpResponseRedirect(request.get_full_path())

    def _buttons(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        return [{"label": act.label, "address": self.address("act", row.pk, act.name)} for act in self.acts_for(request, row)]

    def act_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Ask whether to do an act to one row, and do it."""
        act = self._act(request, name)
        row = self.row(request, object_id)
        form = self._form(act, request, bool(request.method == "POST"))
        if request.method == "POST" and (form is None or form.is_valid()):
            self._perform(request, act, [row], form)
            still = self.get_queryset(request).filter(pk=row.pk).exists()
            return HttpResponseRedirect(self.address("change", row.pk) if still else self.address("changelist"))
        return self._confirm(request, act, [row], form, back=self.address("change", row.pk))

    # --- on the list ---

    def get_actions(self, request: HttpRequest) -> dict[str, tuple[Callable[..., Any], str, Any]]:
        """Return the acts as entries of the list's menu; there is nothing else in it."""
        return {act.name: (_in_list, act.name, act.label) for act in self.acts_for(request) if act.in_list}

    def act_on_list(self, request: HttpRequest, name: str, rows: QuerySet[Any]) -> HttpResponse | None:
        """Ask whether to do an act to the rows chosen in the list, and do it."""
        act = self._act(request, name)
        confirmed = "confirmed" in request.POST
        form = self._form(act, request, confirmed)
        if confirmed and (form is None or form.is_valid()):
            self._perform(request, act, [self.row(request, str(pk)) for pk in rows.values_list("pk", flat=True)], form)
            return None
        return self._confirm(request, act, list(rows), form, back=request.get_full_path())

    def _act(self, request: HttpRequest, name: str) -> Act:
        act = next((act for act in self.acts if act.name == name), None)
        if act is None:
            raise Http404
        if not (request.user.has_perm(act.permission) and self.has_view_permission(request)):
            raise PermissionDenied
        return act

    def _form(self, act: Act, request: HttpRequest, filled: bool) -> forms.Form | None:
        return act.form(request.POST if filled else None) if act.form else None

    def _perform(self, request: HttpRequest, act: Act, rows: Sequence[Any], form: forms.Form | None) -> None:
        done = 0
        for row in rows:
            try:
                act.service(actor=request.user, **{act.target: row}, **(form.cleaned_data if form else {}))
                done += 1
            except Problem as problem:
                messages.error(request, f"{row}: {problem.detail}")
        if done:
            messages.success(request, _("Done: %(act)s (%(count)d).") % {"act": act.label, "count": done})

    def _confirm(self, request: HttpRequest, act: Act, rows: Sequence[Any], form: forms.Form | None, *, back: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": act.label,
            "act": act,
            "rows": rows,
            "form": form,
            "back": back,
            "checkbox": ACTION_CHECKBOX_NAME,
            "media": self.media,
        }
        status = 422 if form is not None and form.errors else 200
        return TemplateResponse(request, "admin/act.html", context, status=status)


def _in_list(administration: Administration, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
    return administration.act_on_list(request, request.POST["action"], rows)


class Editable:
    """Rows that staff add and change with a form; `save_model` calls a service. Put it before `Administration`."""

    opts: Any

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.add_{self.opts.model_name}")

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")
