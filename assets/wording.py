"""What an asset says to those who see it: the texts in which forbidden words are looked for."""

from collections.abc import Sequence
from typing import Any

from assets.ingest import read_card
from assets.models import AccessTerms, Asset
from repos.reading import resolve


def of(asset: Asset) -> dict[str, str]:
    """Return the names, the summary, the tags, the card and the terms of `asset`, by field."""
    text, _errors = read_card(resolve(asset.open_repository()))
    terms = AccessTerms.objects.filter(asset=asset.pk).first()
    return {
        "name": asset.name,
        "title_zh": asset.title_zh,
        "description": asset.description,
        "tags": lines(asset.tags),
        "text": text or "",
        **(of_terms(terms.questions, terms.agreement) if terms else {}),
    }


def of_settings(values: dict[str, Any]) -> dict[str, str]:
    """Return the texts among new values of columns, by column."""
    return {name: value if isinstance(value, str) else lines(value) for name, value in values.items() if isinstance(value, str | list)}


def of_terms(questions: Sequence[dict[str, Any]], agreement: str) -> dict[str, str]:
    """Return the texts that applicants read."""
    asked = [word for question in questions for word in (question["label"], *question.get("choices", []))]
    return {"questions": lines(asked), "agreement": agreement}


def lines(words: Sequence[Any]) -> str:
    """Return words that must not run into each other as one text."""
    return "\n".join(str(word) for word in words)
