"""What programs write for a terminal, as safe HTML: colours kept, progress bars as they last stood, nothing hidden."""

import re
from dataclasses import dataclass
from html import escape

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

LONGEST = 4000
"""Characters shown of one line."""

_COLOUR = re.compile(r"(?:\x1b\[|\x9b)([0-9;:]{0,64})m")
# ECMA-48: control sequences, control strings up to their end or the line's, other escapes.
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]{0,8}[0-Z\\`-~]"
)
# Controls, and what changes the order of characters or takes no room (UAX 9, UTS 39), but for the joiners that scripts need.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_PIGMENTS = {31: "cinnabar", 32: "malachite", 33: "gamboge", 34: "azurite", 35: "wisteria", 36: "azurite"}
_PIGMENTS |= {code + 60: pigment for code, pigment in _PIGMENTS.items()} | {90: "stone"}
_ERROR = re.compile(r"\b(?:ERROR|CRITICAL|FATAL)\b|\bTraceback \(most recent call last\)|^[\w.]*(?:Error|Exception)\b")
_WARNING = re.compile(r"\bWARN(?:ING)?\b|Warning:")


@dataclass
class Painter:
    """Renders one line after the other; colours go on from line to line, as they do in a terminal. `find` is marked."""

    find: str = ""
    _pigment: str = ""
    _bold: bool = False

    def paint(self, line: str) -> SafeString:
        """Return a line, without its end, as HTML."""
        line = as_it_stood(line)
        more = len(line) - LONGEST
        parts, start = [], 0
        for found in _COLOUR.finditer(line[:LONGEST]):
            parts.append(self._run(line[start : found.start()]))
            self._colour(found[1])
            start = found.end()
        parts.append(self._run(line[start:LONGEST]))
        if more > 0:
            parts.append(f'<span class="ctl">{escape(gettext("… %(count)s more characters") % {"count": f"{more:,}"})}</span>')
        return mark_safe("".join(parts))

    def _run(self, text: str) -> str:
        text = _ESCAPE.sub("", text)
        if not text:
            return ""
        markup = _marked(text, self.find)
        if self._bold:
            markup = f"<b>{markup}</b>"
        return f'<span class="ink" data-pigment="{self._pigment}">{markup}</span>' if self._pigment else markup

    def _colour(self, codes: str) -> None:
        numbers = [int(code) if code.isdigit() else 0 for code in re.split("[;:]", codes)[:32]]
        while numbers:
            code = numbers.pop(0)
            if code == 0:
                self._pigment, self._bold = "", False
            elif code in (1, 22):
                self._bold = code == 1
            elif code in (38, 48):  # a colour of a palette (5;n) or a mixed one (2;r;g;b)
                del numbers[: {5: 2, 2: 4}.get(numbers[0] if numbers else 0, 1)]
            elif code in _PIGMENTS:
                self._pigment = _PIGMENTS[code]
            elif 30 <= code <= 39 or 90 <= code <= 97:
                self._pigment = ""


def as_it_stood(line: str) -> str:
    """Return what a terminal would show of a line that was written over: what follows the last carriage return or backspace."""
    if "\r" in line:
        line = next((part for part in reversed(line.split("\r")) if _plain(part).strip()), "")
    if "\b" in line:
        kept: list[str] = []
        for character in line:
            if character != "\b":
                kept.append(character)
            elif kept:
                kept.pop()
        line = "".join(kept)
    return line


def _plain(text: str) -> str:
    return _ESCAPE.sub("", _COLOUR.sub("", text)) if "\x1b" in text or "\x9b" in text else text


def visible(text: str) -> str:
    """Return text as HTML in which hidden characters show as what they are."""
    return _HIDDEN.sub(_named, escape(text))


def _named(found: re.Match[str]) -> str:
    code = ord(found[0])
    name = chr(0x2400 + code) if code < 32 else "\u2421" if code == 127 else f"U+{code:04X}"
    return f'<span class="ctl">{name}</span>'


def _marked(text: str, find: str) -> str:
    if not find:
        return visible(text)
    parts = re.split(f"({re.escape(find)})", text, flags=re.IGNORECASE)
    return "".join(f"<mark>{visible(part)}</mark>" if place % 2 else visible(part) for place, part in enumerate(parts))


def level(line: str) -> str:
    """Return `error`, `warning` or nothing for what a line says of itself."""
    line = _plain(line[:500])
    return "error" if _ERROR.search(line) else "warning" if _WARNING.search(line) else ""
