import pytest
from django.core.exceptions import ImproperlyConfigured

from core.plugins import load
from core.problems import Conflict, Missing

BUILTIN = {"missing": "core.problems:Missing", "conflict": "core.problems:Conflict"}


def test_builtin_is_found_by_its_short_name() -> None:
    assert load("gallery.tests", "missing", BUILTIN) is Missing
    assert load("gallery.tests", "conflict", BUILTIN) is Conflict


def test_entry_point_of_an_installed_package_is_found() -> None:
    assert load("pytest11", "django", {}).__name__ == "pytest_django.plugin"


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^There is no “s4” in gallery\.tests\. Known: conflict, missing\.$"):
        load("gallery.tests", "s4", BUILTIN)
