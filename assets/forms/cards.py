"""The form of the card's editor: basic settings beside the text."""

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assets.forms.assets import ProblemForm
from assets.forms.files import PlainText
from assets.models import Asset, Term
from assets.vocabulary import Terms
from repos.services.commits import MAX_MESSAGE

V = Term.Vocabulary
WORTH_READING = 200
"""From this many characters on, an introduction counts as written."""

_COUNTED = {
    Asset.Kind.MODEL: ("title_zh", "licence", "description", "task", "languages", "frameworks", "hardware", "minimum_spec", "tags"),
    Asset.Kind.DATASET: ("title_zh", "licence", "description", "task", "languages", "industry", "tags"),
}
_MODELS_ONLY = ("frameworks", "hardware", "minimum_spec", "distributed", "base_models", "datasets")
_DATASETS_ONLY = ("platform",)


class Words(forms.CharField):
    """Several values in one line, separated by commas; those of a vocabulary are shown by name and taken in any spelling."""

    def __init__(self, *, vocabulary: str = "", **options: Any) -> None:
        super().__init__(required=False, widget=forms.TextInput(attrs={"data-values": "", "autocomplete": "off"}), **options)
        self.vocabulary = vocabulary
        self.terms: Terms | None = None

    def offer(self, terms: Terms, list_id: str) -> list[str]:
        """Take the words of `terms` from now on, and return their names for the `<datalist>` of this id."""
        self.terms = terms
        if not self.vocabulary:
            return []
        self.widget.attrs["list"] = list_id
        return [term.name for term in terms.of(self.vocabulary)]

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        terms = self.terms
        return ", ".join(terms.name(self.vocabulary, word) if terms and self.vocabulary else word for word in value)

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        words = [word for part in re.split(r"[,，、]", str(value or "")) if (word := " ".join(part.split()))]
        if self.terms and self.vocabulary:
            words = [term.code if (term := self.terms.find(self.vocabulary, word)) else word for word in words]
        return list(dict.fromkeys(words))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self.to_python(data)


