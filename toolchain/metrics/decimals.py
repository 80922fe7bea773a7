"""Columns of decimal numbers in a block of bytes, converted all at once where that gives what `int` and `float` would."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Places = NDArray[np.intp]

_WIDEST = 18
_EXACT = 15
"""Digits of a whole number that a float surely holds exactly."""
_TENS = 10 ** np.arange(_WIDEST + 1, dtype=np.int64)
_POINT, _MINUS, _ZERO = (ord(character) for character in ".-0")


def whole_numbers(block: Bytes, starts: Places, ends: Places) -> Integers | None:
    """Return the numbers written between `starts` and `ends` if all of them are digits, at most 18, else None."""
    found = _scan(block, starts, ends, _WIDEST)
    if found is None:
        return None
    value, digits, _ = found
    return value if (digits == ends - starts).all() else None


def decimals(block: Bytes, starts: Places, ends: Places) -> Floats | None:
    """Return the numbers written there if all have at most 15 digits, a point at most and perhaps a minus, else None.

    Digits and the power of ten to divide by are both exact as floats then, so their quotient is the nearest float (Clinger, How to
    read floating point numbers accurately, 1990).
    """
    found = _scan(block, starts, ends, _EXACT + 2)
    if found is None:
        return None
    value, digits, point = found
    minus, pointed = block[starts] == _MINUS, point >= 0
    if digits.min() < 1 or digits.max() > _EXACT or (digits + pointed + minus != ends - starts).any():
        return None
    behind = np.where(pointed, point, 0)
    split = _TENS[behind + 1]
    value = np.where(pointed, value // split * _TENS[behind] + value % split, value)
    numbers = value / _TENS[behind].astype(np.float64)
    return np.where(minus, -numbers, numbers)


def _scan(block: Bytes, starts: Places, ends: Places, widest: int) -> tuple[Integers, Integers, Integers] | None:
    """Return for each field its digits as a number (a point counts as a nought), how many there are, and how many follow the point.

    The last is -1 without a point. None where a field is empty, has more than `widest` characters, or several points.
    """
    lengths = ends - starts
    if lengths.min() < 1 or lengths.max() > widest:
        return None
    value, digits = np.zeros(len(starts), np.int64), np.zeros(len(starts), np.int64)
    point = np.full(len(starts), -1, np.int64)
    for column in range(int(lengths.max())):
        place = ends - (column + 1)
        character, inside = block[place], place >= starts
        digit = character - np.uint8(_ZERO)
        good = (digit < 10) & inside
        value += (digit * good) * _TENS[column]
        digits += good
        points = (character == _POINT) & inside
        if points.any():
            if (point[points] >= 0).any():
                return None
            point[points] = column
    return value, digits, point
