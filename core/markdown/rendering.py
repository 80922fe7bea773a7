"""The one way from Markdown to HTML."""

import re
import secrets
import time
from collections.abc import Sequence
from html import escape
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin

from core.icons import icon
from core.markdown.cleaning import Cleaner, LinkResolver
from core.markdown.colours import coloured
from core.markdown.front_matter import front_matter
from core.markdown.maths import mathml

MAX_TEXT = 300_000
MAX_NESTING = 40
MAX_HTML_DEPTH = 100
MAX_HTML_WORK = 400_000
MAX_GROWTH = 20
SECONDS = 1.2
CODE_SECONDS = 0.5
MATHS_SECONDS = 0.5

_HEADING = re.compile(r"(</?)h([1-6])\b", re.IGNORECASE)
_RAW_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*?(/?)>|<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_ALERTS = {"NOTE": ("info", "info-circle"), "TIP": ("ok", "circle-check"), "IMPORTANT": ("info", "alert-circle"),
           "WARNING": ("warn", "alert-triangle"), "CAUTION": ("danger", "alert-circle")}  # fmt: skip


class _TooSlow(Exception):
    """The text takes more processor time than a page may."""


class _TooDeep(Exception):
    """The HTML in the text nests deeper than any document does."""


class _Run:
    """What one rendering keeps: its clock, its cleaner, and what it has spent on code and formulas."""

    def __init__(self, cleaner: Cleaner, prefix: str, top: int, until: float) -> None:
        self.cleaner, self.prefix, self.top, self.until = cleaner, prefix, top, until
        self.code_left, self.maths_left = CODE_SECONDS, MATHS_SECONDS
        self.codes = 0
        self.levels: dict[int, int] = {}

    def tick(self) -> None:
        if time.thread_time() > self.until:
            raise _TooSlow

    def level(self, level: int) -> int:
        """Return the level at which a heading that its author put at `level` stands in the page."""
        return self.levels.get(level, min(level + self.top - 1, 6))


def render(text: str, *, resolve_link: LinkResolver | None = None, id_prefix: str = "md-", top_heading: int = 2) -> SafeString:
    """Return `text` as HTML that may stand in a page, inside an element with `hx-ignore`.

    `resolve_link(target, is_image)` turns a relative target into an address of this site, or None to drop it; without it,
    relative links are dropped. Pictures of other sites become links. Ids begin with `id_prefix`; the highest heading gets
    level `top_heading`. Of a text above `MAX_TEXT` characters the beginning is rendered; one that takes too long is shown as
    source; the output says so. The words come in the language in force, so a cache key needs it.
    """
    body = text[front_matter(text).body :]
    shown = _beginning(body)
    try:
        html = _rendered(shown, resolve_link, id_prefix, top_heading)
    except _TooSlow:
        html = _note(_("This text is too intricate to lay out, so its source is shown.")) + _source(shown)
    if len(shown) < len(body):
        html += _note(_("The text goes on, but only its beginning is shown here. Open the file to read all of it."))
    return mark_safe(html)


def _rendered(text: str, resolve: LinkResolver | None, prefix: str, top: int) -> str:
    until = time.thread_time() + SECONDS
    for parser in (_PARSER, _PARSER_WITHOUT_HTML):
        cleaner = Cleaner(f"zq{secrets.token_hex(8)}x", prefix, resolve)
        run = _Run(cleaner, prefix, top, until)
        env: dict[str, Any] = {"run": run}
        try:
            tokens = parser.parse(text, env)
            _settle_headings(tokens, run)
            html = parser.renderer.render(tokens, parser.options, env)
            if parser is _PARSER:
                _check_depth(html)
            cleaned = cleaner.clean(html)
        except _TooDeep:
            continue
        except RecursionError as error:
            raise _TooSlow from error
        if len(cleaned) < MAX_GROWTH * len(html) + 100_000:
            return cleaned
    raise _TooSlow


