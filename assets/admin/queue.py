"""The reviewers' queue: what waits to be published, oldest first."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from assets.models import Submission
from assets.services.publishing import approve_submission, reject_submission
from core.administration import Act, Administration, ReasonForm


class ApproveForm(forms.Form):
    revision = forms.RegexField(
        r"\A[0-9a-f]{40}\Z",
        label=_("Revision you looked at"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Only where the files changed since it was submitted: the whole id of the commit."),
    )


class WaitingFirst(admin.SimpleListFilter):
    """Shows what waits unless something else is chosen."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("all", _("All")), *((state.value, state.label) for state in Submission.State if state != Submission.State.PENDING)]

    def choices(self, changelist: Any) -> Any:
        chosen = self.value()
        yield {
            "selected": chosen is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": Submission.State.PENDING.label,
        }
        for value, label in self.lookup_choices:
            query = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": chosen == str(value), "query_string": query, "display": label}

    def queryset(self, request: HttpRequest, rows: QuerySet[Submission]) -> QuerySet[Submission]:
        match self.value():
            case None:
                return rows.filter(state=Submission.State.PENDING)
            case "all":
                return rows
            case state:
                return rows.filter(state=state)


@admin.register(Submission)
class SubmissionAdministration(Administration):
    fields = ["page", "submitter", "revision", "state", "created_at", "reviewer", "reason", "automatic", "decided_at"]
    list_display = ["asset", "kind", "submitter", "state", "created_at", "reviewer", "decided_at", "page"]
    list_filter = [WaitingFirst, "asset__kind"]
    search_fields = ["asset__name", "asset__namespace__handle", "submitter__handle"]
    ordering = ["created_at", "id"]
    acts = [
        Act(
            "approve", _("Approve"), approve_submission, "submission", "assets.review_asset", form=ApproveForm,
            note=_("It is published with the ranges that its owner chose, and the owner is told."),
            applies=lambda submission: submission.state == Submission.State.PENDING,
        ),
        Act(
            "reject", _("Reject"), reject_submission, "submission", "assets.review_asset", form=ReasonForm, danger=True,
            note=_("The owner reads the reason and may submit it again."),
            applies=lambda submission: submission.state == Submission.State.PENDING,
        ),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Submission]:
        return Submission.objects.select_related("asset__namespace", "submitter", "reviewer")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields

    @admin.display(description=_("kind"), ordering="asset__kind")
    def kind(self, submission: Submission) -> str:
        return submission.asset.get_kind_display()

    @admin.display(description=_("page"))
    def page(self, submission: Submission) -> SafeString:
        """The page, where the reviewer sees and uses it like its owner."""
        return format_html('<a href="{}">{}</a>', submission.asset.get_absolute_url(), submission.asset.repo_id)