class CardForm(ProblemForm):
    """Settings of the card by column, its text, a commit message, and `parent`: the commit all of it was loaded from."""

    title_zh = forms.CharField(
        label=gettext_lazy("Name in Chinese"), max_length=96, required=False, widget=forms.TextInput(attrs={"lang": "zh-Hans"})
    )
    licence = forms.ChoiceField(label=gettext_lazy("Licence"), required=False)
    description = forms.CharField(
        label=gettext_lazy("One-line summary"), max_length=90, required=False, widget=forms.TextInput(attrs={"data-count": ""})
    )
    task = forms.ChoiceField(label=gettext_lazy("Task"), required=False)
    languages = Words(label=gettext_lazy("Languages"), vocabulary=V.LANGUAGE)
    frameworks = Words(label=gettext_lazy("Framework"), vocabulary=V.FRAMEWORK)
    hardware = forms.MultipleChoiceField(label=gettext_lazy("Hardware"), required=False, widget=forms.CheckboxSelectMultiple)
    minimum_spec = forms.ChoiceField(
        label=gettext_lazy("Minimum spec"), required=False, help_text=gettext_lazy("People are offered compute that fits.")
    )
    distributed = forms.BooleanField(
        label=gettext_lazy("Training and inference on several GPUs"), required=False, widget=forms.CheckboxInput(attrs={"role": "switch"})
    )
    industry = forms.ChoiceField(label=gettext_lazy("Industry"), required=False)
    platform = forms.ChoiceField(
        label=gettext_lazy("Running platform"), required=False, help_text=gettext_lazy("Another platform that can use the dataset.")
    )
    tags = Words(label=gettext_lazy("Tags"))
    base_models = Words(label=gettext_lazy("Base model"), help_text=gettext_lazy("As owner/name, several separated by commas."))
    datasets = Words(label=gettext_lazy("Trained on"), help_text=gettext_lazy("Datasets as owner/name, separated by commas."))
    text = PlainText(
        label=gettext_lazy("README source"),
        required=False,
        widget=forms.Textarea(attrs={"class": "ed-src", "spellcheck": "false", "autocomplete": "off"}),
    )
    message = forms.CharField(label=gettext_lazy("Commit message"), max_length=MAX_MESSAGE, required=False)
    parent = forms.CharField(widget=forms.HiddenInput, max_length=40)

    def __init__(self, *args: Any, kind: str, terms: Terms, current: dict[str, Any], **kwargs: Any) -> None:
        """`current` holds the values that the card has now: they can be chosen even where no vocabulary knows them."""
        super().__init__(*args, **kwargs)
        self.kind = kind
        for name in _DATASETS_ONLY if kind == Asset.Kind.MODEL else _MODELS_ONLY:
            del self.fields[name]
        self.suggestions: dict[str, list[str]] = {}
        for name, field in self.fields.items():
            if isinstance(field, Words):
                self.suggestions[f"{name}-words"] = field.offer(terms, f"{name}-words")
        self._choose("licence", _plain(terms, V.LICENCE), current)
        self._choose("task", _tasks(terms), current)
        self._choose("industry", _plain(terms, V.INDUSTRY), current)
        self._choose("platform", _plain(terms, V.PLATFORM), current)
        self._choose("minimum_spec", _plain(terms, V.SPEC), current)
        if "hardware" in self.fields:
            known = [(term.code, term.name) for term in terms.of(V.HARDWARE)]
            more = [(code, code) for code in current.get("hardware", []) if code not in dict(known)]
            self.fields["hardware"].choices = known + more  # type: ignore[attr-defined]
        for name in _COUNTED[Asset.Kind(kind)]:
            self.fields[name].widget.attrs["data-complete"] = ""
        self.fields["text"].widget.attrs["data-complete"] = str(WORTH_READING)

    def _choose(self, name: str, choices: list[tuple[str, Any]], current: dict[str, Any]) -> None:
        if name not in self.fields:
            return
        value = str(current.get(name) or "")
        listed = {code for code, label in choices if isinstance(label, str)} | {
            code for _code, group in choices if isinstance(group, list) for code, _name in group
        }
        more = [(value, value)] if value and value not in listed else []
        self.fields[name].choices = [("", _("Not stated")), *choices, *more]  # type: ignore[attr-defined]

    def clean_description(self) -> str:
        return " ".join(str(self.cleaned_data["description"]).split())

    @property
    def values(self) -> dict[str, Any]:
        """The settings by column."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("text", "message", "parent")}

    @property
    def lists(self) -> list[tuple[str, list[str]]]:
        """The `<datalist>`s: id and names."""
        return [(list_id, names) for list_id, names in self.suggestions.items() if names]

    @property
    def settings_fields(self) -> Sequence[forms.BoundField]:
        """The basic settings in the order of the page."""
        return [self[name] for name in self.fields if name not in ("text", "message", "parent")]

    @property
    def completeness(self) -> tuple[int, int]:
        """How many of the settings that readers look for are filled in, and how many there are; the text is one of them."""
        counted = [bool(self[name].value()) for name in _COUNTED[Asset.Kind(self.kind)]]
        body = re.sub(r"\A\ufeff?---\r?\n.*?^---\s*$", "", str(self["text"].value() or ""), count=1, flags=re.DOTALL | re.MULTILINE)
        counted.append(len(body.strip()) >= WORTH_READING)
        return sum(counted), len(counted)


def _plain(terms: Terms, vocabulary: str) -> list[tuple[str, Any]]:
    return [(term.code, term.name) for term in terms.of(vocabulary)]


def _tasks(terms: Terms) -> list[tuple[str, Any]]:
    """Return the tasks grouped by modality."""
    groups = [(modality.name, [(task.code, task.name) for task in terms.tasks_of(modality.code)]) for modality in terms.of(V.MODALITY)]
    return [(name, tasks) for name, tasks in groups if tasks]