def _beginning(text: str) -> str:
    """Return `text` up to the last line end within the bound."""
    if len(text) <= MAX_TEXT:
        return text
    cut = text.rfind("\n", 0, MAX_TEXT)
    return text[: cut if cut > MAX_TEXT // 2 else MAX_TEXT]


def _check_depth(html: str) -> None:
    """Raise `_TooDeep` where tags nest so deep that a browser, and the cleaner before it, would crawl.

    Formatting left open is repeated in every paragraph that follows, so the depth counts once for each tag.
    """
    depth = work = 0
    for found in _RAW_TAG.finditer(html):
        name = (found[2] or found[5]).lower()
        work += depth
        if found[1] or found[4]:
            depth = max(0, depth - 1)
        elif name not in _VOID and name not in ("p", "li") and not found[3]:
            depth += 1
        if depth > MAX_HTML_DEPTH or work > MAX_HTML_WORK:
            raise _TooDeep


def _settle_headings(tokens: Sequence[Token], run: _Run) -> None:
    """Map the levels in use to consecutive ones from the top, and name every heading after its words."""
    raw = [token for token in _flat(tokens) if token.type in ("html_block", "html_inline")]
    used = {int(token.tag[1]) for token in tokens if token.type == "heading_open"}
    used |= {int(found[2]) for token in raw for found in _HEADING.finditer(token.content)}
    run.levels = {level: min(run.top + rank, 6) for rank, level in enumerate(sorted(used))}
    for token in raw:
        token.content = _HEADING.sub(lambda found: f"{found[1]}h{run.level(int(found[2]))}", token.content)
    for index, token in enumerate(tokens):
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{run.level(int(token.tag[1]))}"
        if token.type == "heading_open":
            words = "".join(child.content for child in tokens[index + 1].children or [] if child.type in ("text", "code_inline"))
            token.attrSet("id", run.cleaner.own(_slug(words)))


def _flat(tokens: Sequence[Token]) -> list[Token]:
    return [each for token in tokens for each in (token, *(token.children or []))]


def _slug(words: str) -> str:
    """Return the fragment that authors use for a heading: lower case, words joined by hyphens, punctuation left out."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", words.strip().lower())) or "section"


def _note(sentence: str) -> str:
    return f'<div class="note note-warn">{icon("alert-triangle")}<div><strong>{escape(sentence, quote=False)}</strong></div></div>'


def _source(text: str) -> str:
    return f'<div class="code"><pre tabindex="0">{escape(text, quote=False)}</pre></div>'


class _Renderer(RendererHTML):
    """Code, formulas, checkboxes and notes in the markup of the design."""

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token, run = tokens[idx], env["run"]
        language = token.info.strip().split(maxsplit=1)[0].strip("{}.,;:") if token.info.strip() else ""
        return f"<div>{run.cleaner.island(_code(run, token.content, language[:40]))}</div>\n"

    def code_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        run = env["run"]
        return f"<div>{run.cleaner.island(_code(run, tokens[idx].content, ''))}</div>\n"

    def list_item_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        opened = self.renderToken(tokens, idx, options, env)
        if "checked" not in token.meta:
            return opened
        checked, label = (" checked", _("Done")) if token.meta["checked"] else ("", _("To do"))
        box = env["run"].cleaner.island(f'<input type="checkbox" disabled{checked} aria-label="{escape(label)}">')
        return f"{opened}{box} "

    def math_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return str(env["run"].cleaner.island(_formula(env["run"], tokens[idx].content, block=False)))

    def math_inline_double(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return str(env["run"].cleaner.island(_formula(env["run"], tokens[idx].content, block=True)))

    def math_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"<div>{env['run'].cleaner.island(_formula(env['run'], tokens[idx].content, block=True))}</div>\n"

    def alert_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        run = env["run"]
        tone, drawn = _ALERTS[tokens[idx].meta["kind"]]
        return f'<div class="{run.cleaner.own(f"note note-{tone}")}">{run.cleaner.island(icon(drawn))}<div>\n'

    def alert_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</div></div>\n"

    def alert_title_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "<strong>"

    def alert_title_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</strong>\n"

    def footnote_ref(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        meta = tokens[idx].meta
        number, again = meta["id"] + 1, f"-{meta['subId']}" if meta.get("subId", 0) > 0 else ""
        own = env["run"].cleaner.own
        label = own(escape(_("Footnote %(number)d") % {"number": number}))
        return f'<sup><a href="#fn{number}" id="{own(f"fnref{number}{again}")}" aria-label="{label}">[{number}]</a></sup>'

    def footnote_block_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "<hr>\n<section>\n<ol>\n"

    def footnote_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f'<li id="{env["run"].cleaner.own("fn" + str(tokens[idx].meta["id"] + 1))}">'

    def footnote_anchor(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        meta = tokens[idx].meta
        target = f"fnref{meta['id'] + 1}" + (f"-{meta['subId']}" if meta.get("subId", 0) > 0 else "")
        label = env["run"].cleaner.own(escape(_("Back to the text")))
        return f' <a href="#{target}" aria-label="{label}">↩︎</a>'


def _code(run: _Run, code: str, language: str) -> str:
    run.codes += 1
    started = time.thread_time()
    body = coloured(code, language, seconds=run.code_left) if run.code_left > 0 else escape(code, quote=False)
    run.code_left -= time.thread_time() - started
    name = f"{run.prefix}code-{run.codes}"
    copy = escape(_("Copy"), quote=False)
    if not language:
        return f'<div class="code"><pre id="{name}" tabindex="0">{body}</pre></div>'
    return (
        f'<div class="code"><div class="code-head"><span class="mono">{escape(language)}</span><span class="push"></span>'
        f'<button class="btn btn-quiet btn-sm needs-script" type="button" data-copy-from="#{name}">{icon("copy")}{copy}</button></div>'
        f'<pre id="{name}" tabindex="0">{body}</pre></div>'
    )


def _formula(run: _Run, tex: str, *, block: bool) -> str:
    started = time.thread_time()
    drawn = mathml(tex.strip(), block=block) if run.maths_left > 0 else None
    run.maths_left -= time.thread_time() - started
    if drawn is None:
        mark = "$$" if block else "$"
        return f"<code>{escape(mark + tex.strip() + mark, quote=False)}</code>"
    return drawn


def _clock_block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    state.env["run"].tick()
    return False


def _clock_inline(state: StateInline, silent: bool) -> bool:
    state.env["run"].tick()
    return False


def _align_cells(state: Any) -> None:
    """Alignment is a class of the design: the page's policy refuses styles."""
    for token in state.tokens:
        if token.type in ("td_open", "th_open") and "style" in token.attrs:
            wanted = str(token.attrs.pop("style")).removeprefix("text-align:")
            if wanted == "right":
                token.attrSet("class", state.env["run"].cleaner.own("end"))
            elif wanted == "center":
                token.attrSet("align", "center")


def _name_alerts(state: Any) -> None:
    names = {"NOTE": _("Note"), "TIP": _("Tip"), "IMPORTANT": _("Important"), "WARNING": _("Warning"), "CAUTION": _("Caution")}
    for index, token in enumerate(state.tokens):
        if token.type == "alert_open" and state.tokens[index + 2].type == "inline":
            title = state.tokens[index + 2]
            title.content = names[token.meta["kind"]]
            title.children = [Token("text", "", 0, content=title.content)]


def _parser(html: bool) -> MarkdownIt:
    options = {
        "html": html, "maxNesting": MAX_NESTING, "tasklists": True, "alerts": True, "strikethrough_single_tilde": True,
    }  # fmt: skip
    parser = MarkdownIt("commonmark", options, renderer_cls=_Renderer).enable(["table", "strikethrough"])
    footnote_plugin(parser, inline=False)
    dollarmath_plugin(parser, allow_labels=False, allow_space=False, allow_digits=False, allow_blank_lines=False, double_inline=True)
    gfm_autolink_plugin(parser)
    for name in (
        "math_inline",
        "math_inline_double",
        "math_block",
        "footnote_ref",
        "footnote_block_open",
        "footnote_open",
        "footnote_anchor",
    ):
        parser.add_render_rule(name, getattr(_Renderer, name))
    parser.block.ruler.before("table", "clock", _clock_block)
    parser.inline.ruler.before("text", "clock", _clock_inline)
    parser.core.ruler.push("cells", _align_cells)
    parser.core.ruler.push("alerts", _name_alerts)
    return parser


_PARSER, _PARSER_WITHOUT_HTML = _parser(True), _parser(False)
