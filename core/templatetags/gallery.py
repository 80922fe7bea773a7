"""Tags and filters of every template; a builtin library, so no page loads it."""

from datetime import datetime
from html import unescape
from typing import Any

from django import template
from django.forms import BoundField
from django.template.base import Parser, Token
from django.utils import translation
from django.utils.html import escape, format_html, json_script
from django.utils.safestring import SafeData, SafeString, mark_safe

from core import browsers, charts, icons, numbers, plates, plots, shell

register = template.Library()


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """Draw an icon: `{% icon "cube" %}`, `{% icon "check" "i-sm" %}`."""
    return mark_safe(icons.icon(name, extra))


@register.simple_tag
def plate(seed: str, kind: str = "model", pigment: str = "azurite", extra: str = "") -> SafeString:
    """Draw the plate of a repository: `{% plate "ns/name" "model" "azurite" "plate-lg" %}`."""
    return mark_safe(plates.plate(seed, kind, pigment, extra))


@register.filter(name="bytes")
def bytes_(value: Any) -> str:
    """Return a number of bytes as `4.98 GB`; empty for no value."""
    return "" if value in (None, "") else numbers.size(value)


@register.filter
def compact(value: Any) -> str:
    """Return a count as `128.4K` or `12.8 万`; empty for no value."""
    return "" if value in (None, "") else numbers.compact(value)


@register.filter
def parameters(value: Any) -> str:
    """Return a parameter count as `7.50 B`; empty for no value."""
    return "" if value in (None, "") else numbers.parameters(value)


@register.filter
def number(value: Any) -> str:
    """Return a whole number as `7,503,876,096`; empty for no value."""
    return "" if value in (None, "") else numbers.grouped(value)


@register.filter
def ago(value: datetime | None) -> str:
    """Return a <time> element: relative for 30 days, then the date; empty for no value."""
    return numbers.time_element(value) if value else ""


@register.filter
def day(value: datetime | None) -> str:
    """Return a <time> element with the date; empty for no value."""
    return _time(value, numbers.date(value)) if value else ""


@register.filter
def moment(value: datetime | None) -> str:
    """Return a <time> element with date, time and zone; empty for no value."""
    return _time(value, numbers.date_and_time(value)) if value else ""


def _time(value: datetime, text: str) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', value.isoformat(timespec="seconds"), text)


@register.filter
def duration(seconds: Any) -> str:
    """Return seconds as `3 min 5 s`; empty for no value."""
    return "" if seconds in (None, "") else numbers.duration(seconds)


@register.filter
def figure(value: Any) -> str:
    """Return a measured value in four digits, `0.8424`, `11,480`; a dash for no value."""
    return "–" if value in (None, "") else numbers.figure(value)


@register.filter
def signed(value: Any) -> str:
    """Return a change in four digits with its sign, `−0.061`; empty for no value."""
    return "" if value in (None, "") else ("\u2212" if value < 0 else "+") + numbers.figure(abs(value))


@register.filter
def initials(name: str) -> str:
    """Return what stands in an avatar: one Chinese character or up to two letters."""
    words = str(name).replace("-", " ").replace("_", " ").split()
    if not words:
        return ""
    if words[0][0] >= "\u2e80":
        return words[0][0]
    return (words[0][0] + words[-1][0] if len(words) > 1 else words[0][:2]).upper()


@register.filter
def pigment(seed: Any) -> str:
    """Return a pigment for a name, always the same one."""
    return plates.PIGMENTS[sum(str(seed).encode()) % len(plates.PIGMENTS)]


@register.filter
def browser(user_agent: str) -> str:
    """Return `Firefox, Linux` for the line by which a browser names itself."""
    return browsers.name(user_agent)


@register.filter
def attribute(text: Any) -> str:
    """Return text for an attribute's value; markup from a slot, where quotes stand as they are, is escaped again as a whole."""
    return escape(unescape(str(text))) if isinstance(text, SafeData) else escape(text)


@register.filter
def first_line(text: Any) -> str:
    """Return the first line of a commit message."""
    return str(text or "").strip().split("\n", 1)[0]


@register.filter
def has(mapping: dict[str, Any], key: str) -> bool:
    """Say whether a dictionary has a key, also one with a dash in it."""
    return key in mapping


@register.filter
def file_icon(item: Any) -> str:
    """Return the icon of a file or folder: `item` has `name` and `is_folder`."""
    return "folder" if item.is_folder else icons.of_file(item.name)


