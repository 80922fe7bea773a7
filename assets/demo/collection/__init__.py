"""The models and datasets of the demo, by subject."""

from assets.demo.collection import (
    audio,
    datasets,
    language,
    multimodal,
    retrieval,
    series,
    vision,
)
from assets.demo.exhibits import Exhibit

EXHIBITS: tuple[Exhibit, ...] = (
    *language.EXHIBITS, *retrieval.EXHIBITS, *audio.EXHIBITS, *vision.EXHIBITS, *multimodal.EXHIBITS, *series.EXHIBITS, *datasets.EXHIBITS,
)  # fmt: skip
