"""Under which account the engines run, and the folders they may write. PostgreSQL refuses to run as root."""

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

ACCOUNT = "pgserver"


class EmbeddedError(Exception):
    """An embedded engine cannot run; the message is one sentence for the person who started it."""


@dataclass(frozen=True)
class Owner:
    """The account of the engines: ourselves, or `ACCOUNT` where we are root."""

    name: str | None
    uid: int
    gid: int

    def folder(self, path: Path) -> None:
        """Make `path` a folder that only this account may enter."""
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = path.stat()
        if self.name:
            if found.st_uid not in (0, self.uid):
                raise EmbeddedError(f"{path} belongs to somebody else. Remove it, or choose another DATA_DIR.")
            if (found.st_uid, found.st_gid) != (self.uid, self.gid):
                os.chown(path, self.uid, self.gid)
            self.open_way(path)
        elif found.st_uid != self.uid:
            raise EmbeddedError(f"{path} belongs to another user. Start the gallery as that user, or choose another DATA_DIR.")
        if stat.S_IMODE(found.st_mode) != 0o700:
            path.chmod(0o700)

    def file(self, path: Path) -> None:
        """Make `path` a file that this account may write."""
        path.touch(mode=0o600)
        if self.name:
            os.chown(path, self.uid, self.gid)

    def open_way(self, path: Path) -> None:
        """Let this account pass through the folders above `path`, without letting it list them."""
        for parent in path.resolve().parents:
            mode = stat.S_IMODE(parent.stat().st_mode)
            if not mode & stat.S_IXOTH:
                parent.chmod(mode | stat.S_IXOTH)

    def open_programs(self, folder: Path) -> None:
        """Let this account run the programs below `folder`, also where they were installed under a strict umask."""
        self.open_way(folder)
        for path in (folder, *folder.rglob("*")):
            if path.is_symlink():
                continue
            mode = stat.S_IMODE(path.stat().st_mode)
            wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
            if wanted != mode:
                path.chmod(wanted)


def owner() -> Owner:
    """Return the account for the engines; as root, `ACCOUNT` is created where it does not exist."""
    if os.geteuid() != 0:
        return Owner(None, os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        entry = _create_account()
    return Owner(ACCOUNT, entry.pw_uid, entry.pw_gid)


def _create_account() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd is None:
        raise EmbeddedError(
            f"PostgreSQL does not run as root and there is no useradd here: create a user “{ACCOUNT}”, or start as another user."
        )
    made = subprocess.run(
        [useradd, "--system", "--no-create-home", "--home-dir", "/", "--shell", "/bin/false", ACCOUNT],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and the user “{ACCOUNT}” could not be created: {made.stderr.strip()}."
        ) from None
