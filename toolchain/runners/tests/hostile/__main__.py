"""Tries to get out of a sandbox, in every way it knows, and prints what came of it: one JSON line [name, outcome] for each attempt.

Outcome is "done" with what was gained, or the error that stopped it. Each is made by a process of its own. Runs inside, alone:
the standard library only. GIVEN holds, as JSON, where to aim at. Nothing here damages a machine on which an attempt succeeds.
"""

import errno
import json
import os
import signal

import files  # noqa: F401 - its attempts are found by being defined
import powers  # noqa: F401
import sockets  # noqa: F401
from common import ATTEMPTS, GIVEN, call


def outcome(function, *arguments):
    try:
        return "done", str(function(*arguments))
    except Exception as error:
        return errno.errorcode.get(getattr(error, "errno", None) or 0, type(error).__name__), str(error)


def alone(name, function, *arguments):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os.write(1, json.dumps([name, outcome(function, *arguments)]).encode() + b"\n")
        os._exit(0)
    os.waitpid(child, 0)


def main():
    for name, function in ATTEMPTS.items():
        alone(name, function)
    for name, number in GIVEN["tried"].items():
        alone(f"call {name}", call, number)


if __name__ == "__main__":
    main()
