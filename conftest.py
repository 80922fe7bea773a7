"""Gives every test run its own PostgreSQL, Redis and data folder, and removes them at the end.

Nothing has to be installed or started first. Runs do not see each other; the workers of one run share the two engines and have
a database, a Redis database and a data folder each.
"""

import atexit
import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
if os.environ.get("DJANGO_SETTINGS_MODULE") and not WORKER:
    raise pytest.UsageError("Unset DJANGO_SETTINGS_MODULE: the tests choose their settings themselves.")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from portal import embedded  # noqa: E402
from portal.processes import Child  # noqa: E402
from portal.tests.prepared import place_cluster  # noqa: E402

pytest_plugins = ["core.testing"]

ROOT_VARIABLE = "GALLERY_TEST_ROOT"
CONFIGURED = ("DATA_DIR", "DATABASE_URL", "REDIS_URL", "BLOB_STORE", "EMAIL_URL", "SECRET_KEY", "PUBLIC_URL", "HOST", "PORT", "DEBUG")


def _own_environment() -> Path:
    """Point the settings to this process's own database, Redis database and data folder; return the run's folder."""
    if WORKER:
        root = Path(os.environ[ROOT_VARIABLE])
    else:
        root = Path(tempfile.mkdtemp(prefix="gallery-test-", dir="/tmp"))
        os.environ[ROOT_VARIABLE] = str(root)
        atexit.register(shutil.rmtree, root, ignore_errors=True)
    for name in CONFIGURED:
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    data = root / (WORKER or "data")
    data.mkdir(mode=0o700, exist_ok=True)
    number = int(WORKER.removeprefix("gw")) + 1 if WORKER else 0
    os.environ |= {
        "DATA_DIR": str(data),
        "DATABASE_URL": f"postgresql://postgres@/gallery?host={root / 'run'}&options=-c%20gallery.allow_truncate%3Don",
        "REDIS_URL": f"unix://{root / 'run' / 'redis.sock'}?db={number}",
        "SECRET_KEY": "a key for tests, which protects nothing at all",
        "LOG_LEVEL": "WARNING",
    }
    return root


ROOT = _own_environment()
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"

ENGINES: list[Child] = []


def _set_up_django() -> None:
    import django
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    # Tests need no collectstatic: addresses of static files carry no digest.
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.startswith("whitenoise.")]
    django.setup()
    # A worker of xdist inherits the environment: with this set, its settings would be read before its own environment is.
    os.environ.pop("DJANGO_SETTINGS_MODULE")
    _keep_caches()


def _keep_caches() -> None:
    """Let what a process keeps for seconds last as long as the run: counted queries must not depend on how slow it is."""
    from assets import vocabulary
    from portal import site

    site.KEEP_SECONDS = vocabulary.KEEP_SECONDS = 3600.0


# Before `core.testing` is imported: it, and every test module, may import models at its top.
_set_up_django()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give the run a folder for temporary files of its own: the common one is closed to the account of the engines by every run that starts."""
    if not WORKER and config.option.basetemp is None:
        config.option.basetemp = str(ROOT / "t")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    if WORKER or session.config.option.collectonly:
        return
    owner, data, run = embedded.owner(), ROOT / "postgres", ROOT / "run"
    place_cluster(data)
    embedded.prepare_postgres(data, run, owner, durable=False)
    ENGINES.append(Child(embedded.postgres(data, run, owner, log=run / "postgres.log", durable=False)))
    ENGINES.append(Child(embedded.redis(run, owner, log=run / "redis.log")))
    embedded.wait_for_postgres(ENGINES[0], run, log=run / "postgres.log")
    embedded.wait_for_redis(ENGINES[1], run)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Say that the tables are there already, and that nobody has to drop them: the whole cluster goes at the end."""
    return True


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Copy this worker's database from the one in which every migration is applied."""
    import psycopg
    from django.db import connection
    from psycopg import sql

    with psycopg.connect(host=str(ROOT / "run"), user="postgres", dbname="template1", autocommit=True) as server:
        name = connection.creation._get_test_db_name()
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE postgres STRATEGY file_copy").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Let tests that commit leave the database as they found it."""
    from portal.tests.emptied import remember

    with django_db_blocker.unblock():
        remember()


def pytest_collection_finish() -> None:
    """Take what was imported and collected out of the garbage collector's rounds: a tenth of the time of all tests."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    if WORKER:
        return
    for child in reversed(ENGINES):
        child.stop()
