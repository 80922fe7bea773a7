"""The forms of publishing, delisting and reviewing."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Namespace, User
from accounts.people import find_people
from assets.forms.assets import ProblemForm
from assets.models import Asset
from assets.publication import Publication
from assets.services.terms import KINDS, MAX_AGREEMENT, MAX_DAYS, MAX_LABEL, MAX_QUESTIONS
from core.problems import Problem

VISIBILITY_HINTS = {
    "public": gettext_lazy("Everybody finds it, also without signing in."),
    "signed_in": gettext_lazy("Everybody finds it who has an account here."),
    "chosen": gettext_lazy("Only the people and members of organisations listed below know that it exists."),
}
AVAILABILITY_HINTS = {
    "free": gettext_lazy("Whoever sees it may download, preview and use it straight away."),
    "on_application": gettext_lazy("The introduction and the names of the files are seen; everything else needs your approval."),
}
KIND_NAMES = {
    "text": gettext_lazy("One line"),
    "long": gettext_lazy("Several lines"),
    "choice": gettext_lazy("One of several choices"),
    "check": gettext_lazy("A box to tick"),
}
ELSEWHERE = {
    "name": gettext_lazy("Name in English"),
    "title_zh": gettext_lazy("Name in Chinese"),
    "description": gettext_lazy("Summary"),
    "tags": gettext_lazy("Tags"),
    "text": gettext_lazy("README.md"),
}
"""Fields that are not on this page, but whose words are looked at."""


class Chooser:
    """The choice of people and organisations in a form, with a search that works without script."""

    def __init__(
        self, field: str, label: Any, hint: Any, *, user: User, data: QueryDict | None, chosen: list[Any], kinds: tuple[str, ...] = ()
    ) -> None:
        self.field, self.label, self.hint, self.kinds, self.user = field, label, hint, kinds, user
        self.words, self.found, self.chosen = "", list[Namespace](), list[Namespace](chosen)
        if data is not None:
            self.words = data.get(f"find_{field}", "")
            self.chosen = list(Namespace.objects.for_user(user).called(data.getlist(field)[:300]).order_by("handle"))
            if kinds:
                self.chosen = [row for row in self.chosen if row.kind in kinds]

    @property
    def kinds_text(self) -> str:
        return ",".join(self.kinds)

    def find(self) -> None:
        """Look for the words that were written."""
        taken = {row.pk for row in self.chosen}
        self.found = [row for row in find_people(user=self.user, words=self.words, kinds=self.kinds) if row.pk not in taken]


class Questions:
    """The questions to applicants as rows of a form: added, removed and moved by buttons that submit it."""

    def __init__(self, data: QueryDict | None, stored: list[dict[str, Any]]) -> None:
        self.rows = [dict(row) for row in stored] if data is None else _rows(data)

    @property
    def kinds(self) -> list[tuple[str, Any]]:
        return [(kind, KIND_NAMES[kind]) for kind in KINDS]

    @property
    def full(self) -> bool:
        return len(self.rows) >= MAX_QUESTIONS

    def step(self, do: str, place: int) -> None:
        """Add a row at the end, or remove or move the row at `place`."""
        if do == "add_question" and not self.full:
            self.rows.append({"id": "", "label": "", "kind": "text", "required": False, "choices": []})
        if not 0 <= place < len(self.rows):
            return
        if do == "remove_question":
            del self.rows[place]
        other = place + {"up_question": -1, "down_question": 1}.get(do, 0)
        if 0 <= other < len(self.rows) and other != place:
            self.rows[place], self.rows[other] = self.rows[other], self.rows[place]

    def written(self) -> list[dict[str, Any]]:
        """Return the rows without those that nothing was written into."""
        return [row for row in self.rows if row["label"].strip() or row["choices"]]


def _rows(data: QueryDict) -> list[dict[str, Any]]:
    given = data.get("questions", "0")
    count = min(int(given), MAX_QUESTIONS) if given.isascii() and given.isdigit() and len(given) < 4 else 0
    return [
        {
            "id": data.get(f"q{place}_id", "")[:32],
            "label": data.get(f"q{place}_label", "")[: MAX_LABEL + 1],
            "kind": data.get(f"q{place}_kind", "text"),
            "required": f"q{place}_required" in data,
            "choices": [line.strip() for line in data.get(f"q{place}_choices", "").splitlines() if line.strip()],
        }
        for place in range(count)
    ]


class PublishForm(ProblemForm):
    """Who sees and who uses an asset, and on what terms; `submits` when it is not on the shelf yet."""

    visibility = forms.ChoiceField(label=gettext_lazy("Who may see it"), choices=Asset.Visibility.choices)
    availability = forms.ChoiceField(label=gettext_lazy("Who may use it"), choices=Asset.Availability.choices)
    grant_days = forms.IntegerField(
        label=gettext_lazy("Days that a grant lasts"), required=False, min_value=1, max_value=MAX_DAYS,
        help_text=gettext_lazy("Empty for no end. You can choose otherwise with each approval."),
    )  # fmt: skip
    agreement = forms.CharField(
        label=gettext_lazy("Agreement"), required=False, max_length=MAX_AGREEMENT, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=gettext_lazy("Applicants must accept this text. Empty for none. A changed text is the next version."),
    )  # fmt: skip
    mail_domains = forms.CharField(
        label=gettext_lazy("Approve these mail domains at once"), required=False, widget=forms.TextInput(attrs={"data-values": ""}),
        help_text=gettext_lazy("Such as example.org, separated by commas; the address must be confirmed."),
    )  # fmt: skip
    rights = forms.BooleanField(label=gettext_lazy("I have the right to publish this, and it follows the rules of this gallery"))
    audience = forms.CharField(required=False)
    organisations = forms.CharField(required=False)
    approvers = forms.CharField(required=False)
    questions = forms.CharField(required=False)

    def __init__(self, data: QueryDict | None, *, publication: Publication, user: User) -> None:
        asset, terms = publication.asset, publication.terms
        super().__init__(
            data,
            initial={
                "visibility": asset.visibility,
                "availability": asset.availability,
                "grant_days": terms.grant_days,
                "agreement": terms.agreement,
                "mail_domains": ", ".join(terms.mail_domains),
            },
        )
        self.submits = asset.state in Asset.OFF_SHELF
        if not self.submits:
            del self.fields["rights"]
        self.question_rows = Questions(data, terms.questions)
        self.choosers = {
            "audience": Chooser(
                "audience", _("People and organisations that see it"), _("A handle, a nickname or the number of an account."),
                user=user, data=data, chosen=publication.audience,
            ),
            "organisations": Chooser(
                "organisations", _("Approve members of these organisations at once"), _("Whoever leaves keeps the access until it ends or you revoke it."),
                user=user, data=data, chosen=publication.organisations, kinds=(Namespace.Kind.ORGANISATION,),
            ),
            "approvers": Chooser(
                "approvers", _("Who else decides"), _("They see the applications for this and decide on them, beside those who own it."),
                user=user, data=data, chosen=publication.approvers, kinds=(Namespace.Kind.USER,),
            ),
        }  # fmt: skip

    @property
    def visibility_options(self) -> list[tuple[str, Any, Any, bool]]:
        return _options(Asset.Visibility.choices, VISIBILITY_HINTS, self["visibility"].value())

    @property
    def availability_options(self) -> list[tuple[str, Any, Any, bool]]:
        return _options(Asset.Availability.choices, AVAILABILITY_HINTS, self["availability"].value())

    def step(self, do: str) -> None:
        """Do what a button inside the form asks for: search, or change the rows of questions. Nothing is saved."""
        self._errors = ErrorDict()  # nobody asked yet whether all of it is right
        name, _sign, place = do.partition("-")
        if name.startswith("find_"):
            # Enter in any search of the form presses its first button: whatever was written is looked for.
            for chooser in self.choosers.values():
                chooser.find()
        self.question_rows.step(name, int(place) if place.isascii() and place.isdigit() and len(place) < 4 else -1)

    def ranges(self) -> dict[str, Any]:
        """Return the ranges as the services take them."""
        values = self.cleaned_data
        return {"visibility": values["visibility"], "availability": values["availability"], "audience": self.choosers["audience"].chosen}

    def terms(self) -> Mapping[str, Any] | None:
        """Return the terms as the services take them, None where use is free: what was written for later stays."""
        values = self.cleaned_data
        if values["availability"] == Asset.Availability.FREE:
            return None
        return {
            "questions": self.question_rows.written(),
            "agreement": values["agreement"],
            "grant_days": values["grant_days"],
            "mail_domains": [word for word in values["mail_domains"].replace("，", ",").split(",") if word.strip()],
            "organisations": self.choosers["organisations"].chosen,
        }

    def users(self) -> list[User]:
        """Return the people who were chosen to decide."""
        return list(User.objects.filter(pk__in=[row.pk for row in self.choosers["approvers"].chosen]))

    def add_problem(self, problem: Problem) -> None:
        """Show `problem` at its fields; what is wrong on other pages is named at the top."""
        for name, messages in problem.errors.items():
            if name in ELSEWHERE:
                for message in messages:
                    self.add_error(None, _("%(field)s: %(message)s") % {"field": ELSEWHERE[name], "message": message})
        if not problem.errors or set(problem.errors) - set(ELSEWHERE):
            super().add_problem(problem)


def _options(choices: Any, hints: Mapping[str, Any], chosen: str) -> list[tuple[str, Any, Any, bool]]:
    return [(value, label, hints[value], value == chosen) for value, label in choices]


class DelistForm(ProblemForm):
    """Why it leaves the shelf; subscribers read it."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 3, "data-count": ""}),
        help_text=gettext_lazy("Told to those who subscribe to it."),
    )  # fmt: skip


class ApproveForm(ProblemForm):
    """The revision that the reviewer looks at, and where it moved, that they looked again."""

    revision = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)
    seen = forms.BooleanField(label=gettext_lazy("I looked at the new revision"), required=False)

    def __init__(self, *args: Any, moved: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if moved:
            self.fields["seen"].required = True
        else:
            del self.fields["seen"]


class RejectForm(ProblemForm):
    """Why it is turned down; its owners read it."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 4, "data-count": ""}),
        help_text=gettext_lazy("The owners read it. Say what has to change."),
    )  # fmt: skip
