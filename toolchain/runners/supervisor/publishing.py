"""The socket on which a program serves, put where the program cannot put another one, or a link to one, in its stead."""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from toolchain.runners import folders, trees
from toolchain.runners.base import RunSpec


class Published:
    """A link in a run's folder to the socket that its program listens on; nothing for a run that serves nothing."""

    def __init__(self, folder: Path, spec: RunSpec) -> None:
        self._folder, self._place = folder, folders.socket_of(folder, spec)
        self._linked = 0

    @property
    def is_awaited(self) -> bool:
        """Whether no program has listened yet."""
        return self._place is not None and not self._linked

    def renew(self) -> None:
        """Link the socket that is there now, where somebody listens on it."""
        if self._place is None:
            return
        with suppress(OSError):
            handle = trees.open_below(*self._place, os.O_PATH)
            try:
                found = os.fstat(handle)
                if stat.S_ISSOCK(found.st_mode) and found.st_ino != self._linked and _answers(handle):
                    self._link(handle)
                    self._linked = found.st_ino
            finally:
                os.close(handle)

    def _link(self, handle: int) -> None:
        # A unix socket asks nobody who calls: only we shall, not even other runs.
        os.chmod(f"/proc/self/fd/{handle}", 0o600)
        above = os.open(self._folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            draft = f".{folders.SOCKET}"
            with suppress(FileNotFoundError):
                os.unlink(draft, dir_fd=above)
            # With a folder given, Python asks the kernel to follow, here to the socket that was looked at.
            os.link(f"/proc/self/fd/{handle}", draft, dst_dir_fd=above, follow_symlinks=True)
            os.rename(draft, folders.SOCKET, src_dir_fd=above, dst_dir_fd=above)
        finally:
            os.close(above)

    def remove(self) -> None:
        """Take the link away."""
        with suppress(FileNotFoundError):
            (self._folder / folders.SOCKET).unlink()


def _answers(handle: int) -> bool:
    """Whether somebody listens on a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)
        return caller.connect_ex(f"/proc/self/fd/{handle}") == 0
