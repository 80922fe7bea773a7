"""What can be wrong with a card, as codes that are stored and sentences that are shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


@dataclass(frozen=True)
class CardError:
    """One thing that could not be understood, at a line of the file counted from 1."""

    code: str
    line: int
    params: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the form in which `Asset.card_errors` keeps it."""
        return {"code": self.code, "line": self.line, "params": dict(self.params)}


SENTENCES = {
    "front_matter_too_large": gettext_lazy("The settings at the head of the card are longer than %(limit)d characters."),
    "unclosed": gettext_lazy("The settings begin with “---” but no second “---” line ends them."),
    "not_mapping": gettext_lazy("The settings must be lines of the form “key: value”."),
    "yaml_syntax": gettext_lazy("The settings are not valid YAML: %(problem)s."),
    "tab_indentation": gettext_lazy("A tab stands where YAML wants spaces."),
    "bad_characters": gettext_lazy("The settings contain a character that YAML does not allow."),
    "duplicate_key": gettext_lazy("The key “%(key)s” stands there twice."),
    "bad_key": gettext_lazy("A key must be a plain word."),
    "too_deep": gettext_lazy("The settings nest deeper than %(limit)d levels."),
    "too_many_values": gettext_lazy("The settings hold more than %(limit)d values."),
    "tag": gettext_lazy("The tag “%(tag)s” is not allowed."),
    "bad_alias": gettext_lazy("“*%(name)s” refers to nothing."),
    "wrong_shape": gettext_lazy("“%(key)s” must be a word or a list of words."),
    "not_a_flag": gettext_lazy("“%(key)s” must be true or false."),
    "too_long": gettext_lazy("A value of “%(key)s” is longer than %(limit)d characters."),
    "too_many": gettext_lazy("“%(key)s” has more than %(limit)d values."),
    "not_text": gettext_lazy("README.md is not a text file in UTF-8."),
    "card_too_large": gettext_lazy("README.md is larger than %(limit)d bytes."),
}

# What the YAML reader says most often; anything else is shown as it says it.
YAML_PROBLEMS = (
    gettext_lazy("did not find expected ',' or ']'"),
    gettext_lazy("did not find expected ',' or '}'"),
    gettext_lazy("did not find expected key"),
    gettext_lazy("did not find expected '-' indicator"),
    gettext_lazy("did not find expected <document start>"),
    gettext_lazy("did not find expected node content"),
    gettext_lazy("did not find expected alphabetic or numeric character"),
    gettext_lazy("could not find expected ':'"),
    gettext_lazy("mapping values are not allowed in this context"),
    gettext_lazy("block sequence entries are not allowed in this context"),
    gettext_lazy("found unexpected end of stream"),
    gettext_lazy("found unexpected document indicator"),
    gettext_lazy("found character that cannot start any token"),
    gettext_lazy("found unknown escape character"),
    gettext_lazy("found undefined tag handle"),
    gettext_lazy("more than one document"),
)


def sentence(error: Mapping[str, Any]) -> str:
    """Return what a stored error says, with its line, in the language in force."""
    words = str(SENTENCES.get(str(error.get("code")), gettext_lazy("The settings could not be read.")))
    params = dict(error.get("params") or {})
    if problem := params.get("problem"):
        params["problem"] = _(str(problem))
    try:
        words = words % params
    except (KeyError, TypeError, ValueError):
        words = _("The settings could not be read.")
    line = error.get("line")
    return _("Line %(line)d: %(problem)s") % {"line": line, "problem": words} if isinstance(line, int) and line > 0 else words
