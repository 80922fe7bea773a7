"""Understanding a card."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from assets.card.keys import BARE, DEFAULTS, MAX_VALUES, SETTINGS, Setting, Style
from assets.card.matter import Entry, Matter, lines_of, read
from assets.card.problems import CardError
from assets.taxonomy import spelled as spelled_in_data
from core.markdown import front_matter

Speller = Callable[[str, str], str | None]
"""Returns the code that a vocabulary has for a spelling, or None."""

_PAIR = re.compile(r"(?P<key>[A-Za-z][A-Za-z0-9_]*)[ \t]*:(?:[ \t]|\r?\n|\Z)")
_CHINESE = re.compile("[\u3400-\u9fff]")
_TRUE, _FALSE = {"true", "yes", "on", "1", "是", "支持"}, {"false", "no", "off", "0", "否", "不支持", "none"}
_HUB_CASE = {setting.hub for setting in SETTINGS} | {"task_categories"}
_GALLERY_CASE = {setting.gallery for setting in SETTINGS} | {
    "Train_image_url",
    "Train_command_path",
    "Infer_image_url",
    "Infer_command_path",
}


@dataclass(frozen=True)
class Card:
    """What a card says.

    `settings` holds a value for every column of `COLUMNS` that could be understood; a column whose value could not is absent,
    so that its last good value stays. With `readable` False nothing of the head could be read, and `settings` is empty.
    `keys` says which key each column was read from. The head stands in `text[start:end]`, `fenced` by `---` lines or bare.
    """

    text: str
    body: str
    front_matter: Mapping[str, Any]
    settings: Mapping[str, Any]
    errors: tuple[CardError, ...]
    readable: bool
    keys: Mapping[str, str] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()
    start: int = 0
    end: int = 0
    fenced: bool = False

    @property
    def style(self) -> Style:
        """The spelling of most of the card's keys."""
        ours = sum(entry.key in _GALLERY_CASE for entry in self.entries)
        return "gallery" if ours > sum(entry.key in _HUB_CASE for entry in self.entries) else "hub"

    @property
    def line(self) -> int:
        """How many lines of the file stand before the head."""
        return self.text.count("\n", 0, self.start)


def parse(text: str, spelled: Speller | None = None) -> Card:
    """Return what `text` says. `spelled` knows the vocabularies; without it the shipped ones count. Never raises."""
    spelled = spelled or spelled_in_data
    place = front_matter(text)
    if place.unclosed:
        return Card(text, text, {}, {}, (CardError("unclosed", 1),), readable=False)
    if place.present:
        start, end, body = place.start, place.end, place.body
    else:
        start, end = _bare(text)
        body = end
    matter = read(text[start:end], text.count("\n", 0, start)) if end > start else Matter()
    rest = text[body:].removeprefix("\ufeff") if body else text.removeprefix("\ufeff")
    where: dict[str, Any] = {"start": start, "end": end, "fenced": place.present}
    if matter.error:
        return Card(text, rest, {}, {}, (matter.error,), readable=False, **where)
    settings, keys, errors = _settings(matter, spelled, text.count("\n", 0, start))
    return Card(text, rest, matter.values, settings, tuple(errors), readable=True, keys=keys, entries=matter.entries, **where)


def _bare(text: str) -> tuple[int, int]:
    """Return where the leading keys of a card without `---` lines stand; they end at a blank line, a heading or prose."""
    start = position = len(text) - len(text.lstrip("\ufeff \t\r\n"))
    first = _PAIR.match(text, start)
    if first is None or first["key"].lower() not in BARE or (start and text[start - 1] not in "\ufeff\r\n"):
        return 0, 0
    for line in lines_of(text[start:]):
        if not line.strip() or not (_PAIR.match(line) or line.startswith(("- ", " ", "\t"))):
            break
        position += len(line)
    return start, position


def _settings(matter: Matter, spelled: Speller, offset: int) -> tuple[dict[str, Any], dict[str, str], list[CardError]]:
    present: dict[str, Entry] = {}
    for entry in matter.entries:
        present.setdefault(entry.key.lower().replace("-", "_"), entry)
    settings, keys, errors = dict(DEFAULTS), {}, []
    for setting in SETTINGS:
        found = next((present[name] for name in setting.names if name in present and _meant(setting, name, present[name])), None)
        if found is None:
            settings[setting.column] = [] if setting.shape == "many" else settings[setting.column]
            continue
        keys[setting.column] = found.key
        try:
            settings[setting.column] = understood(setting, found.node.value, spelled)
        except _NotUnderstood as problem:
            del settings[setting.column]
            errors.append(CardError(problem.code, offset + found.line + 1, {"key": found.key[:80], **problem.params}))
    if settings.get("licence") == "other" and (named := present.get("license_name")):
        settings["licence"] = spelled("licence", str(named.node.value)) or "other"
    return settings, keys, errors


def _meant(setting: Setting, name: str, entry: Entry) -> bool:
    """Whether the value under this name is the setting's at all; an English `pretty_name` is no Chinese name."""
    return name != "pretty_name" or bool(_CHINESE.search(str(entry.node.value)))


class _NotUnderstood(Exception):
    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params


def understood(setting: Setting, value: Any, spelled: Speller) -> Any:
    """Return the column's value for a YAML value."""
    if setting.shape == "flag":
        return _flag(value)
    words = words_of(setting, value)
    if len(words) > MAX_VALUES:
        raise _NotUnderstood("too_many", limit=MAX_VALUES)
    if any(len(word) > setting.limit for word in words):
        raise _NotUnderstood("too_long", limit=setting.limit)
    codes = list(dict.fromkeys(code_of(setting, word, spelled) for word in words))
    return codes if setting.shape == "many" else codes[0] if codes else ""


def code_of(setting: Setting, word: str, spelled: Speller) -> str:
    """Return the vocabulary's code for a word, or the word itself."""
    return (spelled(setting.vocabulary, word) if setting.vocabulary else None) or word


def words_of(setting: Setting, value: Any) -> list[str]:
    """Return the words of a YAML value: one, or those of a list; of a line with commas where the setting takes several."""
    if isinstance(value, str) and setting.shape == "many" and setting.vocabulary:
        value = re.split(r"[,，、]", value)
    words = [_word(item) for item in (value if isinstance(value, list) else [value])]
    return [word for word in words if word]


def _word(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return " ".join(str(value).split())
    raise _NotUnderstood("wrong_shape")


def _flag(value: Any) -> bool:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    word = _word(value).lower()
    if word in _TRUE:
        return True
    if word in _FALSE or not word:
        return False
    raise _NotUnderstood("not_a_flag")
