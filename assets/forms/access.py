"""Forms about the use of assets on application: asking, deciding, adding, ending."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from assets.answers import MAX_DAYS, MAX_LONG, MAX_TEXT
from assets.forms.assets import ProblemForm
from assets.models import AccessTerms


class LinesField(forms.CharField):
    """Several lines; a line end counts as one character, as browsers count it."""

    def __init__(self, *, rows: int = 4, most: int = MAX_TEXT, **kwargs: Any) -> None:
        super().__init__(max_length=most, widget=forms.Textarea(attrs={"rows": rows, "data-count": ""}), **kwargs)

    def to_python(self, value: Any) -> str:
        return super().to_python(value.replace("\r\n", "\n") if isinstance(value, str) else value) or ""


def days_field(**kwargs: Any) -> forms.IntegerField:
    """Return the field for the length of a grant; empty is without end."""
    return forms.IntegerField(label=_("Days"), min_value=1, max_value=MAX_DAYS, required=False, **kwargs)


class ApplyForm(ProblemForm):
    """The reason, the owner's own questions as fields `answers.<id>`, and the agreement where there is one."""

    def __init__(self, *args: Any, terms: AccessTerms, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.terms = terms
        self.fields["reason"] = LinesField(label=_("What do you want to use it for?"))
        for question in terms.questions:
            self.fields[f"answers.{question['id']}"] = _question(question)
        if terms.agreement:
            self.fields["agreement"] = forms.BooleanField(label=_("I have read the agreement and accept it."))
            self.fields["agreement_version"] = forms.IntegerField(widget=forms.HiddenInput, initial=terms.agreement_version)

    @property
    def questions(self) -> list[forms.BoundField]:
        """The fields of the owner's own questions, in their order."""
        return [self[name] for name in self.fields if name.startswith("answers.")]

    def values(self) -> dict[str, Any]:
        """Return what `applications.apply` takes."""
        found = self.cleaned_data
        answers = {name.removeprefix("answers."): value for name, value in found.items() if name.startswith("answers.")}
        return {"reason": found["reason"], "answers": answers, "agreement_version": found.get("agreement_version", 0)}


def _question(question: Mapping[str, Any]) -> forms.Field:
    shared: dict[str, Any] = {"label": question["label"], "required": bool(question.get("required"))}
    match question["kind"]:
        case "long":
            return LinesField(most=MAX_LONG, rows=5, **shared)
        case "choice":
            choices = [("", _("Choose one")), *((choice, choice) for choice in question.get("choices", []))]
            return forms.ChoiceField(choices=choices, **shared)
        case "check":
            return forms.BooleanField(**shared)
        case _:
            return forms.CharField(max_length=MAX_TEXT, **shared)


class ReplyForm(ProblemForm):
    reply = LinesField(label=_("Your answer"), rows=3)


class DecideForm(ProblemForm):
    """A decision: the note is the reason of a refusal, the question of a question back, and optional for an approval."""

    days = days_field(help_text=_("Empty for no end."))
    note = LinesField(label=_("Note to the applicant"), rows=3, required=False, help_text=_("Needed when declining or asking."))


class DecideManyForm(ProblemForm):
    ids = forms.TypedMultipleChoiceField(coerce=int)
    decision = forms.ChoiceField(choices=[("approve", "approve"), ("reject", "reject")])
    note = LinesField(label=_("Note to all of them"), rows=2, required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["ids"].choices = chosen_of(data)  # type: ignore[attr-defined]


class AddUsersForm(ProblemForm):
    users = forms.CharField(
        label=_("People"), max_length=4000, widget=forms.TextInput(attrs={"data-values": ""}),
        help_text=_("Handles, user ids or nicknames, separated by commas."),
    )  # fmt: skip
    days = days_field(help_text=_("Empty for no end."))

    def clean_users(self) -> list[str]:
        return [word for word in (part.strip() for part in self.cleaned_data["users"].replace("，", ",").split(",")) if word]


class ChosenForm(ProblemForm):
    """Some grants of a table."""

    ids = forms.TypedMultipleChoiceField(coerce=int, error_messages={"required": _("Choose at least one person.")})

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["ids"].choices = chosen_of(data)  # type: ignore[attr-defined]


class RevokeForm(ChosenForm):
    reason = forms.CharField(label=_("Reason"), max_length=MAX_TEXT)


class ExtendForm(ChosenForm):
    days = days_field()


def chosen_of(data: Any) -> list[tuple[str, str]]:
    """Return the ids that were sent as choices: whether they exist and may be changed is decided row by row."""
    sent = data.getlist("ids") if hasattr(data, "getlist") else []
    return [(value, value) for value in sent if value.isascii() and value.isdigit() and len(value) < 19]
