"""Starting the sandboxed program from the supervisor's main thread, whose end would end it."""

import os
import signal
from collections.abc import Collection, Sequence
from contextlib import suppress

from toolchain.runners.supervisor.cgroups import Group

_LOWER_PRIORITY = 5
# Python ignores the first two, and everybody who is started inherits what is ignored.
_RESET = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


def start(argv: Sequence[str], descriptors: Sequence[int], output: int, processors: Collection[int], group: Group | None) -> int:
    """Return the process id of `argv`, which runs without our environment in a session of its own and prints to `output`.

    A program that cannot be executed says so there and ends with 1.
    """
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        # What a run makes may be mounted into others, which have other accounts.
        os.umask(0o022)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        for descriptor in descriptors:
            os.set_inheritable(descriptor, True)
        for number in _RESET:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if group:
            group.enter()
        if processors:
            os.sched_setaffinity(0, processors)
        os.nice(_LOWER_PRIORITY)
        os.execvpe(argv[0], list(argv), {})  # noqa: S606 - a list of our own
    except BaseException as error:
        with suppress(OSError):
            os.write(2, f"{argv[0]}: {error}\n".encode(errors="replace"))
    finally:
        os._exit(1)
