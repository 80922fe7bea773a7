"""Taking up a run: in the background, once, and with a word to whoever asked for it."""

import os
import signal
import sys
from pathlib import Path

from toolchain.runners import folders
from toolchain.runners.supervisor import processes
from toolchain.runners.supervisor.running import Running

_TAKEN = b"taken"


def main(arguments: list[str]) -> int:
    """Run the supervisor of the folder named last. 0: the run is taken up, by us or by another; else stderr says why not.

    With `--foreground` the answer is how the program ended; it ends, too, with whoever started us.
    """
    folder = Path(arguments[-1]).resolve()
    os.umask(0o077)
    os.chdir("/")
    if "--foreground" in arguments:
        return _supervise(folder, -1, lent=True)
    listening, telling = os.pipe()
    if os.fork():
        os.close(telling)
        answer = b""
        while piece := os.read(listening, 4096):
            answer += piece
        if answer == _TAKEN:
            return 0
        sys.stderr.write(answer.decode(errors="replace") or f"The supervisor ended at once; see {folder / folders.TROUBLE}.")
        return 1
    os.close(listening)
    os.setsid()
    _detach(folder)
    os._exit(_supervise(folder, telling))


def _detach(folder: Path) -> None:
    """Leave the terminal and the pipes of whoever started us; what we have to say goes to a file of the run."""
    null = os.open(os.devnull, os.O_RDWR)
    trouble = os.open(folder / folders.TROUBLE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((null, 0), (trouble, 1), (trouble, 2)):
        os.dup2(source, target)
    os.close(null)
    os.close(trouble)


def _supervise(folder: Path, telling: int, *, lent: bool = False) -> int:
    def tell(answer: bytes) -> None:
        if telling >= 0:
            os.write(telling, answer)
            os.close(telling)

    try:
        order, lock = folders.read_order(folder), folders.take_lock(folder / folders.LOCK)
        if lock is None or (folder / folders.EXIT).exists() or (folder / folders.OWNER).exists():
            tell(_TAKEN)
            return 0
        if order is None:
            tell(b"There is nothing to run here.")
            return 1
        if lent:
            from toolchain.runners.supervisor.placing import claims, placed

            running = Running(folder, placed(order, folder), claims(), lent=True)
        else:
            running = Running(folder, order, folder.parent / ".processors")
        folders.write(folder, folders.OWNER, {**processes.identity(), "node": os.uname().nodename})
    except Exception as error:
        tell(str(error).encode(errors="replace"))
        raise
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, running.ask_to_stop)
    tell(_TAKEN)
    try:
        return running.run().code
    except Exception:
        import traceback

        traceback.print_exc()
        running.abandon()
        return 1
