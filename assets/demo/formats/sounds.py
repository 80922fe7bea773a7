"""WAV files: 16-bit mono, synthesised."""

import io
import math
import wave
from array import array
from collections.abc import Sequence
from random import Random

RATE = 16_000


def encode(samples: Sequence[float], rate: int = RATE) -> bytes:
    """Return a WAV file of samples between -1 and 1; louder ones are clipped."""
    frames = array("h", (round(max(-1.0, min(1.0, sample)) * 32_767) for sample in samples))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(frames.tobytes())
    return out.getvalue()


def bearing(seed: str, fault: str, seconds: float = 1.0) -> bytes:
    """Return the hum of a motor; a `fault` adds knocks at its own rate (`inner`, `outer`, `ball`; `normal` has none)."""
    random = Random(seed)
    shaft = 24.5 + random.random()
    knocks = {"normal": 0.0, "outer": 3.58, "inner": 5.42, "ball": 2.36}[fault] * shaft
    samples = []
    for i in range(int(seconds * RATE)):
        t = i / RATE
        value = 0.18 * math.sin(math.tau * shaft * t) + 0.08 * math.sin(math.tau * 4 * shaft * t) + random.uniform(-0.03, 0.03)
        if knocks:
            since = t % (1 / knocks)
            value += 0.55 * math.exp(-since * 420) * math.sin(math.tau * 3_150 * since)
        samples.append(value)
    return encode(samples)


def voice(seed: str, syllables: int = 4, pitch: float = 170.0) -> bytes:
    """Return syllables of vowel-like sound: a pulse train through two resonances that glide, as a stand-in for speech."""
    random = Random(seed)
    vowels = [(730, 1_090), (270, 2_290), (300, 870), (530, 1_840), (570, 840)]
    samples: list[float] = []
    for _ in range(syllables):
        first, second = random.choice(vowels)
        tone = random.choice([(1.0, 1.0), (0.9, 1.25), (0.85, 1.1), (1.3, 0.8)])
        length = int(RATE * random.uniform(0.16, 0.24))
        phase = 0.0
        for i in range(length):
            part = i / length
            pace = pitch * (tone[0] + (tone[1] - tone[0]) * part)
            phase = (phase + pace / RATE) % 1.0
            since = phase / pace
            ring = math.exp(-since * 500)
            value = ring * (0.6 * math.sin(math.tau * first * since) + 0.3 * math.sin(math.tau * second * since))
            samples.append(value * math.sin(math.pi * part) * 0.8)
        samples.extend([0.0] * int(RATE * random.uniform(0.02, 0.06)))
    return encode(samples)
