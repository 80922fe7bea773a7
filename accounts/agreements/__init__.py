"""The agreements that the gallery ships: the first version of each kind, in both languages.

A migration loads them into `accounts.models.Agreement`, where administrators publish versions of their own.
"""

from pathlib import Path
from typing import Any

from django.utils import timezone

KINDS = ("service", "publishing", "risk")
_FOLDER = Path(__file__).parent


def shipped(kind: str, language: str) -> tuple[str, str]:
    """Return the title and the Markdown text of an agreement in `en` or `zh`."""
    title, _blank, text = (_FOLDER / f"{kind}.{language}.md").read_text(encoding="utf-8").partition("\n")
    return title.removeprefix("# ").strip(), text.strip() + "\n"


def load(model: Any) -> None:
    """Publish the shipped version of every kind of agreement that has no version yet; `model` is `Agreement`."""
    for kind in KINDS:
        if not model.objects.filter(kind=kind).exists():
            (title_en, text_en), (title_zh, text_zh) = shipped(kind, "en"), shipped(kind, "zh")
            model.objects.create(
                kind=kind, version=1, title_en=title_en, title_zh=title_zh, text_en=text_en, text_zh=text_zh, published_at=timezone.now()
            )


def unload(model: Any) -> None:
    """Remove the shipped versions that nobody agreed to."""
    model.objects.filter(kind__in=KINDS, version=1, acceptances=None).delete()
