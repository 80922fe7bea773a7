"""The card of an asset: `README.md`, whose head holds the settings. Pure functions over text; no rows, no requests."""

from assets.card.facts import check_facts
from assets.card.keys import COLUMNS, DEFAULTS
from assets.card.problems import CardError, sentence
from assets.card.reading import Card, parse
from assets.card.rewriting import CardUnreadable, compose, rewrite

__all__ = ["COLUMNS", "DEFAULTS", "Card", "CardError", "CardUnreadable", "check_facts", "compose", "parse", "rewrite", "sentence"]
