"""Reading the environment: values, malformed values, secrets from files."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal import addresses, env


@pytest.fixture(autouse=True)
def no_new_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "VARIABLES", {})


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("YES", True), ("on", True), ("0", False), ("False", False), ("", True), (" ", True)]
)
def test_flag(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("X", value)

    assert env.flag("X", True, help="") is expected


@pytest.mark.parametrize(
    ("value", "expected"), [("500GB", 500 * 10**9), ("16MiB", 16 << 20), ("16 mib", 16 << 20), ("12", 12), ("0", 0), ("2 TB", 2 * 10**12)]
)
def test_size(monkeypatch: pytest.MonkeyPatch, value: str, expected: int) -> None:
    monkeypatch.setenv("X", value)

    assert env.size("X", "1MB", help="") == expected


@pytest.mark.parametrize("value", ["1.5GB", "-1", "GB", "10 apples", "１０", "²"])
def test_malformed_size_names_the_variable(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("X", value)

    with pytest.raises(ImproperlyConfigured, match=r"^X: must be a size such as 500MB or 16MiB, not "):
        env.size("X", "1MB", help="")


def test_size_out_of_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "65MiB")

    with pytest.raises(ImproperlyConfigured, match=r"^X: must be from 8MiB to 64MiB, not '65MiB'\.$"):
        env.size("X", "16MiB", least="8MiB", most="64MiB", help="")


@pytest.mark.parametrize("value", ["0", "65536", "８０", "-1", "80a"])
def test_malformed_number_names_the_range(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("X", value)

    with pytest.raises(ImproperlyConfigured, match=rf"^X: must be a whole number from 1 to 65535, not '{value}'\.$"):
        env.number("X", 80, least=1, most=65535, help="")


def test_choice_lists_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "xml")

    with pytest.raises(ImproperlyConfigured, match=r"^X: must be one of text, json, not 'xml'\.$"):
        env.choice("X", "text", ("text", "json"), help="")


def test_secret_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    monkeypatch.setenv("X_FILE", str(tmp_path / "secret"))

    assert env.text("X", "", help="") == "hush"


def test_unreadable_file_stops_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("X_FILE", str(tmp_path / "nothing"))

    with pytest.raises(ImproperlyConfigured, match=r"^X_FILE: cannot read .*/nothing \(No such file or directory\)\.$"):
        env.text("X", "", help="")


def test_value_and_file_contradict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("X", "a")
    monkeypatch.setenv("X_FILE", str(tmp_path / "nothing"))

    with pytest.raises(ImproperlyConfigured, match=r"^X: is set twice"):
        env.text("X", "", help="")


def test_database_address() -> None:
    found = addresses.database("postgresql://me:p%40ss@db.example:6432/name?sslmode=require&connect_timeout=3")

    assert found == {
        "NAME": "name",
        "USER": "me",
        "PASSWORD": "p@ss",
        "HOST": "db.example",
        "PORT": "6432",
        "OPTIONS": {"sslmode": "require", "connect_timeout": "3"},
    }


def test_database_address_of_a_socket() -> None:
    found = addresses.database("postgresql://me@/name?host=/run/pg&port=5433")

    assert (found["HOST"], found["PORT"], found["OPTIONS"]) == ("/run/pg", "5433", {})


@pytest.mark.parametrize(
    ("redis", "expected"),
    [
        ("redis://:p@h:6380/2", "redis://:p@h:6380/2"),
        ("rediss://h/0", "rediss://h/0?ssl_cert_reqs=required"),
        ("unix:///run/r.sock?db=3", "redis+socket:///run/r.sock?virtual_host=3"),
    ],
)
def test_broker_address(redis: str, expected: str) -> None:
    assert addresses.broker(redis) == expected


@pytest.mark.parametrize("value", ["gallery.example", "ftp://a", "https://a/path", "https://", "https://a:99999"])
def test_malformed_public_url(value: str) -> None:
    with pytest.raises(ValueError):
        addresses.public_url(value)


@pytest.mark.parametrize("value", ["http://host", "tcp://", "unix:", "host:3310", "tcp://host:99999"])
def test_malformed_address_of_clamav(value: str) -> None:
    with pytest.raises(ValueError):
        addresses.clamav(value)


@pytest.mark.parametrize("value", ["tcp://clamav:3310", "tcp://[::1]:3310", "tcp://clamav", "unix:/run/clamav/clamd.ctl"])
def test_address_of_clamav(value: str) -> None:
    assert addresses.clamav(value) == value


@pytest.mark.parametrize(
    "value", ["blobs", "file:blobs", "s3:bucket", "s3://", "s3://b/prefix", "s3://b?endpoint=host:9000", "s3://b?endpiont=http://x"]
)
def test_malformed_blob_store(value: str) -> None:
    with pytest.raises(ValueError):
        addresses.blob_store(value)


@pytest.mark.parametrize(
    ("store", "origin"),
    [
        ("file:/data/blobs", ""),
        ("s3://b?endpoint=http://s3:9000&public_endpoint=https://s3.example/x", "https://s3.example"),
        ("s3://b?endpoint=http://s3:9000", "http://s3:9000"),
        ("s3://b?region=eu-west-1", "https://b.s3.amazonaws.com"),
    ],
)
def test_origin_of_the_store(store: str, origin: str) -> None:
    assert addresses.s3_origin(store) == origin


def test_mail_address() -> None:
    found = addresses.email("smtp+tls://me:p%2Fw@mail.example", Path("/m"))

    assert (found["EMAIL_HOST"], found["EMAIL_PORT"], found["EMAIL_HOST_PASSWORD"]) == ("mail.example", 587, "p/w")
    assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (True, False)


def test_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "key"

    first = addresses.secret(path, "a" * 40)
    path.chmod(0o644)
    second = addresses.secret(path, "b" * 40)

    assert (first, second) == ("a" * 40, "a" * 40)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["key"]


def test_sockets_stay_in_the_data_folder_while_their_path_is_short_enough() -> None:
    short, long = Path("/d/" + "x" * 81), Path("/d/" + "x" * 85)

    assert addresses.run_folder(short) == short / "run"
    assert str(addresses.run_folder(long)).startswith("/tmp/gallery-")
    assert addresses.run_folder(long) == addresses.run_folder(long)
