"""Markdown that is meant to break something."""

import re
import time
from html.parser import HTMLParser

import pytest

from core.markdown import MAX_TEXT, render
from core.markdown.maths import mathml

ATTRIBUTES = {
    "a": {"href", "id", "title", "class", "target", "rel", "aria-label"},
    "img": {"src", "alt", "loading", "width", "height", "title", "align", "id"},
    "input": {"type", "disabled", "checked", "aria-label"},
    "button": {"class", "type", "data-copy-from"},
}
COMMON = {
    "id",
    "class",
    "lang",
    "dir",
    "title",
    "align",
    "aria-label",
    "role",
    "tabindex",
    "scope",
    "colspan",
    "rowspan",
    "start",
    "open",
    "value",
    "type",
}
MATHS = {
    "display",
    "mathvariant",
    "stretchy",
    "form",
    "fence",
    "columnalign",
    "displaystyle",
    "rowspacing",
    "columnspacing",
    "width",
    "linebreak",
}
DRAWN = {"svg", "path", "rect", "circle", "line", "polyline", "polygon", "ellipse"}
ELEMENTS = set(
    "a b blockquote br button caption code dd del details div dl dt em h2 h3 h4 h5 h6 hr i img input li math mfrac mi mn mo mrow mspace msqrt msub msup "
    "mtable mtd mtext mtr ol p pre s section span strong sub summary sup table tbody td th thead tr u ul".split()
)


