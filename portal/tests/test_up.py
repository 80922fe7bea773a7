"""`manage.py up`, for real. The tests of one class follow one gallery through its life, in their order."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from portal.datafolder import leftovers
from portal.tests.running import Gallery, free_port, run_up

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("static"))


@pytest.fixture(scope="class")
def gallery(tmp_path_factory: pytest.TempPathFactory, static: str) -> Iterator[Gallery]:
    found = Gallery(tmp_path_factory.mktemp("g") / "data", free_port(), STATIC_DIR=static)
    yield found
    found.destroy()


def become_administrator(link: str) -> requests.Response:
    session = requests.Session()
    page = session.get(link, timeout=30)
    assert page.status_code == 200
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token
    form = {"csrfmiddlewaretoken": token[1], "handle": "olivia", "email": "olivia@example.com", "password": "a long enough passphrase"}
    return session.post(link, data=form, timeout=30, allow_redirects=False)


class TestLife:
    def test_first_start_ends_ready_and_prints_the_address(self, gallery: Gallery) -> None:
        gallery.until_ready()

        assert gallery.said(rf"^Open http://localhost:{gallery.port}$")
        assert gallery.said(r"^Tables brought up to date by \d+ migrations\.$")
        assert requests.get(f"{gallery.address}/readyz", timeout=10).json() == {
            "status": "ok",
            "parts": {"database": "ok", "redis": "ok", "blob_store": "ok", "worker": "ok"},
        }

    def test_engines_listen_on_sockets_of_the_data_folder_only(self, gallery: Gallery) -> None:
        run = gallery.data / "run"

        assert {path.name for path in run.iterdir() if path.is_socket()} == {".s.PGSQL.5432", "redis.sock"}
        assert (run.stat().st_mode & 0o777, (gallery.data / "postgres").stat().st_mode & 0o777) == (0o700, 0o700)
        with psycopg.connect(host=str(run), user="postgres", dbname="postgres") as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)

    def test_database_does_not_run_as_root(self, gallery: Gallery) -> None:
        owner = os.stat(f"/proc/{gallery.child('bin/postgres')}").st_uid

        assert owner != 0
        assert owner == os.geteuid() or os.geteuid() == 0

    def test_secret_key_is_generated_for_its_owner_only(self, gallery: Gallery) -> None:
        path = gallery.data / "secrets" / "secret_key"

        assert path.stat().st_mode & 0o777 == 0o600
        assert len(path.read_text()) == 64

    def test_every_answer_carries_a_request_id(self, gallery: Gallery) -> None:
        made = requests.get(f"{gallery.address}/transfer/parts/nothing", timeout=10).headers["X-Request-Id"]
        kept = requests.get(f"{gallery.address}/robots.txt", headers={"X-Request-Id": "from-a-proxy-1"}, timeout=10).headers["X-Request-Id"]

        assert re.fullmatch(r"[0-9a-f]{20}", made)
        assert kept == "from-a-proxy-1"
        gallery.until(lambda: gallery.said(r"INFO +from-a-proxy-1 gallery\.access: GET /robots\.txt "), "the line in the log")

    def test_second_gallery_on_the_folder_is_refused(self, gallery: Gallery) -> None:
        refused = run_up(gallery.data, free_port())

        assert refused.returncode == 1
        expected = (
            f"A gallery is already running on {gallery.data} (process {gallery.process.pid}). Stop it first, or choose another DATA_DIR.\n"
        )
        assert refused.stderr == expected

    @pytest.mark.parametrize(
        ("name", "word"),
        [
            ("web", "portal.web"),
            ("worker", "worker@"),
            ("background", "background@"),
            ("toolchain", "toolchain@"),
            ("beat", " beat "),
            ("redis", "redis-server"),
        ],
    )
    def test_killed_child_is_started_again(self, gallery: Gallery, name: str, word: str) -> None:
        old = gallery.child(word)

        os.kill(old, signal.SIGKILL)

        gallery.until(
            lambda: gallery.said(rf"^{name} ended unexpectedly \(signal SIGKILL\), starting it again in 0\.5 s\.$"), "the message"
        )
        new = gallery.until(lambda: gallery.child(word) not in (0, old) and gallery.child(word), "the new process")
        gallery.until(lambda: gallery.said(rf"^{name} started again \(process {new}\)\.$"), "the second message")
        gallery.until(gallery.is_ready, "readiness")

    def test_killed_database_is_started_again(self, gallery: Gallery) -> None:
        os.kill(gallery.child("bin/postgres"), signal.SIGKILL)

        gallery.until(lambda: gallery.said(r"^postgresql started again"), "the message")
        gallery.until(gallery.is_ready, "readiness")

    def test_first_administrator_link_works_once(self, gallery: Gallery) -> None:
        link = gallery.until(lambda: gallery.said(r"^  (http://\S+/first/\S+)$"), "the link")[1]

        signed_in = become_administrator(link)
        again = requests.get(link, timeout=30)

        assert (signed_in.status_code, signed_in.headers["Location"]) == (302, "/")
        assert "sessionid" in signed_in.cookies
        assert again.status_code == 404

    def test_interrupt_stops_everything_in_order(self, gallery: Gallery) -> None:
        status = gallery.stop()

        assert status == 0
        stopped = re.findall(r"^(\w+) stopped\.$", gallery.output, re.MULTILINE)
        assert stopped == ["web", "toolchain", "background", "worker", "beat", "redis", "postgresql"]
        assert gallery.lines[-1] == "Stopped."

    def test_second_start_has_little_to_do(self, gallery: Gallery, static: str) -> None:
        second = Gallery(gallery.data, gallery.port, STATIC_DIR=static)
        try:
            second.until_ready()

            assert second.said(r"^Tables are up to date\.$")
            assert not second.said("Translations and static files prepared")
            assert not second.said("/first/")
            assert second.stop(signal.SIGTERM) == 0
        finally:
            second.destroy()

    def test_kill_of_the_supervisor_leaves_nothing(self, gallery: Gallery, static: str) -> None:
        third = Gallery(gallery.data, gallery.port, STATIC_DIR=static)
        fourth = None
        try:
            third.until_ready()
            third.process.kill()
            third.process.wait()
            fourth = Gallery(gallery.data, gallery.port, STATIC_DIR=static)
            fourth.until_ready()
            assert fourth.stop() == 0
        finally:
            third.destroy()
            if fourth:
                fourth.destroy()

    def test_newer_database_is_refused(self, gallery: Gallery, static: str) -> None:
        fifth = Gallery(gallery.data, gallery.port, STATIC_DIR=static)
        try:
            fifth.until_ready()
            with psycopg.connect(host=str(gallery.data / "run"), user="postgres", dbname="postgres") as connection:
                connection.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('jobs', '9999_later', now())")
            fifth.stop()
        finally:
            fifth.destroy()

        refused = run_up(gallery.data, gallery.port, STATIC_DIR=static)

        assert refused.returncode == 1
        assert refused.stderr == "The database was used by a newer gallery (jobs.9999_later is unknown here). Start the newer gallery.\n"
        assert leftovers(gallery.data) == []


def test_long_path_moves_the_sockets(tmp_path: Path, static: str) -> None:
    data = tmp_path / ("long" * 20) / "data"
    gallery = Gallery(data, free_port(), STATIC_DIR=static)
    try:
        gallery.until_ready()
        assert not (data / "run").exists()
        assert gallery.stop() == 0
    finally:
        gallery.destroy()


@pytest.fixture
def external(settings: Any) -> Iterator[dict[str, str]]:
    """Addresses of a PostgreSQL and a Redis that somebody else runs: those of the test run, with a database of their own."""
    found = settings.DATABASES["default"]
    server = {"host": found["HOST"], "user": found["USER"], "dbname": "postgres"}
    with psycopg.connect(**server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS parts WITH (FORCE)")
        connection.execute("CREATE DATABASE parts")
    path = urlsplit(settings.REDIS_ADDRESS).path
    yield {"DATABASE_URL": f"postgresql://{found['USER']}@/parts?host={found['HOST']}", "REDIS_URL": f"unix://{path}?db=63"}
    with psycopg.connect(**server, autocommit=True) as connection:
        connection.execute("DROP DATABASE parts WITH (FORCE)")


def test_parts_share_external_engines(tmp_path: Path, static: str, external: dict[str, str]) -> None:
    port = free_port()
    parts = [
        Gallery(tmp_path / part, port, part, STATIC_DIR=static, SECRET_KEY="k" * 40, LOG_FORMAT="json", **external)
        for part in ("web", "worker", "background", "beat")
    ]
    try:
        for part in parts:
            part.until(lambda part=part: "Ready after" in part.output, "the end of the start")
        parts[0].until(parts[0].is_ready, "readiness")

        assert [bool(part.said("migrations")) for part in parts].count(True) == 1
        assert not any(part.child("bin/postgres") or part.child("redis-server") for part in parts)
        assert [part.stop() for part in parts] == [0, 0, 0, 0]
        lines = [json.loads(line) for line in parts[0].lines]
        assert [line["message"] for line in lines if line["logger"] == "gallery.up"][-3:] == ["Stopping.", "web stopped.", "Stopped."]
        assert {tuple(line) for line in lines} == {("at", "level", "logger", "request_id", "message")}
    finally:
        for part in parts:
            part.destroy()


def test_unreachable_database_is_one_sentence(tmp_path: Path) -> None:
    refused = run_up(
        tmp_path, free_port(), DATABASE_URL="postgresql://u:hush@127.0.0.1:9/x", REDIS_URL="redis://127.0.0.1:9/0", START_PATIENCE="1"
    )

    assert refused.returncode == 1
    assert refused.stderr.startswith("The database at DATABASE_URL does not answer: ")
    assert (refused.stderr.count("\n"), "hush" in refused.stderr) == (1, False)


class TestRefusals:
    def test_port_taken(self, tmp_path: Path) -> None:
        import socket

        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]

            refused = run_up(tmp_path / "data", port)

        assert refused.returncode == 1
        assert (
            refused.stderr == f"Port {port} on 127.0.0.1 is taken or not ours (Address already in use). Set PORT or HOST to another one.\n"
        )

    def test_folder_of_a_newer_gallery(self, tmp_path: Path) -> None:
        (tmp_path / "gallery.json").write_text('{"format": 2, "version": "9.0"}')

        refused = run_up(tmp_path, free_port())

        assert refused.returncode == 1
        assert refused.stderr == f"{tmp_path} was written by a newer gallery (format 2, this one knows 1). Start the newer gallery.\n"

    def test_disk_almost_full(self, tmp_path: Path) -> None:
        refused = run_up(tmp_path, free_port(), MIN_FREE_DISK="1000000TB")

        assert refused.returncode == 1
        pattern = rf"The disk of {tmp_path} is almost full: \d+ MB free, 1000000000000 MB needed\. Make room, or set MIN_FREE_DISK\.\n"
        assert re.fullmatch(pattern, refused.stderr)

    def test_malformed_variable(self, tmp_path: Path) -> None:
        refused = run_up(tmp_path, free_port(), SIGNUP_OPEN="perhaps")

        assert (refused.returncode, refused.stderr) == (1, "SIGNUP_OPEN: must be true or false, not 'perhaps'.\n")

    def test_database_of_another_kind(self, tmp_path: Path) -> None:
        refused = run_up(tmp_path, free_port(), DATABASE_URL="sqlite:///x.db")

        assert (refused.returncode, refused.stderr) == (
            1,
            "DATABASE_URL: must start with postgresql://; PostgreSQL is the only database.\n",
        )

    def test_data_folder_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "data").write_text("not a folder")

        refused = run_up(tmp_path / "data", free_port())

        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1

    def test_parts_need_external_engines(self, tmp_path: Path) -> None:
        refused = run_up(tmp_path, free_port(), "web")

        assert refused.returncode == 1
        assert refused.stderr == "Single parts need DATABASE_URL and REDIS_URL: the embedded engines belong to the whole.\n"
