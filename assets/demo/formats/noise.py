"""Numbers that look like trained weights, drawn from a seed."""

import struct
from functools import cache
from random import Random
from statistics import NormalDist

WIDTHS = {"F32": 4, "F16": 2, "BF16": 2, "I8": 1, "U8": 1}


@cache
def _top_bytes(dtype: str, deviation: float) -> bytes:
    """Return 256 equally likely first bytes (sign and exponent) of a normal distribution around 0 in big-endian `dtype`."""
    spread = NormalDist(0.0, deviation)
    code = ">e" if dtype == "F16" else ">f"
    return bytes(struct.pack(code, spread.inv_cdf((i + 0.5) / 256))[0] for i in range(256))


def normal(seed: str, count: int, dtype: str = "F32", deviation: float = 0.02) -> bytes:
    """Return `count` little-endian numbers spread about 0 roughly as far as `deviation`; never an infinity or a NaN.

    Only the byte with sign and exponent follows the distribution, the others are uniform: that costs no arithmetic per
    number. `I8` and `U8` are uniform.
    """
    random = Random(seed)
    width = WIDTHS[dtype]
    if width == 1:
        return random.randbytes(count)
    out = bytearray(count * width)
    for place in range(width - 1):
        out[place::width] = random.randbytes(count)
    out[width - 1 :: width] = random.randbytes(count).translate(_top_bytes(dtype, deviation))
    return bytes(out)


def constant(value: float, count: int, dtype: str = "F32") -> bytes:
    """Return `value` `count` times, little-endian."""
    if dtype == "BF16":
        one = struct.pack("<f", value)[2:]
    elif dtype in ("I8", "U8"):
        one = int(value).to_bytes(1, "little", signed=dtype == "I8")
    else:
        one = struct.pack("<e" if dtype == "F16" else "<f", value)
    return one * count
