"""A cluster of PostgreSQL that already has all tables: made once for the migrations as they are, and copied by whatever starts empty."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from portal import embedded
from portal.processes import Child

ROOT = Path(__file__).resolve().parents[2]
KEPT = 3
"""Clusters of so many states of the migrations are kept, about 60 MB each."""


def place_cluster(data: Path) -> None:
    """Make `data`, which must not exist, a cluster in whose database `postgres` every migration is applied."""
    account = embedded.owner()
    data.parent.mkdir(parents=True, exist_ok=True)
    _copy(_prepared(account), data)


def _prepared(account: embedded.Owner) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gallery-tests" / "clusters"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / _digest()
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            folder.touch()
        else:
            _make(folder, account)
            for old in sorted((path for path in cache.iterdir() if path.is_dir()), key=lambda path: -path.stat().st_mtime)[KEPT:]:
                shutil.rmtree(old)
    return folder


def _digest() -> str:
    """Return what the tables follow from: the migrations of our applications, and the versions of all others."""
    found = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    for path in sorted([*ROOT.glob("*/migrations/*.py"), *ROOT.glob("*/*/migrations/*.py"), ROOT / "requirements.txt"]):
        found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:20]


def _make(folder: Path, account: embedded.Owner) -> None:
    with tempfile.TemporaryDirectory(prefix="gallery-cluster-", dir="/tmp") as name:
        data, run = Path(name) / "postgres", Path(name) / "run"
        Path(name).chmod(0o711)
        embedded.prepare_postgres(data, run, account, durable=False)
        log = run / "postgres.log"
        server = Child(embedded.postgres(data, run, account, log=log, durable=False))
        try:
            embedded.wait_for_postgres(server, run, log=log)
            _migrate(Path(name), f"postgresql://postgres@/postgres?host={run}")
        finally:
            server.stop()
        _copy(data, folder)


def _migrate(scratch: Path, address: str) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    given = {"DATA_DIR": str(scratch / "data"), "DATABASE_URL": address, "REDIS_URL": f"unix://{scratch}/none", "LOG_LEVEL": "WARNING"}
    command = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
    done = subprocess.run(command, env={**kept, **given}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def _copy(source: Path, target: Path) -> None:
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(draft)], check=True)
    draft.rename(target)
