"""Functions for the confined process that die as a hostile file might have them die."""

import os

from inspection.files import File
from inspection.safety.scan import scan_files


def scan_until_poison(files: list[File], limit: int) -> int:
    for number, file in enumerate(files):
        if file.read(0, 6) == b"POISON":
            scan_files(files[:number], limit)
            os.abort()
    return scan_files(files, limit)