@register.filter
def control(field: BoundField, bare: bool | str = False) -> SafeString:
    """Render a form field's control with our classes and its hint and errors announced; bare: without placeholder, "all": without hint too."""
    widget = field.field.widget
    if bare:
        widget.attrs.pop("placeholder", None)
    kind = getattr(widget, "input_type", "")
    attributes: dict[str, Any] = {}
    if kind not in ("checkbox", "radio", "hidden", "range", "file"):
        base = (
            "select" if kind == "select" else "textarea" if kind == "" and hasattr(widget, "attrs") and "rows" in widget.attrs else "input"
        )
        attributes["class"] = f"{base} {widget.attrs.get('class', '')}".rstrip()
    described = [
        part
        for part, wanted in ((f"{field.auto_id}-hint", field.help_text and bare != "all"), (f"{field.auto_id}-error", field.errors))
        if wanted
    ]
    if described:
        attributes["aria-describedby"] = " ".join(described)
    if field.errors:
        attributes["aria-invalid"] = "true"
    if limit := getattr(field.field, "max_length", None):
        if field.field.widget.attrs.get("data-count") is not None:
            attributes["data-count"] = f"{field.auto_id}-count"
        attributes["maxlength"] = str(limit)
    return field.as_widget(attrs=attributes)


@register.filter
def kind_of(field: BoundField) -> str:
    """Return which markup a field needs: `check`, `switch`, `radios`, `checks`, `hidden`, `password`, `text`."""
    widget = field.field.widget
    name = type(widget).__name__
    if field.is_hidden:
        return "hidden"
    if name == "CheckboxInput":
        return "switch" if widget.attrs.get("role") == "switch" else "check"
    return {"RadioSelect": "radios", "CheckboxSelectMultiple": "checks", "PasswordInput": "password"}.get(name, "text")


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """Return `?…` of this request with parameters set, or dropped where the value is None; lists repeat the name."""
    parameters = context["request"].GET.copy()
    for key, value in changes.items():
        if value is None or value == "":
            parameters.pop(key, None)
        elif isinstance(value, (list, tuple)):
            parameters.setlist(key, [str(part) for part in value])
        else:
            parameters[key] = str(value)
    return f"?{parameters.urlencode()}" if parameters else "?"


@register.simple_tag
def shell_strings() -> SafeString:
    """Hand the scripts their words as a JSON element."""
    return json_script(shell.strings(), "strings")


@register.simple_tag
def language_tag() -> str:
    """Return the page's language as HTML names it: `zh-Hans` or `en`."""
    return "zh-Hans" if (translation.get_language() or "").startswith("zh") else "en"


@register.simple_tag
def chart(figure: charts.Figure) -> SafeString:
    """Draw a line chart from a `core.charts.Figure`."""
    return mark_safe(charts.line(figure))


@register.simple_tag
def plot(plot: plots.Plot) -> SafeString:
    """Draw lines over numbers or time from a `core.plots.Plot`."""
    return mark_safe(plots.draw(plot))


@register.simple_tag
def histogram(values: list[float], label: str, pigment: str = "azurite", extra: str = "hist") -> SafeString:
    """Draw a small distribution; `label` says it in words."""
    return mark_safe(charts.histogram(values, label=label, pigment=pigment, extra=extra))


@register.simple_tag
def stack(parts: list[tuple[float, str]], label: str) -> SafeString:
    """Draw shares (0 to 1, pigment) in one bar; `label` says it in words."""
    return mark_safe(charts.stack(parts, label=label))


@register.simple_tag
def spark(values: list[float], pigment: str = "stone") -> SafeString:
    """Draw a sparkline, as decoration."""
    return mark_safe(charts.spark(values, pigment))


class SlotNode(template.Node):
    """Renders its body into a variable."""

    def __init__(self, name: str, body: template.NodeList) -> None:
        self.name, self.body = name, body

    def render(self, context: template.Context) -> str:
        context[self.name] = mark_safe(self.body.render(context).strip())
        return ""


@register.tag
def slot(parser: Parser, token: Token) -> SlotNode:
    """Keep markup for a component: `{% slot actions %}<a …>{% endslot %}{% include "components/state.html" with actions=actions only %}`."""
    _, name = token.split_contents()
    body = parser.parse(("endslot",))
    parser.delete_first_token()
    return SlotNode(name, body)
