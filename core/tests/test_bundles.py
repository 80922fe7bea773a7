import gzip
import re
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.files.storage import FileSystemStorage

from core.bundles import BUNDLES, StaticFiles, bundle

STATIC = Path(settings.BASE_DIR, "static")
STORAGE = FileSystemStorage(location=STATIC)
SOURCES = {path.relative_to(STATIC).as_posix(): (STORAGE, path.relative_to(STATIC).as_posix()) for path in STATIC.rglob("*.*")}


def weight(*texts):
    return sum(len(gzip.compress(text.encode(), 9)) for text in texts)


def file(name):
    return Path(finders.find(name)).read_text()


def test_bundle_holds_every_file_it_imports():
    for name in BUNDLES:
        text = bundle(name, SOURCES)
        assert not re.search(r'^(@import|import) "', text, re.MULTILINE)
        for part in re.findall(r'^(?:@import|import) "(?:\./)?([^"]+)";', file(name), re.MULTILINE):
            assert file(f"{name.split('/')[0]}/{part}") in text


def test_every_style_is_in_the_bundle_or_belongs_to_one_page():
    imported = set(re.findall(r'@import "([^"]+)";', file("css/gallery.css")))
    assert {path.name for path in (STATIC / "css").glob("*.css")} - imported == {
        "gallery.css",
        "design.css",
        "swagger.css",
        "administration.css",
    }


def test_styles_stay_within_their_budget():
    assert weight(bundle("css/gallery.css", SOURCES)) <= 24_000


def test_scripts_of_an_ordinary_page_stay_within_their_budget():
    assert weight(bundle("js/gallery.js", SOURCES), file("js/theme.js"), file("django_htmx/htmx-4.min.js")) <= 24_000


def test_scripts_of_every_special_page_stay_within_their_budget():
    ordinary = weight(bundle("js/gallery.js", SOURCES), file("js/theme.js"), file("django_htmx/htmx-4.min.js"))
    imported = set(re.findall(r'import "\./([^"]+)";', file("js/gallery.js"))) | {"gallery.js", "theme.js"}
    special = [path for path in (STATIC / "js").glob("*.js") if path.name not in imported]
    assert special
    for path in special:
        assert ordinary + weight(path.read_text()) <= 32_000, path.name


def test_styles_name_colours_only_as_tokens():
    """The paper of a QR code and shadows of frames are the same in both themes; the administration has a style sheet with names of its own."""
    for path in (STATIC / "css").glob("*.css"):
        if path.name not in ("tokens.css", "swagger.css", "administration.css"):
            found = set(re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgba?\([^)]*\)", path.read_text())) - {"#fff", "rgb(23 33 30 / .07)"}
            assert not found, (path.name, found)


def test_both_dark_themes_are_the_same():
    blocks = re.findall(r"color-scheme: dark;(.*?)\}", file("css/tokens.css"), re.DOTALL)
    assert len(blocks) == 2
    assert blocks[0].split() == blocks[1].split()


def test_collecting_writes_bundles_under_hashed_names(tmp_path):
    storage = StaticFiles(location=tmp_path, base_url="/static/")
    paths = {name: SOURCES[name] for name in SOURCES if name.startswith(("css/", "js/"))}
    for name in paths:
        storage.save(name, STORAGE.open(name))
    assert not [error for _name, _hashed, error in storage.post_process(paths) if isinstance(error, Exception)]
    collected = storage.hashed_files["css/gallery.css"]
    text = (tmp_path / collected).read_text()
    assert re.fullmatch(r"css/gallery\.[0-9a-f]{12}\.css", collected)
    assert "@import" not in text
    assert "--malachite: #0A6852" in text
    assert (tmp_path / f"{collected}.gz").exists()
