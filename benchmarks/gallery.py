"""What the benchmarks share: a gallery of their own, a file to send, a table."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.live import Gallery, free_port, running

__all__ = ["Gallery", "free_port", "make_file", "running", "table"]


def make_file(path: Path, size: int) -> None:
    """Write `size` bytes that do not compress, quickly: one random block of 64 MiB, varied by its number."""
    block = os.urandom(64 << 20)
    with open(path, "wb") as file:
        number, left = 0, size
        while left:
            piece = number.to_bytes(8, "big") + block[8:]
            file.write(piece[: min(left, len(piece))])
            left -= min(left, len(piece))
            number += 1


def table(title: str, rows: list[tuple[str, ...]], head: tuple[str, ...]) -> None:
    """Print a plain table."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    print(f"\n{title}")
    for row in [head, tuple("-" * w for w in widths), *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
