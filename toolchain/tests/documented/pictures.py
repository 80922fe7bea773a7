"""A dataset of sixty little pictures, red ones and blue ones, and the sample that learns to tell them apart."""

from pathlib import Path
from random import Random

from PIL import Image

SAMPLE = Path(__file__).parent / "image_classification"
COLOURS = {"blue": (30, 60, 220), "red": (220, 50, 30)}
COUNTS = {"train": 20, "test": 10}
_RENAMED = {"evaluation_strategy=": "eval_strategy=", "warmup_ratio=float": "warmup_steps=float", "tokenizer=": "processing_class="}


def draw(folder: Path) -> None:
    """Write `train` and `test` with a folder for each class: 40 and 20 pictures of 48 x 48 pixels, the same every time."""
    chance = Random(7)
    for split, count in COUNTS.items():
        for name, colour in COLOURS.items():
            target = folder / split / name
            target.mkdir(parents=True)
            for number in range(1, count + 1):
                pixels = bytes(min(255, max(0, part + chance.randint(-30, 30))) for _pixel in range(48 * 48) for part in colour)
                Image.frombytes("RGB", (48, 48), pixels).save(target / f"{number}.png")


def scripts(environment: str) -> dict[str, str]:
    """Return the files of the sample by path; for the environment "current" with the three arguments that version 5 renamed."""
    files = {
        path.relative_to(SAMPLE).as_posix(): path.read_text()
        for path in sorted(SAMPLE.rglob("*"))
        if path.suffix in (".py", ".json", ".md")
    }
    if environment == "current":
        script = files["gallery_train/train.py"]
        for old, new in _RENAMED.items():
            assert script.count(old) == 1
            script = script.replace(old, new)
        files["gallery_train/train.py"] = script
    return files
