"""What the settings make of an environment, read in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from portal.tests.running import MANAGE, environment

KEY = "k" * 40


def settings_of(tmp_path: Path, names: list[str], **variables: str) -> dict[str, Any]:
    program = (
        "import json, sys; from portal import settings;"
        "print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *names],
        env=environment(tmp_path / "data", 8000, SECRET_KEY=KEY, **variables),
        cwd=MANAGE.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_empty_environment_is_safe(tmp_path: Path) -> None:
    found = settings_of(tmp_path, ["DEBUG", "HOST", "PUBLIC_URL", "ALLOWED_HOSTS", "SECURE_PROXY_SSL_HEADER", "SESSION_COOKIE_SECURE"])

    assert found == {
        "DEBUG": False,
        "HOST": "127.0.0.1",
        "PUBLIC_URL": "http://localhost:8000",
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"],
        "SECURE_PROXY_SSL_HEADER": None,
        "SESSION_COOKIE_SECURE": False,
    }


def test_https_behind_a_proxy(tmp_path: Path) -> None:
    names = [
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "SECURE_PROXY_SSL_HEADER",
        "SESSION_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS",
    ]
    found = settings_of(tmp_path, names, PUBLIC_URL="https://gallery.example.com/", HOST="0.0.0.0", EXTRA_HOSTS="gallery.internal")

    assert found == {
        "ALLOWED_HOSTS": ["gallery.example.com", "localhost", "127.0.0.1", "[::1]", "gallery.internal"],
        "CSRF_TRUSTED_ORIGINS": ["https://gallery.example.com"],
        "SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"],
        "SESSION_COOKIE_SECURE": True,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
    }


def test_any_name_leads_to_an_open_address_that_nobody_named(tmp_path: Path) -> None:
    assert settings_of(tmp_path, ["ALLOWED_HOSTS"], HOST="0.0.0.0") == {"ALLOWED_HOSTS": ["*"]}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SECRET_KEY", "short", "SECRET_KEY: must have at least 32 characters."),
        ("REDIS_URL", "http://x", "REDIS_URL: must start with redis://, rediss:// or unix://."),
        ("EMAIL_URL", "imap://x", "EMAIL_URL: must start with smtp://, smtp+tls:// or smtps://."),
        ("TIME_ZONE", "Mars/Base", "TIME_ZONE: must be the name of a time zone such as Asia/Shanghai, not 'Mars/Base'."),
        ("PUBLIC_URL", "x", "PUBLIC_URL: must look like https://gallery.example.com, without a path, not 'x'."),
        ("DATABASE_URL", "postgresql://h:port/x", "DATABASE_URL: Port could not be cast to integer value as 'port'"),
    ],
)
def test_malformed_value_is_one_sentence(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    variables = environment(tmp_path / "data", 8000, **{name: value})

    done = subprocess.run([sys.executable, str(MANAGE), "check"], env=variables, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (1, f"{sentence}\n")
