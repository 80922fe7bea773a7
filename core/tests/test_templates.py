"""What every template keeps to, so that a strict Content-Security-Policy holds and components say what they take."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines

TEMPLATES = Path(settings.BASE_DIR, "templates")
PAGES = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))
COMPONENTS = [name for name in PAGES if name.startswith("components/")]


@pytest.mark.parametrize("name", PAGES)
def test_template_compiles(name):
    engines["django"].get_template(name)


@pytest.mark.parametrize("name", PAGES)
def test_template_has_no_inline_style_script_or_handler(name):
    text = (TEMPLATES / name).read_text()
    assert not re.search(r"\sstyle=", text)
    assert not re.search(r"\son[a-z]+=", text)
    assert "hx-on" not in text
    assert not re.search(r"<style", text)
    for opening in re.findall(r"<script[^>]*>", text):
        assert "src=" in opening or 'type="application/json"' in opening


@pytest.mark.parametrize("name", COMPONENTS)
def test_component_says_what_it_takes(name):
    assert (TEMPLATES / name).read_text().startswith("{% comment %}")


@pytest.mark.parametrize("name", PAGES)
def test_form_that_posts_carries_the_token(name):
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", (TEMPLATES / name).read_text(), re.DOTALL):
        assert "{% csrf_token %}" in form
