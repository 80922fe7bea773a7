"""PNG pictures, drawn from a seed."""

import io
import math
from random import Random

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]


def encode(image: Image.Image) -> bytes:
    """Return `image` as a PNG file."""
    out = io.BytesIO()
    image.save(out, "PNG", optimize=False, compress_level=6)
    return out.getvalue()


def _grain(random: Random, size: int, base: Colour, spread: int) -> Image.Image:
    """Return a surface of `base` with film grain, blurred along the grinding direction."""
    noise = Image.frombytes("L", (size, size), random.randbytes(size * size)).filter(ImageFilter.BoxBlur((6, 0)))
    low = tuple(max(0, c - spread) for c in base)
    high = tuple(min(255, c + spread) for c in base)
    bands = [noise.point([lo + (hi - lo) * i // 255 for i in range(256)]) for lo, hi in zip(low, high, strict=True)]
    return Image.merge("RGB", bands)


def defect(seed: str, kind: str, size: int = 128) -> bytes:
    """Return a photograph-like patch of a bearing race with one fault: `scratch`, `pit`, `rust`, `dent`, `crack` or `good`."""
    random = Random(seed)
    image = _grain(random, size, (148, 152, 156), 70)
    draw = ImageDraw.Draw(image)
    x, y = random.randint(size // 4, size * 3 // 4), random.randint(size // 4, size * 3 // 4)
    if kind == "scratch":
        angle = random.uniform(0, math.pi)
        reach = random.randint(size // 4, size // 2)
        draw.line(
            [(x - reach * math.cos(angle), y - reach * math.sin(angle)), (x + reach * math.cos(angle), y + reach * math.sin(angle))],
            (224, 226, 228),
            2,
        )
    elif kind == "pit":
        for _ in range(random.randint(4, 9)):
            r, dx, dy = random.randint(2, 5), random.randint(-22, 22), random.randint(-22, 22)
            draw.ellipse([x + dx - r, y + dy - r, x + dx + r, y + dy + r], (58, 58, 62))
    elif kind == "rust":
        for _ in range(40):
            r, dx, dy = random.randint(2, 7), round(random.gauss(0, 12)), round(random.gauss(0, 12))
            draw.ellipse([x + dx - r, y + dy - r, x + dx + r, y + dy + r], (120 + random.randint(0, 40), 70 + random.randint(0, 20), 34))
    elif kind == "dent":
        for r in range(18, 0, -1):
            shade = 96 + r * 4
            draw.ellipse([x - r, y - r // 2, x + r, y + r // 2], (shade, shade, shade + 4))
    elif kind == "crack":
        points = [(x, y - size // 3)]
        for _ in range(9):
            points.append((points[-1][0] + random.randint(-6, 6), points[-1][1] + size // 14))
        draw.line(points, (30, 30, 34), 2)
    return encode(image.filter(ImageFilter.GaussianBlur(0.6)))


def leaf(seed: str, state: str, size: int = 112) -> bytes:
    """Return a leaf on soil: `healthy`, `spotted` or `wilted`."""
    random = Random(seed)
    image = _grain(random, size, (104, 84, 62), 40)
    draw = ImageDraw.Draw(image)
    green = {"healthy": (74, 136, 62), "spotted": (98, 138, 64), "wilted": (150, 136, 70)}[state]
    middle, tip, foot = size // 2, size // 10, size * 9 // 10
    width = random.randint(size // 4, size // 3)
    side = [(middle + width * math.sin(math.pi * i / 20), tip + (foot - tip) * i / 20) for i in range(21)]
    draw.polygon(side + [(2 * middle - x, y) for x, y in reversed(side)], green)
    draw.line([(middle, tip), (middle, foot)], (206, 214, 160), 2)
    for i in range(3, 17, 2):
        y = tip + (foot - tip) * i / 20
        draw.line([(middle, y), (middle + width * 0.7, y - 9)], (188, 200, 140), 1)
        draw.line([(middle, y), (middle - width * 0.7, y - 9)], (188, 200, 140), 1)
    if state == "spotted":
        for _ in range(12):
            spot, height, r = random.gauss(middle, width / 2.4), random.uniform(tip + 14, foot - 14), random.randint(2, 4)
            draw.ellipse([spot - r, height - r, spot + r, height + r], (92, 62, 30))
    return encode(image)


def ink(seed: str, size: int = 160) -> bytes:
    """Return mountains in ink wash with a sun."""
    random = Random(seed)
    image = Image.new("RGB", (size, size), (240, 234, 220))
    draw = ImageDraw.Draw(image)
    x, y = random.randint(size // 5, size * 4 // 5), random.randint(size // 8, size // 4)
    draw.ellipse([x - 9, y - 9, x + 9, y + 9], (196, 72, 48))
    for layer in range(5):
        shade = 200 - layer * 34
        base = size * (0.38 + 0.13 * layer)
        waves = [(random.uniform(4, 16), random.uniform(0.02, 0.08), random.uniform(0, 6)) for _ in range(3)]
        ridge = [(i, base - sum(a * math.sin(f * i + p) for a, f, p in waves)) for i in range(0, size + 4, 4)]
        draw.polygon([(0, size), *ridge, (size, size)], (shade, shade + 3, shade + 2))
        image = image.filter(ImageFilter.GaussianBlur(1.4 - 0.25 * layer))
        draw = ImageDraw.Draw(image)
    return encode(image)


def board(seed: str, size: int = 160) -> tuple[bytes, bytes]:
    """Return a circuit board and its mask: grey values 0 ground, 1 trace, 2 pad, 3 chip."""
    random = Random(seed)
    image = _grain(random, size, (26, 92, 62), 14)
    mask = Image.new("L", (size, size), 0)
    draw, marks = ImageDraw.Draw(image), ImageDraw.Draw(mask)
    for _ in range(9):
        x, y = random.randint(8, size - 8), random.randint(8, size - 8)
        bend = random.randint(8, size - 8)
        path = [(x, y), (bend, y), (bend, random.randint(8, size - 8))]
        draw.line(path, (182, 152, 72), 2)
        marks.line(path, 1, 2)
        for end in (path[0], path[-1]):
            box = [end[0] - 4, end[1] - 4, end[0] + 4, end[1] + 4]
            draw.ellipse(box, (212, 208, 196))
            marks.ellipse(box, 2)
    for _ in range(3):
        x, y = random.randint(14, size - 54), random.randint(14, size - 40)
        box = [x, y, x + random.randint(24, 40), y + random.randint(16, 26)]
        draw.rectangle(box, (34, 34, 38))
        marks.rectangle(box, 3)
    return encode(image), encode(mask)


def curve(seed: str, start: float, end: float, width: int = 640, height: int = 320) -> bytes:
    """Return a chart of a loss that falls from `start` to `end`."""
    random = Random(seed)
    image = Image.new("RGB", (width, height), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    left, right, top, bottom = 40, width - 16, 16, height - 32
    for i in range(5):
        y = top + (bottom - top) * i / 4
        draw.line([(left, y), (right, y)], (225, 229, 226), 1)
    points = []
    for x in range(left, right, 3):
        part = (x - left) / (right - left)
        value = end + (start - end) * math.exp(-4.5 * part) * (1 + random.uniform(-0.06, 0.06)) + random.uniform(-0.01, 0.01) * start
        points.append((x, bottom - (bottom - top) * value / (start * 1.1)))
    draw.line(points, (31, 122, 97), 2)
    draw.line([(left, top), (left, bottom), (right, bottom)], (90, 100, 96), 1)
    return encode(image)


def receipt(seed: str, width: int = 240, height: int = 320) -> bytes:
    """Return a scanned slip: bars of ink where its words stand."""
    random = Random(seed)
    image = Image.new("RGB", (width, height), (247, 245, 238))
    draw = ImageDraw.Draw(image)
    draw.rectangle([width // 4, 18, width * 3 // 4, 30], (52, 52, 56))
    y = 52
    while y < height - 48:
        x = 18
        while x < width - 80:
            word = random.randint(12, 44)
            draw.rectangle([x, y, x + word, y + 6], (84, 84, 90))
            x += word + 8
        draw.rectangle([width - 56, y, width - 20, y + 6], (84, 84, 90))
        y += random.choice([14, 14, 14, 24])
    draw.line([(18, height - 40), (width - 18, height - 40)], (60, 60, 64), 1)
    draw.rectangle([width - 76, height - 30, width - 20, height - 20], (40, 40, 44))
    return encode(image.rotate(random.uniform(-1.2, 1.2), fillcolor=(226, 224, 216)))
