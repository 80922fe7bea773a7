"""The steps between the command `manage.py up` and a gallery that answers."""

import errno
import http.client
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from portal import embedded, statics, translations
from portal.datafolder import StartError
from portal.processes import Child, Program

MIGRATION_LOCK = 0x67616C31
OLDEST_REDIS = (6, 2)
LOG_LIMIT = 20 << 20
CELERY = [sys.executable, "-m", "celery", "--quiet", "--skip-checks", "-A"]


def check_port(host: str, port: int) -> None:
    """Raise unless somebody could listen on the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise StartError(f"Port {port} needs more rights than this user has. Set PORT to one above 1023.") from error
        except OSError as error:
            raise StartError(f"Port {port} on {host} is taken or not ours ({error.strerror}). Set PORT or HOST to another one.") from error


def engine_programs(say: Callable[[str], None]) -> Iterator[Program]:
    """Yield the engines that this machine has to run itself, each prepared."""
    if settings.DATABASE_URL and settings.REDIS_URL:
        return
    owner = embedded.owner()
    if owner.name:
        say(f"Running as root: the engines run as the user {owner.name}.")
    logs = Path(settings.DATA_DIR) / "logs"
    logs.mkdir(exist_ok=True, mode=0o700)
    owner.open_way(logs / "any")
    if not settings.DATABASE_URL:
        embedded.prepare_postgres(settings.POSTGRES_DIR, settings.RUN_DIR, owner)
        yield embedded.postgres(settings.POSTGRES_DIR, settings.RUN_DIR, owner, log=log_file(logs, "postgresql"))
    if not settings.REDIS_URL:
        yield embedded.redis(settings.RUN_DIR, owner, log=log_file(logs, "redis"))


def log_file(folder: Path, name: str) -> Path:
    """Return the file for the log of an engine; one that has grown too large is put aside first."""
    path = folder / f"{name}.log"
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(folder / f"{name}.log.1")
    return path


def wait_for_engine(child: Child) -> None:
    """Return when the engine answers."""
    if child.program.name == "redis":
        embedded.wait_for_redis(child, settings.RUN_DIR)
    else:
        embedded.wait_for_postgres(child, settings.RUN_DIR, log=child.program.log)


def wait_for_external() -> None:
    """Return when the configured PostgreSQL and Redis answer and are new enough."""
    from redis import Redis
    from redis.exceptions import RedisError

    end = time.monotonic() + settings.START_PATIENCE
    parameters = {name: value for name, value in connection.get_connection_params().items() if name != "pool"}
    while settings.DATABASE_URL:
        try:
            # Not through the pool, which tries on by itself and says so on every try.
            psycopg.connect(**parameters).close()
            break
        except psycopg.OperationalError as error:
            if time.monotonic() > end:
                raise StartError(f"The database at DATABASE_URL does not answer: {str(error).strip().splitlines()[-1]}") from error
            time.sleep(0.5)
    while settings.REDIS_URL:
        try:
            with Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5, socket_timeout=5) as client:
                version = str(client.info("server")["redis_version"])
        except (RedisError, OSError) as error:
            if time.monotonic() > end:
                raise StartError(f"The Redis at REDIS_URL does not answer: {error}") from error
            time.sleep(0.5)
            continue
        if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
            raise StartError(f"The Redis at REDIS_URL is version {version}; the gallery needs 6.2 or newer.")
        break


def migrate() -> int:
    """Bring the tables up to date and return the number of migrations that took; of several nodes one does it."""
    with _one_at_a_time():
        executor = MigrationExecutor(connection)
        ours = executor.loader.migrated_apps
        unknown = [key for key in executor.loader.applied_migrations if key[0] in ours and key not in executor.loader.disk_migrations]
        if unknown:
            raise StartError(f"The database was used by a newer gallery ({'.'.join(unknown[0])} is unknown here). Start the newer gallery.")
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            call_command("migrate", interactive=False, verbosity=0)
    return len(plan)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def disconnect() -> None:
    """Give back this process's database connections: it only supervises from now on."""
    connection.close()
    if settings.DATABASE_POOL:
        connection.close_pool()  # type: ignore[attr-defined]


def prepare_files(*, static: bool = True) -> tuple[int, bool]:
    """Compile translations and collect static files where they changed; return how many and whether."""
    try:
        return translations.compile_messages(settings.BASE_DIR / "locale"), static and statics.collect()
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        raise StartError(
            f"{error.filename} cannot be written, and something in it is missing or old. Run `manage.py prepare` as its owner."
        ) from error


def programs(parts: list[str]) -> list[Program]:
    """Return the processes of these parts in the order in which they start."""
    level = ["--loglevel", settings.LOG_LEVEL]
    known = {
        "beat": Program(
            "beat",
            [*CELERY, "portal.beat", "beat", *level, "--pidfile=", "--schedule", settings.CELERY_BEAT_SCHEDULE_FILENAME],
            grace=10,
            folder=settings.BASE_DIR,
        ),
        "worker": _worker("worker", settings.CELERY_TASK_DEFAULT_QUEUE, settings.WORKER_CONCURRENCY),
        "background": _worker("background", settings.BACKGROUND_QUEUE, settings.BACKGROUND_CONCURRENCY),
        "toolchain": _worker("toolchain", settings.TOOLCHAIN_QUEUE, settings.TOOLCHAIN_CONCURRENCY, "--pool", "threads"),
        "web": Program("web", [sys.executable, "-m", "portal.web"], grace=20, folder=settings.BASE_DIR),
    }
    return [program for name, program in known.items() if name in parts]


def _worker(name: str, queue: str, concurrency: int, *more: str) -> Program:
    """Return a worker that serves one queue."""
    options = ["--loglevel", settings.LOG_LEVEL, "--concurrency", str(concurrency), "--queues", queue, "--hostname", f"{name}@%h"]
    # Without the talk among workers: nobody here asks for it, and it costs a second at every start.
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-O", "fair"]
    return Program(
        name,
        [*CELERY, "portal.celery", "worker", *options, *quiet, *more],
        grace=20,
        # On a machine where everything runs as root its owner decided so; it need not be said at every start.
        environment={"PYTHONWARNINGS": "ignore:You're running the worker"},
        folder=settings.BASE_DIR,
    )


def demo_program() -> Program:
    """Return the process that loads the demo content and ends."""
    return Program(
        "demo content",
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "demo"],
        grace=10,
        folder=settings.BASE_DIR,
        environment={"PYTHONUNBUFFERED": "1"},
    )


def wait_for_web(child: Child, seconds: float = 60) -> None:
    """Return when the web server answers."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)
    end = time.monotonic() + seconds
    while True:
        try:
            answer = http.client.HTTPConnection(host, settings.PORT, timeout=5)
            answer.request("GET", "/healthz")
            if answer.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            answer.close()
        if not child.running:
            raise StartError("The web server did not start; the lines above say why.")
        if time.monotonic() > end:
            raise StartError(f"The web server did not answer within {seconds:.0f} seconds.")
        time.sleep(0.03)
