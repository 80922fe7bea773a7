"""`manage.py environment`."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from toolchain.environments import ready
from toolchain.environments.bases import BASES, Base
from toolchain.environments.identity import identify
from toolchain.environments.tests.wheels import index, wheel
from toolchain.models import Environment


def environment(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("environment", *arguments, stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def root(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gallery with one base, "tiny", whose only package comes from an index in files."""
    mirror = tmp_path / "mirror"
    (mirror / "wheels").mkdir(parents=True)
    wheel(mirror / "wheels", "alpha", "1.0")
    (tmp_path / "tiny.txt").write_text("alpha==1.0\n")
    settings.RUNS_DIR = tmp_path / "runs"
    settings.PACKAGE_INDEX_URL = index(mirror, mirror / "wheels")
    for code in list(BASES):
        monkeypatch.delitem(BASES, code)  # type: ignore[arg-type]
    monkeypatch.setitem(BASES, "tiny", Base("tiny", tmp_path / "tiny.txt", ("alpha",), ("alpha",)))  # type: ignore[arg-type]
    return tmp_path / "runs" / "environments"


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "ensure_connection", fail)


def test_base_is_built_without_a_database(root: Path, alone: None) -> None:
    assert environment("list") == [f"{'-':32}  tiny          not built"]
    told = environment("build", "tiny")
    assert told[-1] == "The environment “tiny” is ready."
    # Of steps that are over at once, only the last is seen.
    assert all(line.startswith("Step ") for line in told[:-1])
    assert environment("build", "tiny") == ["The environment “tiny” is ready."]
    listed = environment("list")
    assert [line.split()[:5] for line in listed] == [[identify("tiny"), "tiny", "base,", "1", "packages,"]]


@pytest.mark.django_db(transaction=True)
def test_base_is_built_with_a_row_where_there_is_a_database(root: Path) -> None:
    assert environment("build", "tiny")[-1] == "The environment “tiny” is ready."
    row = Environment.objects.get()
    assert (row.pk, row.base, row.state, row.packages) == (identify("tiny"), "tiny", "ready", ["alpha==1.0"])
    assert row.size == ready.describe(root, row.pk).size


@pytest.mark.django_db(transaction=True)
def test_build_that_fails_says_why(root: Path) -> None:
    BASES["tiny"].file.write_text("beta==1.0\n")
    with pytest.raises(CommandError, match="does not have one of these packages.*beta was not found"):
        environment("build", "tiny")
    row = Environment.objects.get()
    assert (row.state, row.error) == ("failed", "package_unknown")


def test_failure_is_said_without_a_database_too(root: Path, alone: None) -> None:
    BASES["tiny"].file.write_text("beta==1.0\n")
    with pytest.raises(CommandError, match="does not have one of these packages.*beta was not found"):
        environment("build", "tiny")


def test_environment_is_removed_by_base_or_beginning_of_its_id(root: Path, alone: None) -> None:
    id = identify("tiny")
    for name in ("tiny", id[:8]):
        environment("build", "tiny")
        assert environment("remove", name) == [f"{id} is removed."]
        assert not ready.is_ready(root, id)
    with pytest.raises(CommandError, match="“tiny” names no environment"):
        environment("remove", "tiny")
