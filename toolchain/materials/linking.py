"""Giving a file another name or a copy without moving its bytes, where the file system can."""

import errno
import fcntl
import os
import shutil
import stat
from pathlib import Path
from uuid import uuid4

FICLONE = 0x40049409
"""`_IOW(0x94, 9, int)` of linux/fs.h."""
READ_ONLY = 0o444
_CANNOT = {errno.EXDEV, errno.EMLINK, errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENOTTY}


def link(source: Path, target: Path) -> bool:
    """Make `target` another name of `source`, readable for every account and writable for none; False where that cannot be done."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno in _CANNOT:
            return False
        raise
    if stat.S_IMODE(os.stat(target).st_mode) & 0o666 != READ_ONLY:
        os.chmod(target, READ_ONLY)
    return True


def reflink(source: Path, target: Path, spare: Path) -> bool:
    """Make `target` a file of its own that shares the bytes of `source` until one is written to; False where that cannot be done.

    What a crash leaves behind lies in the folder `spare` of the same file system.
    """
    partial = spare / uuid4().hex
    try:
        with open(source, "rb") as origin, open(partial, "wb") as file:
            fcntl.ioctl(file.fileno(), FICLONE, origin.fileno())
            os.fchmod(file.fileno(), READ_ONLY)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno in _CANNOT:
            return False
        raise
    os.rename(partial, target)
    return True


def remove_tree(folder: Path) -> None:
    """Remove a folder whose folders are read-only; the bytes of files that have other names stay as they are."""
    for path, _folders, _files in os.walk(folder):
        os.chmod(path, 0o700)
    shutil.rmtree(folder)
