"""The introduction of an asset as its page shows it."""

from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from assets import card
from assets.ingest import CARD, read_card
from assets.models import Asset
from assets.revisions import Place
from core.markdown import render
from repos.reading import resolve

CACHE_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Readme:
    """Rendered text with what is wrong in its head; `html` is empty where there is no text."""

    html: SafeString
    problems: list[str]
    commit: str


def readme_of(asset: Asset, user: Any) -> Readme:
    """Return the introduction at the default branch's head; rendering is kept for a day by commit and language."""
    revision = resolve(asset.open_repository())
    place = Place(asset, revision, CARD)
    # Who may not read the files does not get their pictures either: the words that stand for them remain.
    link = place.link if "preview" in asset.allowed else lambda target, image: None if image else place.link(target, image)
    key = f"readme:4:{asset.pk}:{asset.repo_id}:{revision.commit.sha}:{get_language()}:{'preview' in asset.allowed}"
    kept = cache.get(key)
    if kept is None:
        text, errors = read_card(revision)
        parsed = card.parse(text or "")
        problems = [card.sentence(error.as_dict()) for error in (errors or parsed.errors)]
        html = render(parsed.body, resolve_link=link) if parsed.body.strip() else ""
        kept = (str(html), problems)
        cache.set(key, kept, CACHE_SECONDS)
    return Readme(mark_safe(kept[0]), kept[1], revision.commit.sha)