class Check(HTMLParser):
    """Refuses every element and attribute that must not come out."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DRAWN:
            return
        assert tag in ELEMENTS, tag
        allowed = ATTRIBUTES.get(tag, COMMON) | (MATHS if tag.startswith("m") else set())
        for name, value in attrs:
            assert name in allowed, f"{tag} {name}"
            if name in ("href", "src"):
                assert re.match(r"(https?://|mailto:|#md-|/|data:image/(png|jpeg|gif|webp);base64,)", value or ""), value
            if name == "id":
                assert (value or "").startswith("md-"), value

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"comment {data}")


CORPUS = [
    "<script>alert(1)</script>", "<SCRIPT SRC=//e.org/x.js></SCRIPT>", "<scr<script>ipt>alert(1)</script>", "<style>*{display:none}</style>",
    "<iframe src=javascript:alert(1)></iframe>", "<object data=x></object><embed src=x>", "<form action=/x><input name=a><button>x</button></form>",
    "<base href=//e.org>", "<meta http-equiv=refresh content='0;url=//e.org'>", "<link rel=stylesheet href=//e.org>",
    "<img src=x onerror=alert(1)>", "<img src='javascript:alert(1)'>", "<img srcset='https://e.org/x 2x'>", "<p onclick=alert(1) style='position:fixed'>x</p>",
    "<a href='javascript:alert(1)'>x</a>", "<a href='JaVaScRiPt:alert(1)'>x</a>", "<a href='java\nscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>", "<a href=' &#1; javascript:alert(1)'>x</a>", "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='vbscript:x'>x</a>", "[x](javascript:alert(1))", "[x](JAVASCRIPT&colon;alert(1))", "[x](data:text/html;base64,PHN2Zz4=)",
    "![x](javascript:alert(1))", "![x](data:image/svg+xml;base64,PHN2Zz4=)", "[x](<javascript:alert(1)>)", "[a]: javascript:alert(1)\n\n[a]",
    "<svg><script>alert(1)</script></svg>", "<svg onload=alert(1)>", "<svg><a xlink:href='javascript:alert(1)'>x</a></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--><img src=1 onerror=alert(1)>\">", "<math href='javascript:alert(1)'>x</math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", "<template><script>alert(1)</script></template>",
    "<textarea></textarea><script>alert(1)</script>", "<title><script>alert(1)</script></title>", "<xmp><script>alert(1)</script></xmp>",
    "<p hx-get=/x hx-trigger=load data-copy=x data-hx-get=/y ws-connect=z>x</p>", "<div id=csrf class='dialog note' name=x>x</div>",
    "<details ontoggle=alert(1) open>x</details>", "<!-- comment --><!--><script>alert(1)</script>", "<![CDATA[<script>alert(1)</script>]]>", "<?php x ?>",
    "<div title=\"\n\n```\nx onmouseover=alert(1)\n```\n\n\">", "<p title=\"`x` $a$\">x</p>", "<a title='\n\n```python\n\"><img src=x onerror=alert(1)>\n```\n\n'>",
    "```\"><script>alert(1)</script>\nx\n```", "```python onclick=alert(1)\nx\n```", "`<script>`", "# <img src=x onerror=alert(1)>",
    "| <script>alert(1)</script> | <b onclick=x>y</b> |\n|---|---|\n| [x](javascript:y) | ![x](vbscript:z) |", "[^1]\n\n[^1]: <script>alert(1)</script>",
    "$\\text{<img src=x onerror=alert(1)>}$", "$\\href{javascript:alert(1)}{x}$", "$\\style{position:fixed}{x}$", "$\\class{dialog}{x}$", "$$\n</math><script>x\n$$",
    "<a href=//e.org>x</a>", "<a href='/\\e.org'>x</a>", "<a href='\\\\e.org'>x</a>", "<a href='https:e.org'>x</a>", "<a target=_top href=https://e.org>x</a>",
    "<b><i></b></i><table><tr><td><p></table>", "</div></article></main><script>x</script>", "<plaintext><script>x", "<a href='\0javascript:x'>x</a>",
    "<video src=x onerror=alert(1)></video><audio autoplay src=x>", "<input type=image src=x formaction=javascript:x>", "<isindex action=x>", "<h1><h2>x",
    "- [ ] <input type=checkbox name=x>", "> [!NOTE]\n> <script>alert(1)</script>", "> [!NOTE]<script>x</script>\n> y", "www.e.org/\"onmouseover=alert(1)",
    "<https://e.org/\"onmouseover=alert(1)>", "<x@e.org\"onmouseover=alert(1)>", "![\"onerror=alert(1)](x \"'onerror=alert(1)\")", "&lt;script&gt;alert(1)&lt;/script&gt;",
]  # fmt: skip


@pytest.mark.parametrize("text", CORPUS)
def test_nothing_active_comes_out(text: str) -> None:
    html = str(render(text, resolve_link=lambda target, image: f"/files/{target}" if not re.match(r"[/\\]{2}", target) else None))
    Check(convert_charrefs=True).feed(html)
    assert "<script" not in html.lower() and "</main" not in html


@pytest.mark.parametrize("target", ["//e.org/x", "/\\e.org/x", "\\\\e.org/x", "http://e.org/x"])
def test_other_sites_are_never_taken_for_this_one(target: str) -> None:
    html = str(render(f"<a href='{target}'>x</a>", resolve_link=lambda target, image: "/wrong"))
    assert "/wrong" not in html and 'rel="noopener noreferrer nofollow ugc"' in html


def test_resolver_that_fails_drops_the_link() -> None:
    def fail(target: str, image: bool) -> str:
        raise RuntimeError

    assert str(render("[a](b) ![c](d)", resolve_link=fail)).strip() == "<p><a>a</a> c</p>"


PARAGRAPH = "Yunhe is a **bilingual** model by [Lab](https://x.org) with `code`, *emphasis* and www.example.com. "
BOMBS = {
    "a megabyte of prose": (PARAGRAPH * 4 + "\n\n- a\n- b\n\n## h\n") * 2000,
    "quotes": ">" * 400_000,
    "quoted lines": (">" * 50 + "x\n") * 8_000,
    "nested lists": "- " * 400_000,
    "emphasis": "*a **a " * 60_000,
    "brackets": "[" * 400_000,
    "pictures": "![" * 200_000,
    "colons": ":" * 400_000,
    "less-than": "<" * 400_000,
    "open tags": "<div>" * 80_000,
    "open formatting": "<b>" * 130_000,
    "formatting in every paragraph": "".join(f"<b id={n}>" for n in range(95)) + "<p>x" * 80_000,
    "tables": "|a" * 500 + "|\n" + "|-" * 500 + "|\n" + "|\n" * 20_000,
    "wide table": "|a" * 20_000 + "|\n" + "|-" * 20_000 + "|\n",
    "formulas": "$a^2$\n" * 60_000,
    "code": "```python\nx = 1\n```\n" * 20_000,
    "footnotes": "[^a]" * 100_000 + "\n\n[^a]: x",
    "headings": "# x\n" * 100_000,
    "null characters": "\0" * 400_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_text_takes_seconds_or_grows_without_bound(name: str) -> None:
    started = time.thread_time()
    html = str(render(BOMBS[name]))
    assert time.thread_time() - started < 3
    assert len(html) < 12_000_000


def test_long_text_says_that_it_goes_on() -> None:
    html = str(render("word " * MAX_TEXT))
    assert "only its beginning is shown" in html and len(html) < 6 * MAX_TEXT


def test_intricate_text_is_shown_as_source_and_says_so() -> None:
    html = str(render(":" * 300_000))
    assert "too intricate" in html and ":" * 1000 in html


def test_html_that_nests_too_deep_is_shown_as_text() -> None:
    assert "&lt;div&gt;&lt;div&gt;" in str(render("<div>" * 500))


@pytest.mark.parametrize(
    "tex",
    [
        r"\def\a{xx}\def\b{\a\a}\b",
        r"\newcommand{\a}{b}\a",
        r"\let\a=b",
        "{" * 1_000,
        r"\frac" * 300,
        "x" * 2_001,
        r"\left(" * 200,
        "x^x^x",
        r"\begin{matrix}",
    ],
)
def test_formula_that_is_not_understood_is_refused(tex: str) -> None:
    assert mathml(tex, block=False) is None


def test_formula_keeps_words_as_words() -> None:
    assert mathml(r"\text{a<b & c}", block=False) == '<math display="inline"><mrow><mtext>a&lt;b\xa0&amp;\xa0c</mtext></mrow></math>'
