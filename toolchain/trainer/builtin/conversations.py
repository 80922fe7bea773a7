"""Rows of text as conversations: the four forms in which a dataset can teach a model to write.

`messages` are objects with `role` and `content`; `conversations` objects with `from` and `value`; `instruction` stands beside `output`, and
`input`, `system` and `history` (pairs of question and answer) may join them; `text` is to be continued, and has no answers.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MESSAGES, CONVERSATIONS, INSTRUCTIONS, TEXT = "messages", "conversations", "instruction", "text"
FORMS: Mapping[str, tuple[str, ...]] = {
    MESSAGES: ("messages",),
    CONVERSATIONS: ("conversations",),
    INSTRUCTIONS: ("instruction", "output"),
    TEXT: ("text",),
}
"""The forms, the first that fits counts, and the columns without which a row has not this form."""
SYSTEM, USER, ASSISTANT = "system", "user", "assistant"
ROLES: Mapping[str, str] = {
    "system": SYSTEM,
    "developer": SYSTEM,
    "user": USER,
    "human": USER,
    "assistant": ASSISTANT,
    "gpt": ASSISTANT,
    "chatgpt": ASSISTANT,
    "model": ASSISTANT,
    "bot": ASSISTANT,
}


class BadRow(Exception):
    """A row cannot be used; `code` says why. Where `skipped` it is left out, else its dataset has not the form that it seems to have."""

    def __init__(self, code: str, *, skipped: bool = False, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.skipped, self.facts = code, skipped, facts


@dataclass(frozen=True)
class Message:
    """What `role` (`system`, `user` or `assistant`) said."""

    role: str
    content: str


def conversation(form: str, values: Mapping[str, Any]) -> list[Message]:
    """Return the messages of a row, the last one from the assistant; of plain text one message without a role. Raises `BadRow`."""
    if form == TEXT:
        return [Message("", _needed(values, "text", "text_missing"))]
    if form == INSTRUCTIONS:
        found = _instruction(values)
    else:
        found = [_message(each, form) for each in _list(values.get(form), form)]
        if text(values, "system").strip() and not any(message.role == SYSTEM for message in found):
            found.insert(0, Message(SYSTEM, text(values, "system")))
    while found and found[-1].role != ASSISTANT:
        found.pop()
    if not any(message.role == ASSISTANT and message.content.strip() for message in found):
        raise BadRow("answer_missing", skipped=True)
    if not any(message.role == USER and message.content.strip() for message in found):
        raise BadRow("question_missing", skipped=True)
    return found


def text(values: Mapping[str, Any], column: str) -> str:
    """Return a value that must be text where there is one. Raises `BadRow`."""
    value = values.get(column)
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return str(value)
    if not isinstance(value, str):
        raise BadRow("value_not_text", column=column)
    return value


def unpacked(value: Any) -> Any:
    """Return a value that a flat file had to write as JSON text as what it means; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _needed(values: Mapping[str, Any], column: str, code: str) -> str:
    found = text(values, column)
    if not found.strip():
        raise BadRow(code, skipped=True)
    return found


def _instruction(values: Mapping[str, Any]) -> list[Message]:
    question = [part for name in ("instruction", "input") if (part := text(values, name).strip())]
    if not question:
        raise BadRow("question_missing", skipped=True)
    found = [Message(SYSTEM, text(values, "system"))] if text(values, "system").strip() else []
    for pair in _list(values.get("history") or [], "history"):
        if not isinstance(pair, Sequence) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise BadRow("history_not_pairs")
        found += [Message(USER, pair[0]), Message(ASSISTANT, pair[1])]
    return [*found, Message(USER, "\n\n".join(question)), Message(ASSISTANT, _needed(values, "output", "answer_missing"))]


def _list(value: Any, column: str) -> Sequence[Any]:
    found = unpacked(value)
    if found is None or found == "":
        raise BadRow("answer_missing", skipped=True)
    if not isinstance(found, list | tuple):
        raise BadRow("not_a_list", column=column)
    return found


def _message(value: Any, form: str) -> Message:
    if not isinstance(value, Mapping):
        raise BadRow("not_an_object", column=form)
    # Some sets of either form use the keys of the other.
    role, content = next(
        ((value[one], value.get(other)) for one, other in (("role", "content"), ("from", "value")) if value.get(one) is not None),
        (None, None),
    )
    if role is None:
        raise BadRow("role_missing", column=form)
    known = ROLES.get(str(role).strip().lower())
    if known is None:
        raise BadRow("role_unknown", role=str(role)[:80])
    if content is None:
        content = ""
    if not isinstance(content, str):
        raise BadRow("content_not_text", column=form)
    return Message(known, content)
