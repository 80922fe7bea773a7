"""Rows of numbers and their pictures and sounds: load curves, sales, labelled clips, folders of images."""

import math
from datetime import UTC, date, datetime, timedelta
from random import Random

from assets.demo.formats import pictures, sounds
from assets.demo.formats.tables import encode_csv, encode_jsonl
from assets.demo.recipes import Files

Rows = list[dict[str, object]]
DEFECTS = ("good", "scratch", "pit", "rust", "dent", "crack")
FAULTS = ("normal", "outer", "inner", "ball")


def load(seed: str, days: int) -> Rows:
    """Return the hourly load of three substations with temperature."""
    random = Random(seed)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    rows: Rows = []
    for hour in range(days * 24):
        moment = start + timedelta(hours=hour)
        season = math.cos(math.tau * (hour / 24 - 200) / 365)
        day = math.sin(math.tau * (moment.hour - 8) / 24)
        warmth = 15 + 12 * season + 4 * day + random.gauss(0, 1.2)
        for place, station in enumerate(("云岭一站", "云岭二站", "开发区站")):
            weekend = 0.82 if moment.weekday() > 4 else 1.0
            value = (180 + 60 * place) * weekend * (1 + 0.22 * day) + abs(warmth - 20) * 2.4 + random.gauss(0, 4)
            rows.append(
                {
                    "station": station,
                    "measured_at": f"{moment:%Y-%m-%d %H:%M:%S}",
                    "load_mw": round(value, 2),
                    "temperature": round(warmth, 1),
                }
            )
    return rows


def sales(seed: str, days: int) -> Rows:
    """Return daily sales of twelve products."""
    random = Random(seed)
    start = date(2025, 6, 1)
    products = [(f"SKU-{number:03}", random.uniform(20, 160), random.uniform(9, 240)) for number in range(1, 13)]
    rows: Rows = []
    for day in range(days):
        moment = start + timedelta(days=day)
        for sku, level, price in products:
            offer = random.random() < 0.08
            mean = level * (1.35 if moment.weekday() > 4 else 1.0) * (1.8 if offer else 1.0)
            units = max(0, round(random.gauss(mean, mean * 0.15)))
            rows.append(
                {
                    "date": moment.isoformat(),
                    "sku": sku,
                    "units": units,
                    "price": round(price * (0.85 if offer else 1), 2),
                    "promotion": int(offer),
                }
            )
    return rows


def defects(seed: str, train: int, test: int) -> Files:
    """Return folders `train/<class>/` and `test/<class>/` of pictures, with a table of labels."""
    files: Files = {}
    rows: Rows = []
    for split, count in (("train", train), ("test", test)):
        for kind in DEFECTS:
            for number in range(1, count + 1):
                path = f"{split}/{kind}/{number:04}.png"
                files[path] = pictures.defect(f"{seed}/{path}", kind)
                rows.append(
                    {"path": path, "label": kind, "split": split, "line": f"L{number % 3 + 1}", "magnification": 5 * (number % 2 + 1)}
                )
    return files | {"labels.csv": encode_csv(rows)}


def bearings(seed: str, count: int) -> Files:
    """Return folders `<fault>/` of sounds, with a table."""
    files: Files = {}
    rows: Rows = []
    for fault in FAULTS:
        for number in range(1, count + 1):
            path = f"{fault}/{number:04}.wav"
            files[path] = sounds.bearing(f"{seed}/{path}", fault)
            rows.append({"file_name": path, "label": fault, "seconds": 1.0, "rpm": 1470 + 10 * number})
    return files | {"metadata.csv": encode_csv(rows)}


_PHRASES = {
    "苏州话": [("今朝天气蛮好", "今天天气很好"), ("倷阿吃过哉", "你吃过了吗")],
    "上海话": [("侬好", "你好"), ("阿拉一道去", "我们一起去")],
    "杭州话": [("我晓得嘚", "我知道了"), ("格么好的", "那好的")],
    "宁波话": [("来发啦", "来了吗"), ("忒好嘞", "太好了")],
}


def dialects(seed: str, count: int) -> Files:
    """Return clips by dialect with their transcripts."""
    files: Files = {}
    rows: Rows = []
    for place, (dialect, phrases) in enumerate(_PHRASES.items()):
        for number in range(1, count + 1):
            said, meaning = phrases[number % len(phrases)]
            path = f"clips/{('suzhou', 'shanghai', 'hangzhou', 'ningbo')[place]}/{number:04}.wav"
            files[path] = sounds.voice(f"{seed}/{path}", len(said), 150 + 40 * (number % 3))
            seconds = round((len(files[path]) - 44) / 2 / sounds.RATE, 2)
            rows.append(
                {
                    "file_name": path,
                    "dialect": dialect,
                    "text": said,
                    "mandarin": meaning,
                    "speaker": f"spk{place}{number % 3}",
                    "seconds": seconds,
                }
            )
    return files | {"metadata.csv": encode_csv(rows)}


def paintings(seed: str, count: int) -> Files:
    """Return ink paintings with captions."""
    subjects = [
        ("远山与落日", "distant hills with a setting sun"),
        ("雾中群峰", "peaks in the mist"),
        ("江岸晨色", "a river bank at dawn"),
        ("层峦秋意", "ranges in autumn"),
    ]
    files: Files = {}
    rows: Rows = []
    for number in range(1, count + 1):
        path = f"images/{number:04}.png"
        files[path] = pictures.ink(f"{seed}/{path}")
        zh, en = subjects[number % len(subjects)]
        rows.append({"file_name": path, "text_zh": f"水墨，{zh}，留白", "text": f"ink wash painting, {en}"})
    return files | {"metadata.jsonl": encode_jsonl(rows)}


def boards(seed: str, count: int) -> Files:
    """Return pictures of circuit boards with masks of the same name."""
    files: Files = {}
    for number in range(1, count + 1):
        files[f"images/{number:04}.png"], files[f"masks/{number:04}.png"] = pictures.board(f"{seed}/{number}")
    classes = [{"value": value, "name": name} for value, name in enumerate(["ground", "trace", "pad", "chip"])]
    return files | {"classes.csv": encode_csv(classes)}


def slips(seed: str, count: int) -> Files:
    """Return scanned slips with their fields."""
    random = Random(seed)
    files: Files = {}
    rows: Rows = []
    for number in range(1, count + 1):
        path = f"images/{number:04}.png"
        files[path] = pictures.receipt(f"{seed}/{path}")
        rows.append(
            {
                "image": path,
                "kind": random.choice(["送货单", "发票", "领料单"]),
                "total": round(random.uniform(20, 9000), 2),
                "currency": "CNY",
            }
        )
    return files | {"annotations.jsonl": encode_jsonl(rows)}
