"""Markdown as the pages show it."""

import re

import pytest
from django.utils import translation

from core.markdown import front_matter, render


def resolve(target: str, image: bool) -> str | None:
    return None if ".." in target else f"/{'raw' if image else 'page'}/{target}"


def html(text: str, **options: object) -> str:
    with translation.override("en"):
        return str(render(text, resolve_link=resolve, **options))  # type: ignore[arg-type]


def plain(text: str) -> str:
    """Return what is left of `text` rendered, without heading anchors and icons."""
    return re.sub(r'<a class="anchor".*?</a>|<svg.*?</svg>', "", html(text)).strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**b** *i* ~~s~~ `c`", "<p><strong>b</strong> <em>i</em> <s>s</s> <code>c</code></p>"),
        ("[a](docs/x.md#top)", '<p><a href="/page/docs/x.md#top">a</a></p>'),
        ("[a](../../x)", "<p><a>a</a></p>"),
        ("![a](img/x.png)", '<p><img src="/raw/img/x.png" alt="a" loading="lazy"></p>'),
        ("[a](#part-one)", '<p><a href="#md-part-one">a</a></p>'),
        ("<https://e.org/x>", '<p><a href="https://e.org/x" target="_blank" rel="noopener noreferrer nofollow ugc">https://e.org/x</a></p>'),
        ("www.e.org", '<p><a href="http://www.e.org" target="_blank" rel="noopener noreferrer nofollow ugc">www.e.org</a></p>'),
        ("a\n\n---\n\nb", "<p>a</p>\n<hr>\n<p>b</p>"),
        ("- [ ] a\n- [x] b", ('<ul>\n<li><input type="checkbox" disabled aria-label="To do"> a</li>\n'
         '<li><input type="checkbox" disabled checked aria-label="Done"> b</li>\n</ul>')),
        ("1. a\n   1. b\n      - c", "<ol>\n<li>a\n<ol>\n<li>b\n<ul>\n<li>c</li>\n</ul>\n</li>\n</ol>\n</li>\n</ol>"),
        ("$5 and $6", "<p>$5 and $6</p>"),
        ("$x^2$", '<p><math display="inline"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math></p>'),
        ("$$\nx\n$$", '<math display="block"><mrow><mi>x</mi></mrow></math>'),
        (r"$\frac{1}{$", r"<p><code>$\frac{1}{$</code></p>"),
        ("<details><summary>more</summary>\n\n*x*\n\n</details>", "<details><summary>more</summary>\n<p><em>x</em></p>\n</details>"),
    ],
)  # fmt: skip
def test_markdown_becomes_markup(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_front_matter_is_hidden() -> None:
    assert plain("---\nlicense: mit\n---\nText") == "<p>Text</p>"


def test_broken_front_matter_is_hidden_too() -> None:
    assert plain("---\na: [\n---\nText") == "<p>Text</p>"


def test_table_scrolls_in_a_named_region_and_has_scopes() -> None:
    assert plain("# Results\n\n| a | b |\n|---|--:|\n| 1 | 2 |").split("\n", 1)[1].replace("\n", "") == (
        '<div class="table-scroll" tabindex="0" role="region" aria-label="Results"><table><thead><tr><th scope="col">a</th>'
        '<th class="end" scope="col">b</th></tr></thead><tbody><tr><td>1</td><td class="end">2</td></tr></tbody></table></div>'
    )


def test_regions_have_different_names() -> None:
    table = "| a |\n|---|\n| 1 |\n\n"
    assert re.findall(r'aria-label="([^"]*)"', plain(table + table + f"# R\n\n{table}{table}")) == [
        "Table",
        "Table, table 2",
        "R",
        "R, table 2",
    ]


def test_code_is_coloured_and_can_be_copied() -> None:
    assert plain('```python\nfrom x import y\nprint(y, "s", 1)  # c\n```') == (
        '<div class="code"><div class="code-head"><span class="mono">python</span><span class="push"></span>'
        '<button class="btn btn-quiet btn-sm needs-script" type="button" data-copy-from="#md-code-1">Copy</button></div>'
        '<pre id="md-code-1" tabindex="0"><span class="tok-w">from</span> x <span class="tok-w">import</span> y\n'
        '<span class="tok-f">print</span>(y, <span class="tok-s">"s"</span>, <span class="tok-n">1</span>)  <span class="tok-c"># c</span>\n</pre></div>'
    )


def test_code_of_no_or_unknown_language_is_plain() -> None:
    assert plain("```\n<b>\n```") == '<div class="code"><pre id="md-code-1" tabindex="0">&lt;b&gt;\n</pre></div>'
    assert '<pre id="md-code-1" tabindex="0">a&amp;b\n</pre>' in plain("```klingon\na&b\n```")


def test_keys_of_json_have_the_colour_of_keys() -> None:
    assert '<span class="tok-k">"a"</span>: <span class="tok-n">1</span>' in plain('```json\n{"a": 1}\n```')


@pytest.mark.parametrize(
    ("text", "levels"),
    [("# a\n## b\n### c", "234"), ("## a\n### b", "23"), ("#### a\n# b\n### c", "423"), ("<h1>a</h1>\n\n## b", "23"), ("###### a\n", "2")],
)
def test_headings_begin_below_the_pages_own(text: str, levels: str) -> None:
    assert "".join(re.findall(r"<h(\d)", plain(text))) == levels


def test_preview_can_begin_lower() -> None:
    assert re.findall(r"<h(\d)", html("# a\n## b", top_heading=3)) == ["3", "4"]


def test_heading_ids_are_prefixed_and_unique() -> None:
    assert re.findall(r' id="([^"]*)"', plain("# Über `x` 你好!\n# A\n## A\n<h2 id='a'>x</h2>\n\n# body\n# ***")) == [
        "md-über-x-你好", "md-a", "md-a-1", "md-a-2", "md-body", "md-section",
    ]  # fmt: skip


def test_ids_of_the_author_cannot_name_parts_of_the_page() -> None:
    assert plain('<p id="toasts">a</p><a name="keys" id="keys">b</a>') == '<p id="md-toasts">a</p><a id="md-keys">b</a>'


def test_footnotes_lead_there_and_back() -> None:
    assert plain("a[^x] b[^x]\n\n[^x]: note") == (
        '<p>a<sup><a href="#md-fn1" id="md-fnref1" aria-label="Footnote 1">[1]</a></sup> '
        'b<sup><a href="#md-fn1" id="md-fnref1-1" aria-label="Footnote 1">[1]</a></sup></p>\n<hr>\n<section>\n<ol>\n<li id="md-fn1"><p>note '
        '<a href="#md-fnref1" aria-label="Back to the text">↩︎</a> <a href="#md-fnref1-1" aria-label="Back to the text">↩︎</a></p>\n</li>\n</ol>\n</section>'
    )


def test_notes_have_the_look_of_the_design() -> None:
    assert plain("> [!CAUTION]\n> Hot") == '<div class="note note-danger"><div>\n<strong>Caution</strong>\n<p>Hot</p>\n</div></div>'


def test_words_of_ours_follow_the_language() -> None:
    with translation.override("zh-hans"):
        assert "data-copy-from" in str(render("```python\nx\n```"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![a](https://r.org/x.png)", '<p><a href="https://r.org/x.png" target="_blank" rel="noopener noreferrer nofollow ugc">a</a></p>'),
        ("![](//r.org/x.png)", '<p><a href="https://r.org/x.png" target="_blank" rel="noopener noreferrer nofollow ugc">Picture on another site</a></p>'),
        ("[![b](https://r.org/x.svg)](https://l.org)", '<p><a href="https://l.org" target="_blank" rel="noopener noreferrer nofollow ugc">b</a></p>'),
        ('<img src="https://r.org/x.png" alt="&lt;b&gt;">',
         '<a href="https://r.org/x.png" target="_blank" rel="noopener noreferrer nofollow ugc">&lt;b&gt;</a>'),
        ("![a](data:image/png;base64,AAAA)", '<p><img src="data:image/png;base64,AAAA" alt="a" loading="lazy"></p>'),
    ],
)  # fmt: skip
def test_pictures_of_other_sites_are_links(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_without_a_resolver_relative_links_are_dropped() -> None:
    assert str(render("[a](b.md) ![c](d.png)")).strip() == "<p><a>a</a> c</p>"


def test_front_matter_says_where_it_stands() -> None:
    place = front_matter("---\na: 1\n---\nText")
    assert (place.start, place.end, place.body, place.present) == (4, 9, 13, True)
