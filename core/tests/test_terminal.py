import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.terminal import LONGEST, Painter, as_it_stood, level, visible


def paint(line, find=""):
    return Painter(find).paint(line)


@pytest.mark.parametrize(
    ("line", "markup"),
    [
        ("plain text", "plain text"),
        ("tab\tstays", "tab\tstays"),
        ("<script>alert('x')</script> & more", "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; more"),
        ("\x1b[31mred\x1b[0m plain", '<span class="ink" data-pigment="cinnabar">red</span> plain'),
        ("\x1b[1;92mgood\x1b[0m x", '<span class="ink" data-pigment="malachite"><b>good</b></span> x'),
        ("\x1b[1mbold\x1b[22;35m thin\x1b[39m x", '<b>bold</b><span class="ink" data-pigment="wisteria"> thin</span> x'),
        ("\x1b[38;5;196mpalette\x1b[m", "palette"),
        ("\x1b[38;2;1;2;31mmixed\x1b[m", "mixed"),
        ("\x1b[48;5;31;33mground\x1b[m", '<span class="ink" data-pigment="gamboge">ground</span>'),
        ("\x1b[2J\x1b[H\x1b[?25lclean\x1b[K", "clean"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;cm0gLXJm", ""),
        ("\x1bPq#0;2;0\x1b\\after", "after"),
        ("\x9b31mC1\x9b0m", '<span class="ink" data-pigment="cinnabar">C1</span>'),
        ("\x1b[31<b>\x1b[0m", "&gt;"),
        ("\x1b", '<span class="ctl">\u241b</span>'),
        ("a\x00b\x7fc", 'a<span class="ctl">\u2400</span>b<span class="ctl">\u2421</span>c'),
        ("user\u202egnp.exe", 'user<span class="ctl">U+202E</span>gnp.exe'),
        ("\u2066x\u2069", '<span class="ctl">U+2066</span>x<span class="ctl">U+2069</span>'),
        ("\u200b\ufeff", '<span class="ctl">U+200B</span><span class="ctl">U+FEFF</span>'),
        ("训练 👩\u200d💻 می\u200cخواهم", "训练 👩\u200d💻 می\u200cخواهم"),
    ],
)
def test_line_is_safe_markup(line, markup):
    assert paint(line) == markup


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (" 10%|#   |\r 50%|##  |\r100%|####|", "100%|####|"),
        ("10%\r20%\r", "20%"),
        ("\rfirst", "first"),
        ("left\r\x1b[K", "left"),
        ("a\rb\r\r", "b"),
        ("12\b\b34", "34"),
        ("\b\bx", "x"),
        ("\r\r", ""),
    ],
)
def test_line_that_was_written_over_shows_as_it_last_stood(line, shown):
    assert as_it_stood(line) == shown


def test_colours_go_on_to_the_next_line():
    painter = Painter()
    assert painter.paint("\x1b[32mone") == '<span class="ink" data-pigment="malachite">one</span>'
    assert painter.paint("two\x1b[0m three") == '<span class="ink" data-pigment="malachite">two</span> three'


def test_line_of_a_megabyte_is_cut_and_says_so():
    assert paint("x" * (1 << 20)) == "x" * LONGEST + '<span class="ctl">… 1,044,576 more characters</span>'


def test_what_was_looked_for_is_marked_whatever_its_case():
    assert paint("Loss <b> \x1b[31mloss", "loss") == (
        '<mark>Loss</mark> &lt;b&gt; <span class="ink" data-pigment="cinnabar"><mark>loss</mark></span>'
    )
    assert paint("a<b>c", "<B>") == "a<mark>&lt;b&gt;</mark>c"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("ERROR: no space", "error"),
        ("Traceback (most recent call last):", "error"),
        ("torch.cuda.OutOfMemoryError: CUDA", "error"),
        ("\x1b[31mERROR\x1b[0m", "error"),
        ("2026-01-01 WARNING slow", "warning"),
        ("a.py:3: UserWarning: old", "warning"),
        ("INFO all good, 0 errors", ""),
        ("terror", ""),
    ],
)
def test_level_is_what_a_line_says_of_itself(line, found):
    assert level(line) == found


def test_visible_text_is_escaped():
    assert visible('"<\u2028>"') == '&quot;&lt;<span class="ctl">U+2028</span>&gt;&quot;'


@given(st.text(st.sampled_from('\x1b\x9b[]m;:?0138P\\\x07\x08\r<>&"ab\u202e '), max_size=60), st.sampled_from(["", "a", "<", "&"]))
def test_markup_holds_nothing_but_our_elements(line, find):
    markup = paint(line, find)
    left = re.sub(r'<span class="ctl">|<span class="ink" data-pigment="[a-z]+">|</span>|</?b>|</?mark>|&(lt|gt|amp|quot|#x27);', "", markup)
    assert not set(left) & set('<>&"\x1b\x9b\x07\x08\r\u202e')
    assert [markup.count(f"<{name}") for name in ("span", "b>", "mark")] == [markup.count(f"</{name}") for name in ("span", "b>", "mark")]
