"""Aims, and means that attempts share."""

import ctypes
import json
import os

GIVEN = json.loads(os.environ.pop("GIVEN"))
# Written backwards, so that it is not found where it was told to us.
NEEDLE = GIVEN["needle"][::-1].encode()
libc = ctypes.CDLL(None, use_errno=True)
ATTEMPTS = {}


def attempt(function):
    ATTEMPTS[function.__name__] = function
    return function


def call(number, *arguments):
    """Make a system call; returns what it returned or raises OSError."""
    padded = [ctypes.c_long(each) if isinstance(each, int) else each for each in (*arguments, *[0] * (6 - len(arguments)))]
    result = libc.syscall(ctypes.c_long(number), *padded)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
