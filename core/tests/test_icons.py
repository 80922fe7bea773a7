import re
from pathlib import Path

import pytest
from django.conf import settings

from core.icons import _FILES, NAMES, UnknownIcon, drawing, icon, of_file

USED = {
    name
    for path in Path(settings.BASE_DIR, "templates").rglob("*.html")
    for name in re.findall(r"""{%\s*icon\s+["']([^"']+)["']""", path.read_text())
}


@pytest.mark.parametrize("name", sorted(USED | set(NAMES) | set(_FILES)))
def test_icon_is_drawn(name):
    assert drawing(name).startswith("<")


def test_icon_is_hidden_from_assistive_technology():
    assert icon("check", "i-sm").startswith('<svg class="i i-sm" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><')


def test_unknown_icon_is_an_error():
    with pytest.raises(UnknownIcon):
        drawing("no-such-icon")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("model.safetensors", "box"), ("README.md", "file-text"), ("a.JSON", "file-code"), ("x.csv", "table"), ("no_suffix", "file")],
)
def test_file_has_the_icon_of_its_kind(name, expected):
    assert of_file(name) == expected
