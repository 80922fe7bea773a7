"""What applicants and deciders write: the questions of an owner, and answers that fit them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from core.problems import Invalid, Problem

MAX_TEXT = 500
MAX_LONG = 4000
MAX_DAYS = 3650


def check_text(value: Any, field: str, *, most: int = MAX_TEXT, required: bool = False) -> str:
    """Return `value` as one may store it, without spaces around it; raises a `Problem` with a message for `field`."""
    text, message = _text(value, most, required)
    if message:
        raise invalid({field: [message]})
    return text


def check_days(days: Any) -> int | None:
    """Return the length of a grant, None for one without end; raises a `Problem` with a message for `days`."""
    if days is None or (type(days) is int and 1 <= days <= MAX_DAYS):
        return days
    raise invalid({"days": [_("Give a number of days from 1 to %(most)d, or nothing for no end.") % {"most": MAX_DAYS}]})


def check_answers(questions: Sequence[Mapping[str, Any]], given: Any) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the answers to `questions` by id, and messages by field (`answers.<id>`) for what is missing or does not fit."""
    if not isinstance(given, Mapping):
        return {}, {"answers": [_("This must be an object with an answer for each question.")]}
    answers: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for question in questions:
        answer, message = _answer(question, given.get(question["id"]))
        if message:
            errors[f"answers.{question['id']}"] = [message]
        elif answer not in ("", None):
            answers[question["id"]] = answer
    known = {question["id"] for question in questions}
    errors |= {f"answers.{str(name)[:64]}": [_("There is no such question.")] for name in given if name not in known}
    return answers, errors


def invalid(errors: Mapping[str, Sequence[Any]]) -> Problem:
    """Return the refusal of values, with messages by field."""
    return Invalid(errors)


def _answer(question: Mapping[str, Any], value: Any) -> tuple[Any, str]:
    kind, required = question["kind"], bool(question.get("required"))
    if kind == "check":
        if value not in (None, True, False):
            return None, _("This must be true or false.")
        return bool(value), _("This must be ticked.") if required and not value else ""
    text, message = _text(value, MAX_LONG if kind == "long" else MAX_TEXT, required)
    if not message and kind == "choice" and text and text not in question.get("choices", []):
        return "", _("Choose one of the answers offered.")
    return text, message


def _text(value: Any, most: int, required: bool) -> tuple[str, str]:
    if value is not None and not isinstance(value, str):
        return "", _("This must be a string.")
    text = (value or "").strip()
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        return "", _("This holds characters that cannot be stored.")
    if required and not text:
        return "", _("This field is required.")
    # Browsers send two characters for a line end and count one.
    if len(text.replace("\r\n", "\n")) > most:
        return "", _("Use at most %(limit)d characters.") % {"limit": most}
    return text.replace("\r\n", "\n"), ""
