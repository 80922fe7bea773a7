"""What HTML may leave a Markdown text, and the finishing touches of the design on it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape, unescape
from urllib.parse import urlsplit

import nh3
from django.conf import settings
from django.utils.translation import gettext as _

LinkResolver = Callable[[str, bool], str | None]

TAGS = frozenset(
    "a abbr b bdi bdo blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure h2 h3 h4 h5 h6 hr i "
    "img ins kbd li mark ol p pre q rp rt ruby s samp section small span strong sub summary sup table tbody td tfoot th thead time tr u ul "
    "var wbr".split()
)
ATTRIBUTES = {
    "*": {"id", "class", "lang", "dir", "title", "align", "aria-label"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start", "type", "reversed"},
    "li": {"value"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "details": {"open"},
    "time": {"datetime"},
}
DROPPED_WITH_CONTENT = {"script", "style", "template", "title", "textarea", "select", "iframe", "object", "noscript", "svg", "math", "xmp"}
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+\Z")
_PATTERNS = {
    "lang": re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}"),
    "dir": re.compile(r"ltr|rtl|auto"),
    "align": re.compile(r"left|right|center|justify|top|middle|bottom"),
    "width": re.compile(r"\d{1,4}(?:px|%)?"),
    "height": re.compile(r"\d{1,4}(?:px|%)?"),
    "colspan": re.compile(r"\d{1,3}"),
    "rowspan": re.compile(r"\d{1,3}"),
    "scope": re.compile(r"col|row|colgroup|rowgroup"),
    "start": re.compile(r"-?\d{1,6}"),
    "value": re.compile(r"-?\d{1,6}"),
    "type": re.compile(r"[1aAiI]"),
}
_ELEMENT = re.compile(r"""<(?P<close>/?)(?P<tag>[a-z][a-z0-9]*)(?P<attributes>(?:\s+[a-z-]+="[^"]*")*)\s*/?>""")
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')


@dataclass
class Cleaner:
    """Turns the HTML of one Markdown text into what may stand in a page.

    Classes, labels and markup of our own pass by carrying `nonce`, which no author can know: `own(…)` before a value, and
    `island(html)` in the place of markup that is already safe.
    """

    nonce: str
    prefix: str
    resolve: LinkResolver | None
    _islands: list[str] = field(default_factory=list)
    _ids: dict[str, int] = field(default_factory=dict)

    def own(self, value: str) -> str:
        """Mark an attribute's value as ours."""
        return f"{self.nonce}{value}"

    def island(self, html: str) -> str:
        """Return the text that stands for `html` until the cleaning is over."""
        self._islands.append(html)
        return f"{self.nonce}{len(self._islands) - 1}z"

    def clean(self, html: str) -> str:
        """Return safe HTML with the islands in their places."""
        cleaned = nh3.clean(
            html,
            tags=set(TAGS),
            attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
            clean_content_tags=DROPPED_WITH_CONTENT,
            attribute_filter=self._attribute,
            url_schemes={"http", "https", "mailto", "data"},
            link_rel=None,
            strip_comments=True,
        )
        return Finish(self.nonce, self._islands).over(cleaned)

    def _attribute(self, tag: str, name: str, value: str) -> str | None:
        try:
            return self._kept(tag, name, value)
        except Exception:
            # An error here would leave the attribute as its author wrote it.
            return None

    def _kept(self, tag: str, name: str, value: str) -> str | None:
        if name in ("class", "aria-label"):
            return value.removeprefix(self.nonce) if value.startswith(self.nonce) else None
        if name == "id":
            return self._unique(value)
        if name == "href":
            return self._link(value)
        if name == "src":
            return self._picture(value)
        if name in ("alt", "title"):
            return value.replace(self.nonce, "")
        if name in ("open", "reversed", "datetime"):
            return value[:40]
        pattern = _PATTERNS.get(name)
        return value if pattern is not None and pattern.fullmatch(value) else None

    def _unique(self, value: str) -> str | None:
        name = re.sub(r"[\s\x00-\x1f\"'<>`=&]+", "-", value.removeprefix(self.nonce)).strip("-")[:120]
        if not name:
            return None
        count = self._ids[name] = self._ids.get(name, -1) + 1
        return f"{self.prefix}{name}" if count == 0 else self._unique(f"{name}-{count}")

    def _link(self, value: str) -> str | None:
        target = _bare(value)
        if target.startswith("#"):
            return f"#{self.prefix}{target[1:]}" if len(target) > 1 else None
        if target.startswith("//"):
            return f"https:{target}"
        if _SCHEME.match(target):
            return target if target.lower().startswith(("http://", "https://", "mailto:")) else None
        return self.resolve(target, False) if self.resolve and target else None

    def _picture(self, value: str) -> str | None:
        target = _bare(value)
        if target.startswith("//"):
            return f"https:{target}"
        if _SCHEME.match(target):
            return target if target.lower().startswith(("http://", "https://")) or _PICTURE.match(target) else None
        return self.resolve(target, True) if self.resolve and target else None


