"""The log of a run: what it prints, up to a size."""

import os
from pathlib import Path


class Log:
    """Keeps the first `limit` bytes; counts, and drops, what comes after. What cannot be written counts as dropped too."""

    def __init__(self, path: Path, limit: int) -> None:
        self.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self.path, self.limit = path, limit
        self.kept = self.dropped = 0
        self.last = b"\n"

    def add(self, piece: bytes) -> None:
        """Keep as much of `piece` as still fits."""
        fits = piece[: max(0, self.limit - self.kept)] if not self.dropped else b""
        done = 0
        try:
            while done < len(fits):
                done += os.write(self.descriptor, fits[done:])
        except OSError:
            pass
        self.kept += done
        self.dropped += len(piece) - done
        self.last = fits[done - 1 : done] or self.last

    def close(self) -> None:
        """End the log with a line that says how much is missing, where something is."""
        if self.dropped:
            start = "" if self.last == b"\n" else "\n"
            try:
                os.write(self.descriptor, f"{start}[The log was full here: {self.dropped:,} more bytes of output were dropped.]\n".encode())
            except OSError:
                pass
        os.close(self.descriptor)

    def head(self, size: int) -> str:
        """Return what came first."""
        with self.path.open("rb") as file:
            return file.read(size).decode(errors="replace").strip()
