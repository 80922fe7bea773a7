"""The committed references are what the code says."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

ROOT = Path(__file__).resolve().parent.parent


def printed(command: str, *arguments: str) -> tuple[str, str]:
    """Return what a command wrote to standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    call_command(command, *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_every_error_code_is_in_the_reference() -> None:
    assert (ROOT / "docs/reference/errors.md").read_text() == printed("errors")[0], "manage.py errors > docs/reference/errors.md"


def test_the_description_of_the_api_is_the_committed_one(capsys: pytest.CaptureFixture[str]) -> None:
    schema, _errors = printed("spectacular", "--validate", "--fail-on-warn")
    assert (ROOT / "docs/reference/openapi.yaml").read_text() == schema, "manage.py spectacular > docs/reference/openapi.yaml"
    assert "warning" not in capsys.readouterr().err.lower()


@pytest.mark.django_db
def test_the_api_describes_itself_and_has_a_page() -> None:
    assert Client().get("/api/schema").status_code == 200
    page = Client().get("/api/docs")
    assert page.status_code == 200
    body = page.content.decode()
    assert "https://" not in body.replace("https://gallery", "")
    assert "script-src 'self'" in page["Content-Security-Policy"]
    assert "unsafe-eval" not in page["Content-Security-Policy"]
