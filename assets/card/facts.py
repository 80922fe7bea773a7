"""Checking settings that come from a form or a program before they are written into a card."""

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from assets.card.keys import BY_COLUMN, MAX_VALUES

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


def check_facts(facts: Mapping[str, Any]) -> None:
    """Raise a `ValidationError` with messages by column for values that a card cannot hold."""
    found: dict[str, list[str]] = {}
    for column, value in facts.items():
        setting = BY_COLUMN[column]
        words = [str(word) for word in value] if isinstance(value, list | tuple) else [str(value)]
        if any(_CONTROL.search(word) for word in words):
            found.setdefault(column, []).append(_("Leave out line breaks and control characters."))
        if any(len(word) > setting.limit for word in words):
            found.setdefault(column, []).append(_("Use at most %(limit)d characters.") % {"limit": setting.limit})
        if len(words) > MAX_VALUES:
            found.setdefault(column, []).append(_("Use at most %(limit)d values.") % {"limit": MAX_VALUES})
    if found:
        raise ValidationError(found)