def _bare(value: str) -> str:
    """Return an address without the control characters that browsers ignore in it; backslashes count as slashes to them."""
    target = re.sub(r"[\x00-\x20\x7f]+", "", value) if _SCHEME.match(re.sub(r"[\x00-\x20]+", "", value)) else value.strip()
    return target.replace("\\", "/") if target.startswith(("\\", "/\\")) else target


def outside(address: str) -> bool:
    """Whether `address` leads to another site."""
    parts = urlsplit(address)
    return parts.scheme in ("http", "https") and f"{parts.scheme}://{parts.netloc}" != settings.PUBLIC_URL


class Finish:
    """Walks cleaned HTML once: outside links, pictures, tables, code and heading anchors as the design has them."""

    def __init__(self, nonce: str, islands: list[str]) -> None:
        self.islands = islands
        self.pattern = re.compile(rf"<div>\s*{nonce}(?P<block>\d+)z\s*</div>|{nonce}(?P<inline>\d+)z|{_ELEMENT.pattern}")
        self.links = self.tables = 0
        self.heading: list[str] | None = None
        self.heading_id = ""
        self.label = ""
        self.labels: dict[str, int] = {}
        self.headed = False

    def over(self, html: str) -> str:
        """Return `html` finished."""
        out: list[str] = []
        position = 0
        for found in self.pattern.finditer(html):
            between = html[position : found.start()]
            if self.heading is not None:
                self.heading.append(between)
            out += (between, self._replaced(found))
            position = found.end()
        return "".join([*out, html[position:]])

    def _replaced(self, found: re.Match[str]) -> str:
        if number := found["block"] or found["inline"]:
            return self.islands[int(number)] if int(number) < len(self.islands) else ""
        tag, closing = found["tag"], bool(found["close"])
        attributes = {name: unescape(value) for name, value in _ATTRIBUTE.findall(found["attributes"])}
        if tag == "a":
            return self._a(closing, attributes)
        if tag == "img":
            return self._img(attributes)
        if tag == "table":
            return self._table(closing, found[0])
        if tag in ("thead", "tbody"):
            self.headed = tag == "thead" and not closing
        if tag == "th" and not closing and "scope" not in attributes:
            return _element("th", {**attributes, "scope": "col" if self.headed else "row"})
        if tag == "pre":
            return "</pre></div>" if closing else '<div class="code"><pre tabindex="0">'
        if tag in ("h2", "h3", "h4", "h5", "h6"):
            return self._headline(closing, attributes, found[0])
        return found[0]

    def _a(self, closing: bool, attributes: dict[str, str]) -> str:
        self.links += -1 if closing else 1
        if closing:
            return "</a>"
        if outside(attributes.get("href", "")):
            attributes |= {"target": "_blank", "rel": "noopener noreferrer nofollow ugc"}
        return _element("a", attributes)

    def _img(self, attributes: dict[str, str]) -> str:
        source, words = attributes.get("src", ""), attributes.get("alt", "").strip()
        if not source:
            return escape(words, quote=False)
        if not outside(source):
            return _element("img", {**attributes, "alt": words, "loading": "lazy"})
        # A picture of another site would tell that site who reads this page.
        name = words or _("Picture on another site")
        if self.links:
            return escape(name, quote=False)
        return (
            _element("a", {"href": source, "target": "_blank", "rel": "noopener noreferrer nofollow ugc"})
            + f"{escape(name, quote=False)}</a>"
        )

    def _table(self, closing: bool, source: str) -> str:
        self.tables += -1 if closing else 1
        if closing:
            return f"{source}</div>" if self.tables == 0 else source
        if self.tables > 1:
            return source
        name = self.label or _("Table")
        count = self.labels[name] = self.labels.get(name, 0) + 1
        label = name if count == 1 else _("%(name)s, table %(number)d") % {"name": name, "number": count}
        return _element("div", {"class": "table-scroll", "tabindex": "0", "role": "region", "aria-label": label}) + source

    def _headline(self, closing: bool, attributes: dict[str, str], source: str) -> str:
        if not closing:
            self.heading, self.heading_id = [], attributes.get("id", "")
            return source
        self.label = " ".join(unescape("".join(self.heading or [])).split())[:120]
        self.heading = None
        if not self.heading_id or not self.label:
            return source
        label = _("Link to “%(heading)s”") % {"heading": self.label}
        return _element("a", {"class": "anchor", "href": f"#{self.heading_id}", "aria-label": label}) + f"#</a>{source}"


def _element(tag: str, attributes: dict[str, str]) -> str:
    return f"<{tag}" + "".join(f' {name}="{escape(value)}"' for name, value in attributes.items()) + ">"
